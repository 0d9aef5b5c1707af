"""Properties of every tool: few lines, and a clean end on Ctrl-C during start-up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = sorted(path.name for path in (ROOT / "tools").glob("*.py"))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_is_arguments_and_dispatch(tool):
    assert len((ROOT / "tools" / tool).read_text().splitlines()) <= 60


def interrupted(path, *command):
    """How a tool ends if Ctrl-C arrives while it imports a stand-in module, which waits."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


WAITING = "print('importing', flush=True)\nimport time\ntime.sleep(60)\n"


@pytest.mark.parametrize("tool", TOOLS)
def test_ctrl_c_while_it_imports_ends_with_a_line(tool, tmp_path):
    (tmp_path / "archspec").mkdir()
    (tmp_path / "archspec" / "__init__.py").write_text(WAITING)
    assert interrupted(tmp_path, ROOT / "tools" / tool) == (130, "interrupted\n")


def test_ctrl_c_while_tensorflow_is_imported_ends_with_a_line(tmp_path):
    (tmp_path / "keras.py").write_text(WAITING)
    command = ROOT / "tools" / "preview.py", ROOT / "specs" / "digits.yaml"
    assert interrupted(tmp_path, *command) == (130, "interrupted\n")
