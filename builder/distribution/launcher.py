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
from collections.abc import Sequence
from contextlib import ExitStack

from builder.distribution.cluster import Cluster

POLL_SECONDS = 0.2
"""How often to look whether workers have ended."""
READER_SECONDS = 2.0
"""How long to wait for the rest of a worker's output; a process that it left running may hold the pipe open."""
FAILING_SECONDS = 5.0
"""How long the other workers may take to end after one has failed."""
SAVING_SECONDS = 60.0
"""How long the workers may take to end after a signal, while the chief saves the state."""


def launch(command: Sequence[str], count: int) -> int:
    """Runs a command as `count` workers of one cluster on the loopback device.

    The chief's output is shown, and what the other workers write to stderr; a line that several of them write is shown
    once. Ctrl-C and SIGTERM are passed on to all.

    Returns:
        The exit status of the chief, or that of a worker that failed; 1 if a worker was killed. Then the others are
        stopped.
    """
    addresses = _free_addresses(count)
    processes = []
    forwarded: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: forwarded.append(number))
    for index in range(count):
        environment = {**os.environ, "TF_CONFIG": Cluster(addresses, index).config()}
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


def _pass_on(process: subprocess.Popen[bytes], printed: Counter[bytes]) -> None:
    """Shows what a worker writes to stderr, except the lines that another has already written: all of them report the
    same mistake of the user."""
    own: Counter[bytes] = Counter()
    assert process.stderr is not None
    for line in process.stderr:
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


def _watch(processes: Sequence[subprocess.Popen[bytes]], forwarded: list[int]) -> int:
    """Waits until the workers have ended, and passes signals on meanwhile."""
    patience = FAILING_SECONDS
    while any(process.poll() is None for process in processes):
        while forwarded:
            number, patience = forwarded.pop(), SAVING_SECONDS
            for process in processes:
                process.send_signal(number)
        for index, process in enumerate(processes):
            if process.poll() is not None and process.returncode < 0:
                name = signal.Signals(-process.returncode).name
                print(f"worker {index} was killed ({name}); the others are stopped", file=sys.stderr)
                return 1
            if process.poll() not in (None, 0) and any(other.poll() is None for other in processes):
                return _after_failure(processes, index, patience)
        time.sleep(POLL_SECONDS)
    return processes[0].returncode


def _after_failure(processes: Sequence[subprocess.Popen[bytes]], index: int, patience: float) -> int:
    """Gives the other workers, which may fail for the same reason, some seconds to end; then they are stopped."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and any(process.poll() is None for process in processes):
        time.sleep(POLL_SECONDS)
    status = processes[index].returncode
    if any(process.poll() is None for process in processes):
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
