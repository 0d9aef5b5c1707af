"""What the README shows is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
SUMMARIES = [
    text.split("\n", 1)
    for language, text in BLOCKS
    if language == "console" and text.startswith("$ python tools/summary.py ")
]


@pytest.fixture
def folder(tmp_path):
    """The repository's root as the README sees it, with the specs that it tells to write."""
    for name in ("tools", "specs"):
        (tmp_path / name).symlink_to(ROOT / name)
    for language, text in BLOCKS:
        if language == "yaml":
            (name,) = re.findall(r"^# (\w+\.yaml)$", text, re.MULTILINE)
            (tmp_path / name).write_text(text)
    return tmp_path


def test_there_are_examples():
    assert len(SUMMARIES) >= 4


@pytest.mark.parametrize(("command", "output"), SUMMARIES, ids=[command for command, _ in SUMMARIES])
def test_summaries_are_as_shown(command, output, folder):
    arguments = command.removeprefix("$ python ").split()
    result = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.stdout + result.stderr == output


def test_python_is_as_shown(folder):
    (code,) = (text for language, text in BLOCKS if language == "python")
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert f"# {result.stdout}" in code
