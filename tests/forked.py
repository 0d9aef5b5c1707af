"""Runs the project's commands in processes forked from one that has imported TensorFlow, which takes seconds.

`python()` is the path of a program that is used like the interpreter: `python() tools/predict.py ...` or `python() -c
CODE`. It forks, except for other scripts, several workers and other settings of TensorFlow or Python, which get a real
interpreter. Tests of what happens while a command starts or on a signal, or of code that has to do without the
project's packages, start `sys.executable` themselves.

A forked process is one of its own, with its own arguments, environment, directory and output. See
`builder.sweep.processes.child` on why the fork is safe.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[1]
SETTINGS = ("PYTHON", "TF_", "KERAS", "CUDA", "XLA", "OMP_")
"""Environment variables with these beginnings matter when TensorFlow or Python starts."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

CLIENT = """#!{python} -SE
import json, os, socket, sys
arguments = sys.argv[1:]
settings = {{name: value for name, value in os.environ.items() if name.startswith({settings})}}
ignored = ("TF_CPP_MIN_LOG_LEVEL",)
for name in ignored:
    settings.pop(name, None)
first = arguments[0] if arguments else ""
is_known = first == "-c" or os.path.dirname(os.path.realpath(first)) == {tools!r}
if not is_known or "--workers" in arguments or settings != {expected}:
    os.execv({python!r}, [{python!r}, *arguments])
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
socket.send_fds(connection, [b"."], [0, 1, 2])
task = {{"arguments": arguments, "directory": os.getcwd(), "environment": dict(os.environ)}}
connection.sendall(json.dumps(task).encode() + b"\\n")
answer = connection.recv(16)
os._exit(int(answer) if answer else 1)
"""


@cache
def python() -> str:
    """The path of a program that runs the project's commands as the interpreter would, without its start."""
    if sys.platform != "linux":
        return sys.executable
    folder = tempfile.TemporaryDirectory(prefix="forked-")
    address = f"{folder.name}/socket"
    command = [sys.executable, "-m", "tests.forked", address]
    environment = {**ENVIRONMENT, "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdin and server.stdout

    def close() -> None:
        server.stdin.close()  # type: ignore[union-attr]
        server.wait()
        folder.cleanup()

    atexit.register(close)
    if server.stdout.readline() != b"ready\n":  # it has several threads
        return sys.executable
    settings = {name: value for name, value in ENVIRONMENT.items() if name.startswith(SETTINGS)}
    settings.pop("TF_CPP_MIN_LOG_LEVEL", None)
    client = Path(folder.name) / "python"
    client.write_text(
        CLIENT.format(
            python=sys.executable, settings=SETTINGS, tools=str(ROOT / "tools"), expected=settings, address=address
        )
    )
    client.chmod(0o755)
    return str(client)


def serve(address: str) -> None:
    """Forks a process for each connection, one after another, until stdin closes."""
    import select

    from builder.sweep.processes.child import can_fork, prepare

    prepare()
    if not can_fork():
        return
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            connection, _ = listener.accept()
            with connection:
                _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
                with connection.makefile("rb") as lines:
                    task = json.loads(lines.readline())
                pid = os.fork()
                if pid == 0:
                    listener.close()
                    _run(task, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                connection.sendall(str(status % 256 if status >= 0 else 128 - status).encode())


def _run(task: dict[str, object], descriptors: list[int]) -> NoReturn:
    """Runs a command in this process, which then ends."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(task["directory"]))
    os.environ.clear()
    os.environ.update(task["environment"])  # type: ignore[call-overload]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = task["arguments"]
    assert isinstance(arguments, list)
    sys.orig_argv = [sys.executable, *arguments]
    status = 0
    try:
        if arguments[0] == "-c":
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
