"""Signals whose exceptions Python swallows still end the work."""

import contextlib
import hashlib
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref

import pytest

from builder.system.signals import Interrupts
from tests.processes import ENVIRONMENT, ROOT

IN_A_DESTRUCTOR = """
import signal, time
{setup}
class Signalled:
    def __del__(self):
        signal.raise_signal(signal.{name})
try:
    del [Signalled()][0]
    time.sleep(20)
    print("the signal was lost")
finally:
    print("cleaned up")
"""


@pytest.mark.parametrize(
    ("name", "setup", "status"),
    [
        ("SIGTERM", "from builder.system.signals import exit_on_sigterm; exit_on_sigterm()", 143),
        ("SIGINT", "import builder.system.ctrl_c; signal.signal(signal.SIGINT, signal.default_int_handler)", -2),
    ],
)
def test_a_signal_in_a_destructor_ends_the_process(name, setup, status):
    code = IN_A_DESTRUCTOR.format(name=name, setup=setup)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (status, "cleaned up\n")
    assert "ignored" not in ended.stderr


class Anything:
    pass


def interrupt_twice():
    anything = Anything()
    reference = weakref.ref(anything, lambda _: signal.raise_signal(signal.SIGINT))
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert interrupts.signal == signal.SIGINT
        del anything
        assert reference() is None
        time.sleep(20)


def test_a_second_interrupt_in_the_callback_of_a_weak_reference_is_not_lost():
    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()


def test_an_interrupt_that_comes_too_early_again_is_not_lost(monkeypatch):
    """As on a busy machine, where the signal is sent again before the thread that sends it counts as started."""
    start, early = threading.Timer.start, [signal.SIGINT, signal.SIGINT]

    def start_late(self):
        start(self)
        if early:
            signal.raise_signal(early.pop())

    monkeypatch.setattr(threading.Timer, "start", start_late)
    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert not early


def signals_during_a_call(*numbers):
    """Sends signals to the main thread while it is in a call of C code, during which Python runs no handlers."""

    def send():
        for number in numbers:
            time.sleep(0.05)
            signal.pthread_kill(threading.main_thread().ident, number)

    with Interrupts() as interrupts:
        threading.Thread(target=send).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1_500_000)  # about half a second
        return interrupts.signal


def test_two_interrupts_during_one_call_are_two():
    with pytest.raises(KeyboardInterrupt):
        signals_during_a_call(signal.SIGINT, signal.SIGINT)
    assert signals_during_a_call(signal.SIGINT) == signal.SIGINT
    assert signals_during_a_call(signal.SIGTERM, signal.SIGTERM) == signal.SIGTERM
    assert signals_during_a_call(signal.SIGINT, signal.SIGTERM) in (signal.SIGINT, signal.SIGTERM)


def test_the_pipe_of_an_event_loop_is_left_to_it():
    with contextlib.ExitStack() as stack:
        pipe = socket.socketpair()
        for end in pipe:
            stack.enter_context(end)
            end.setblocking(False)
        before = signal.set_wakeup_fd(pipe[1].fileno())
        stack.callback(signal.set_wakeup_fd, before)
        assert signals_during_a_call(signal.SIGINT) == signal.SIGINT
        assert signal.set_wakeup_fd(pipe[1].fileno()) == pipe[1].fileno()
        assert pipe[0].recv(10) == bytes([signal.SIGINT])


def test_other_exceptions_of_destructors_are_reported_as_before(capsys, monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    anything = Anything()
    reference = weakref.ref(anything, lambda _: 1 / 0)
    with Interrupts():
        del anything
    assert reference() is None
    assert [one.exc_type for one in reported] == [ZeroDivisionError]
