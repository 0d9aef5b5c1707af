"""Another process that does a piece of work once per request."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

NO_TORCH = "no torch and torchvision here; TORCH_PYTHON may name a Python that has both"


@contextlib.contextmanager
def asked(*command: object, env: Mapping[str, str] | None = None) -> Iterator[Callable[[], object] | None]:
    """Yields a function that makes a process do its work once, or None if the process cannot.

    The process prints `ready` at its start, and `done` for each line that it receives.
    """
    arguments = list(map(str, command))
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdin and process.stdout
        requests, replies = process.stdin, process.stdout

        def once() -> None:
            print("again", file=requests, flush=True)
            if replies.readline().strip() != "done":
                raise RuntimeError(f"{' '.join(arguments)} has failed")

        yield once if replies.readline().strip() == "ready" else None
        requests.close()


def answer(step: Callable[[], object]) -> None:
    """The other side of `asked`: does the work once for each line on stdin."""
    print("ready", flush=True)
    for _ in sys.stdin:
        step()
        print("done", flush=True)


def torch_process(script: str, *arguments: object) -> contextlib.AbstractContextManager[Callable[[], object] | None]:
    """A script of this folder that needs PyTorch, run by the Python that `TORCH_PYTHON` names, by default this one."""
    return asked(os.environ.get("TORCH_PYTHON", sys.executable), Path(__file__).with_name(script), *arguments)
