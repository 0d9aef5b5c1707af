"""Starts several workers on this machine, one process for each, which end together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import NamedTuple

from builder.distribution.cluster import Cluster
from builder.distribution.isolation import isolate, obstacle_to_isolation

POLL_SECONDS = 0.2
"""How often to look whether workers have ended."""
READER_SECONDS = 2.0
"""How long to wait for the rest of a worker's output; a process that it left running may hold the pipe open."""
FAILING_SECONDS = 5.0
"""How long the other workers may take to end after one has failed."""
SAVING_SECONDS = 60.0
"""How long the workers may take to end after a signal, while the chief saves the state."""
STOPPING_SECONDS = 600.0
"""How long the workers may take to begin to end after a signal. They do at the end of a step, which may take minutes;
workers that still wait for one another when the signal comes never do."""
NO_PROXY = {"no_grpc_proxy": "127.0.0.1"}
"""gRPC would ask the proxy of `http_proxy` for the other workers, and wait for ever. It reads this before `no_proxy`
(https://github.com/grpc/grpc/blob/master/doc/environment_variables.md)."""
EXPOSED = (
    "warning: the workers can be reached from other machines, on the ports {ports}, and TensorFlow's servers run "
    "what they are sent, whoever sends it ({reason}); close the ports as docs/distribution.md says"
)


class Forwarded(NamedTuple):
    """A signal that was passed on to the workers, and when, in seconds of the monotonic clock."""

    number: int
    at: float


def launch(command: Sequence[str], count: int, prepare: Callable[[], object] | None = None, needs: str = "") -> int:
    """Runs a command as `count` workers of one cluster on the loopback device.

    Each worker is a gRPC server of TensorFlow, which listens on all network devices and runs what it is sent, whoever
    sends it. The workers therefore get a network of their own, which nothing else reaches. Where the system does not
    allow that, or they need the network, a warning says so.

    The chief's output is shown, and what the other workers write to stderr; a line that several of them write is shown
    once. Ctrl-C and SIGTERM are passed on to all.

    Args:
        command: what each worker runs, with TF_CONFIG in its environment.
        count: the number of workers.
        prepare: what has to be done while there is a network, in a process of its own. Its errors are raised there.
        needs: why the workers need the network, in words; empty if they do not.

    Returns:
        The exit status of the chief, or that of a worker that failed; 1 if a worker was killed. Then the others are
        stopped. After a signal it is that of a shell, 130 or 143, unless the chief completed its work or reported a
        mistake: of workers that end one after another, the last ones lose their peers.
    """
    obstacle = needs or obstacle_to_isolation()
    if not obstacle and count > 1:
        if prepare is not None and (status := _prepared(prepare)):
            return status
        isolate()
    addresses = _free_addresses(count)
    if obstacle and count > 1:  # one alone does not listen
        print(EXPOSED.format(ports=_ports(addresses), reason=obstacle), file=sys.stderr, flush=True)
    processes: list[subprocess.Popen[bytes]] = []
    forwarded: list[Forwarded] = []

    def forward(number: int, frame: FrameType | None) -> None:
        forwarded.append(Forwarded(number, time.monotonic()))
        for process in processes:  # at once, as two signals that come together may be taken for one
            process.send_signal(number)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, forward)
    for index in range(count):
        environment = {**os.environ, "TF_CONFIG": Cluster(addresses, index).config(), **NO_PROXY}
        output = None if index == 0 else subprocess.DEVNULL
        process = subprocess.Popen(  # in a group of its own, or a terminal's Ctrl-C reaches it twice, which ends it
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.PIPE,
            preexec_fn=_die_with_parent,
            process_group=0,
        )
        processes.append(process)
    for signalled in forwarded:  # while they were started, when not all of them could get it
        for process in processes:
            process.send_signal(signalled.number)
    printed: Counter[bytes] = Counter()
    readers = [threading.Thread(target=_pass_on, args=(process, printed), daemon=True) for process in processes]
    for reader in readers:
        reader.start()
    try:
        return _watch(processes, forwarded)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join(READER_SECONDS)


def _prepared(prepare: Callable[[], object]) -> int:
    """Does work in a process of its own, whose end is that of the command if it fails.

    Returns:
        Its exit status.
    """
    pid = os.fork()
    if pid == 0:
        _die_with_parent()
        prepare()
        sys.stdout.flush()
        os._exit(0)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def _ports(addresses: Sequence[str]) -> str:
    return " and ".join(address.rpartition(":")[2] for address in addresses)


def _pass_on(process: subprocess.Popen[bytes], printed: Counter[bytes]) -> None:
    """Shows what a worker writes to stderr, except the lines that another has already written: all of them report the
    same mistake of the user."""
    own: Counter[bytes] = Counter()
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            own[line] += 1
            with _printing:
                if own[line] > printed[line]:
                    printed[line] = own[line]
                    with contextlib.suppress(OSError):  # stderr is closed
                        os.write(2, line)


_printing = threading.Lock()


def without_option(arguments: Sequence[str], option: str) -> list[str]:
    """A command's arguments without an option and its value."""
    others: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == option:
            next(remaining, None)
        elif not argument.startswith(f"{option}="):
            others.append(argument)
    return others


def _watch(processes: Sequence[subprocess.Popen[bytes]], forwarded: Sequence[Forwarded]) -> int:
    """Waits until the workers have ended, and passes signals on meanwhile."""
    while any(process.poll() is None for process in processes):
        now = time.monotonic()
        if len(forwarded) > 1 and now - forwarded[1].at > FAILING_SECONDS:  # they wait for each other
            return _status(processes, forwarded)
        if forwarded and now - forwarded[0].at > STOPPING_SECONDS:
            waited = f"{STOPPING_SECONDS:.0f} seconds after a signal"
            print(f"the workers have not ended {waited}; they are stopped", file=sys.stderr)
            return _status(processes, forwarded)
        for index, process in enumerate(processes):
            if process.poll() is not None and process.returncode < 0 and not forwarded:
                name = signal.Signals(-process.returncode).name
                print(f"worker {index} was killed ({name}); the others are stopped", file=sys.stderr)
                return 1
            if process.poll() not in (None, 0) and any(other.poll() is None for other in processes):
                status = _after_failure(processes, index, forwarded)
                return _status(processes, forwarded) if forwarded else status
        time.sleep(POLL_SECONDS)
    return _status(processes, forwarded) if forwarded else processes[0].returncode


def _status(processes: Sequence[subprocess.Popen[bytes]], forwarded: Sequence[Forwarded]) -> int:
    """The exit status after a signal."""
    chief = processes[0].returncode
    return chief if chief in (0, 2) else 128 + forwarded[0].number


def _after_failure(processes: Sequence[subprocess.Popen[bytes]], index: int, forwarded: Sequence[Forwarded]) -> int:
    """Gives the other workers, which may fail for the same reason or still save their state, some seconds to end; then
    they are stopped."""
    began = time.monotonic()
    while any(process.poll() is None for process in processes):
        patience = SAVING_SECONDS if len(forwarded) == 1 else FAILING_SECONDS
        if time.monotonic() - began > patience:
            break
        time.sleep(POLL_SECONDS)
    status = processes[index].returncode
    if any(process.poll() is None for process in processes) and not forwarded:
        print(f"worker {index} ended with status {status}; the others are stopped", file=sys.stderr)
    return status


def _free_addresses(count: int) -> tuple[str, ...]:
    """Addresses on the loopback device, with ports that are free at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)


def _die_with_parent() -> None:
    """Asks Linux to kill this process when its parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        set_death_signal = 1  # PR_SET_PDEATHSIG in linux/prctl.h
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
