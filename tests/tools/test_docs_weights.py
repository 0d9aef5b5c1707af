"""The examples of docs/weights.md work as shown."""

import contextlib
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from tests.fixtures.weights_by_name import values
from tests.forked import python
from tests.tools import test_docs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "weights.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [text.split("\n", 1) for language, text in BLOCKS if language == "console"]
NETWORKS = json.loads((ROOT / "tests" / "fixtures" / "torchvision.json").read_text())["networks"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder like the repository's root, with the weights that the page mentions."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("tools", "specs"):
        (folder / name).symlink_to(ROOT / name)
    for name in re.findall(r"(\w+)\.safetensors specs", PAGE):
        tensors = {key: values(key, tuple(shape)) for key, shape in NETWORKS[name]["tensors"].items()}
        save_file(tensors, folder / f"{name}.safetensors")
    return folder


def test_commands_are_as_shown(folder, monkeypatch, capsys):
    """Runs the commands in order, as a reader would, as some read what others wrote."""
    monkeypatch.chdir(folder)
    assert len(COMMANDS) >= 5
    for command, expected in COMMANDS:
        monkeypatch.setattr(sys, "argv", command.removeprefix("$ python ").split())
        with contextlib.suppress(SystemExit):
            runpy.run_path(sys.argv[0], run_name="__main__")
        said = capsys.readouterr()
        assert said.out + said.err == expected, command


def test_python_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    codes = [code for language, code in BLOCKS if language == "python" and "torch" not in code]
    assert codes
    for code in codes:
        exec(compile(code, "docs/weights.md", "exec"), {})


@pytest.mark.slow
def test_the_fine_tuning_that_is_shown_happens(folder):
    """Runs the section in order, and compares everything but the figures."""
    section = PAGE.partition("\n## Fine-tuning\n")[2].partition("\n## ")[0]
    followed = 0
    for language, mark, text in test_docs.BLOCK.findall(section):
        block = test_docs.Block(language, mark, text)
        if language == "python":
            subprocess.run([python(), "-c", text], cwd=folder, check=True)
        elif language == "yaml":
            (folder / test_docs.FILE_NAME.search(text)[1]).write_text(text)
        for command, expected in block.commands if mark == "slow" else []:
            found = test_docs.run(command, folder)
            assert test_docs.matches(test_docs.shape(expected), test_docs.shape(found)), f"$ {command}\n{found}"
            followed += 1
    assert followed == 4
