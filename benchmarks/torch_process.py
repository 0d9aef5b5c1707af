"""Work in a process with PyTorch, which this project does not need otherwise."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

NO_TORCH = "no torch and torchvision here; TORCH_PYTHON may name a Python that has both"


@contextlib.contextmanager
def torch_process(script: str, *arguments: object) -> Iterator[Callable[[], object] | None]:
    """A function that has a script of this folder do its work once, or None where PyTorch is not installed.

    The script says `ready`, and then `done` for each line that it gets. `TORCH_PYTHON` names its Python; by default it
    is this one.
    """
    python = os.environ.get("TORCH_PYTHON", sys.executable)
    command = [python, str(Path(__file__).with_name(script)), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        requests, replies = process.stdin, process.stdout

        def once() -> None:
            print("again", file=requests, flush=True)
            if replies.readline().strip() != "done":
                raise RuntimeError(f"{script} has failed")

        yield once if replies.readline().strip() == "ready" else None
        requests.close()
