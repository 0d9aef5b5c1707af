"""The commands of docs/evaluate.md and docs/predict.md do what is shown there, up to the figures."""

import contextlib
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def blocks(page, language):
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


CONSOLE = [block.split("\n", 1) for page in ("evaluate.md", "predict.md") for block in blocks(page, "console")]


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    """The runs that the pages speak of, trained for less long, and their pictures."""
    root = tmp_path_factory.mktemp("docs")
    for number, name in enumerate(("one", "two", "one"), 1):
        shutil.copytree(runs / name, root / "runs" / "digits" / str(number))
    return root


def shape(text):
    """A text without its figures and the widths that they have."""
    text = re.sub(r"\d+ \(\d+x\)(?=\n)|-(?=\n)", "@", text)
    return [re.sub(r"[-+]?\d[\d.]*|-{3,}", "#", line).split() for line in text.splitlines()]


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_commands_are_as_shown(command, output, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    if not Path("pictures").exists():
        exec(blocks("predict.md", "python")[0], {})
    arguments = command.removeprefix("$ python ").split()
    monkeypatch.setattr(sys, "argv", arguments)
    fails = pytest.raises(SystemExit, match=r"^1$") if "could not be read" in output else contextlib.nullcontext()
    with fails:
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
    captured = capsys.readouterr()
    found = shape(captured.out + captured.err)
    assert found[: len(shape(output))] == shape(output)


def test_python_is_as_shown(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    exec(blocks("evaluate.md", "python")[0], {})
    assert re.search(r"^0\.\d+ \(360, 10\)$", capsys.readouterr().out, re.MULTILINE)
