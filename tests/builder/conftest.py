"""A process that is killed, for the tests of several folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.sweep.processes import forkserver
from tests.forked import python

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def forked_servers():
    """The fork servers of searches are forked too, from a process that has imported TensorFlow already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forkserver, "CHILD", [python(), *forkserver.CHILD[1:]])
        yield


@pytest.fixture(scope="session")
def killed(tmp_path_factory):
    """Runs a function in its own process until a given moment; returns its status and what it printed."""
    outputs = tmp_path_factory.mktemp("outputs")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, str(ROOT / "tests/builder/training/killed.py")]

    def killed(spec, run_dir, data_dir, when="never", number=0):
        output = outputs / f"{len(list(outputs.iterdir()))}.txt"
        task = [*map(str, (spec, run_dir, data_dir)), when, number, str(output)]
        print(json.dumps(task), file=process.stdin, flush=True)
        return int(process.stdout.readline()), output.read_text()

    with subprocess.Popen(command, env=environment, **pipes) as process:
        yield killed
        process.stdin.close()
