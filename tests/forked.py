"""Runs the project's commands in processes forked from one that has imported TensorFlow, which takes seconds.

`python()` is the path of a program that is used like the interpreter: `python() tools/predict.py ...` or `python() -c
CODE`. It forks, except for other scripts, several workers and other settings of TensorFlow or Python, which get a real
interpreter. Tests of what happens while a command starts, and of code that has to do without the project's packages,
start `sys.executable` themselves. The fork servers of searches that such commands carry out are forked as well; a test
that calls `builder.tune` has the fixture `forked_servers` for it.

A forked process is one of its own, with its own arguments, environment, directory and output. It gets the signals that
the program gets, and ends with it. See `builder.sweep.processes.child` on why the fork is safe.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]
POLL_SECONDS = 0.02
SETTINGS = ("PYTHON", "TF_", "KERAS_", "CUDA", "XLA", "OMP_")
"""Environment variables with these beginnings matter when TensorFlow or Python starts."""
FREE = ("TF_CPP_MIN_LOG_LEVEL", "TF_CONFIG")
"""Variables that do not matter, though their names begin like that."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

FORK_SERVER = ["-m", "builder.sweep.processes.child"]
CLIENT = """#!{python} -SE
import json, os, signal, socket, sys
arguments = sys.argv[1:]
first = arguments[0] if arguments else ""
is_known = first == "-c" or arguments == {fork_server!r} or os.path.dirname(os.path.realpath(first)) == {tools!r}
settings = {{
    name: value for name, value in os.environ.items() if name.startswith({beginnings}) and name not in {free}
}}
if arguments == {fork_server!r}:  # which names the packages' folder once more
    settings["PYTHONPATH"] = settings["PYTHONPATH"].removeprefix({root!r} + os.pathsep)
if not is_known or "--workers" in arguments or settings != {settings}:
    os.execv({python!r}, [{python!r}, *arguments])
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
socket.send_fds(connection, [b"."], [0, 1, 2])
task = {{"arguments": arguments, "directory": os.getcwd(), "environment": dict(os.environ)}}
connection.sendall(json.dumps(task).encode() + b"\\n")
answers = connection.makefile()
pid = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
status = int(answers.readline() or 1)
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
    os.kill(os.getpid(), -status)
os._exit(status)
"""


@cache
def python() -> str:
    """The path of a program that runs the project's commands as the interpreter would, without its start."""
    if sys.platform != "linux":
        return sys.executable
    folder = tempfile.TemporaryDirectory(prefix="forked-")
    address = f"{folder.name}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked", address],
        cwd=ROOT,
        env={**ENVIRONMENT, "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdin and server.stdout

    def close() -> None:
        server.stdin.close()  # type: ignore[union-attr]
        server.wait()
        folder.cleanup()

    atexit.register(close)
    if server.stdout.readline() != b"ready\n":  # it has several threads
        return sys.executable
    client = Path(folder.name) / "python"
    client.write_text(
        CLIENT.format(
            python=sys.executable,
            root=str(ROOT),
            tools=str(ROOT / "tools"),
            fork_server=FORK_SERVER,
            beginnings=SETTINGS,
            free=FREE,
            settings={
                name: ENVIRONMENT[name] for name in ENVIRONMENT if name.startswith(SETTINGS) and name not in FREE
            },
            address=address,
        )
    )
    client.chmod(0o755)
    return str(client)


def serve(address: str) -> None:
    """Forks a process for each connection until stdin closes."""
    from builder.sweep.processes import child

    child.prepare()
    if not child.can_fork():
        return
    running: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([listener, sys.stdin, *running.values()], [], [], POLL_SECONDS)
            for pid, connection in running.items():
                if connection in readable:  # the program was killed
                    os.kill(pid, signal.SIGKILL)
            while running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
                with running.pop(ended[0]) as connection:
                    _answer(connection, os.waitstatus_to_exitcode(ended[1]))
            if sys.stdin in readable:  # the tests have ended
                for pid in running:
                    os.kill(pid, signal.SIGKILL)
                return
            if listener in readable:
                pid, connection = _forked(listener, str(Path(address).with_name("python")))
                running[pid] = connection
                _answer(connection, pid)


def _answer(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # the program was killed
        connection.sendall(f"{number}\n".encode())


def _forked(listener: socket.socket, client: str) -> tuple[int, socket.socket]:
    connection, _ = listener.accept()
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as lines:
        task = json.loads(lines.readline())
    pid = os.fork()
    if pid == 0:
        listener.close()
        connection.close()
        _run(task, descriptors, client)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid, connection


def _run(task: dict[str, Any], descriptors: list[int], client: str) -> NoReturn:
    """Runs a command in this process, which then ends."""
    from builder.sweep.processes import child, forkserver

    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(task["directory"])
    os.environ.clear()
    os.environ.update(task["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments: list[str] = task["arguments"]
    sys.orig_argv = [sys.executable, *arguments]
    status = 0
    forkserver.CHILD[0] = client
    try:
        if arguments == FORK_SERVER:
            sys.argv = [child.__file__]
            child.main()
        elif arguments[0] == "-c":
            code, sys.argv = arguments[1], ["-c", *arguments[2:]]
            sys.path.insert(0, "")
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else bool(stop.code)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
