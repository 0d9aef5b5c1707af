"""The examples in the README and in docs/ work as shown.

The specs of each page (`yaml` whose first comment is a file name) are written to a folder, and the rest is run there in
order: `python`, whose comments show its output, and `console`, commands with their output. The word after `console`
says how:

    console           run; the output is exactly the same
    console slow      trains: run; the output is the same except for numbers, and `...` stands for any lines
    console checked   not run (long, or for other machines): the tool and its options exist, the spec is valid

`python slow` is a program that trains, with the same rule for its output: `# ...` stands for any lines. Where nothing
says how long digits.yaml is trained, it is trained for fewer epochs than its own, as numbers are not compared.
`sh` is `checked` as well, and other `yaml` is a part of a spec, which has to be valid.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import archspec
from archspec.spec.overrides import parse_assignments
from tests.forked import python as interpreter

ROOT = Path(__file__).parents[2]
ELSEWHERE = ("evaluate.md", "export.md", "predict.md", "search.md", "weights.md")
"""Pages whose commands need a run, an export or a file that is made first; other tests make it and run them."""
PAGES = sorted([ROOT / "README.md", *(page for page in ROOT.glob("docs/*.md") if page.name not in ELSEWHERE)])
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"^# (\w+\.yaml)$", re.MULTILINE)
ANY = "...\n"
"""Stands for any lines in an output."""
EPOCHS = 5
PARTS = ("train:", "model:", "params:", "search:")


@dataclass(frozen=True)
class Block:
    language: str
    mark: str
    text: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console with their outputs, or of a script with empty outputs."""
        if self.language == "sh":
            lines = self.text.replace("\\\n", " ").splitlines()
            return [(line.split("  #")[0], "") for line in lines if line and not line.startswith("#")]
        return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", self.text, re.MULTILINE)

    @property
    def comments(self) -> str:
        """The lines of a program that are comments, which show its output."""
        return "".join(re.findall(r"^# (.*\n)", self.text, re.MULTILINE))


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(page.read_text())]


def checked_commands() -> list[tuple[str, str]]:
    return [
        (page.name, command)
        for page in PAGES
        for block in blocks(page)
        if block.language == "sh" or block.mark == "checked"
        for command, _ in block.commands
        if "python tools/" in command
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def furnish(folder: Path) -> None:
    """Makes a folder look like the repository's root to a page."""
    for name in ("tools", "specs", "docs", "archspec", "builder"):
        (folder / name).symlink_to(ROOT / name)


def write_specs(page: Path, folder: Path) -> None:
    for block in blocks(page):
        name = FILE_NAME.search(block.text) if block.language == "yaml" else None
        if name:
            (folder / name[1]).write_text(block.text)


def run(command: str, folder: Path) -> str:
    """Runs a command with this interpreter as `python`; returns what it writes to stdout and stderr."""
    (folder / "bin").mkdir(exist_ok=True)
    python = folder / "bin" / "python"
    python.unlink(missing_ok=True)
    python.write_text(f'#!/bin/sh\nexec {interpreter()} "$@"\n')
    python.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    result = subprocess.run(
        command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return result.stdout


def shortened(text: str) -> str:
    """Commands or a program whose trainings of digits.yaml take EPOCHS where the text gives no number."""
    if "train.epochs" in text:
        return text
    text = re.sub(r"^python tools/(train|tune)\.py specs/digits\.yaml", rf"\g<0> --set train.epochs={EPOCHS}", text)
    spec = f'__import__("archspec").load("digits", {{"train.epochs": {EPOCHS}}})'
    return text.replace('builder.train("digits"', f"builder.train({spec}")


def shape(text: str) -> str:
    """A text without its numbers, and without what depends on them."""
    text = re.sub(r" \*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\d+(?:[.,:/-]\d+)*(?:e-?\d+)?", "#", text)
    text = re.sub(r"^ +#", "#", text, flags=re.MULTILINE)
    return re.sub(r"[ \t]+|(?<=-)-+", " ", text)


def shown_parts(text: str) -> list[str]:
    """The texts before, between and after the lines `...`."""
    return re.split(f"^{re.escape(ANY)}", text, flags=re.MULTILINE)


def matches(expected: str, found: str) -> bool:
    return re.fullmatch("(?:.*\n)*?".join(map(re.escape, shown_parts(expected))), found) is not None


def test_there_are_pages_and_examples():
    assert {page.name for page in PAGES} >= {"README.md", "data.md", "recipes.md", "distribution.md", "resuming.md"}
    assert sum(len(block.commands) for page in PAGES for block in blocks(page) if block.language == "console") >= 20


@pytest.mark.parametrize(("page", "command"), checked_commands())
def test_commands_name_tools_options_and_specs_that_exist(page, command, folder):
    path = next(path for path in PAGES if path.name == page)
    write_specs(path, folder)
    words = shlex.split(command.replace("$", ""))
    words = words[words.index("python") + 1 :]
    words = words[: words.index(">")] if ">" in words else words
    source = (ROOT / words[0]).read_text()
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f'"{option}"' in source or (option == "--set" and "add_set_argument" in source), option
    assignments = [words[index + 1] for index, word in enumerate(words) if word == "--set"]
    for spec in (word for word in words[1:] if word.endswith(".yaml")):
        if not spec.startswith("wrong"):
            archspec.load(spec, parse_assignments(assignments))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_specs_and_their_parts_are_valid(page, folder):
    write_specs(page, folder)
    for block in blocks(page):
        if block.language != "yaml":
            continue
        name = FILE_NAME.search(block.text)
        if name and not name[1].startswith("wrong"):
            archspec.load(name[1])
        elif block.text.startswith(PARTS):
            (folder / "part.yaml").write_text(f"extends: specs/{block.mark or 'digits'}.yaml\nname: part\n{block.text}")
            archspec.load("part.yaml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_shown_happens(page, folder):
    for command, expected, found in happenings(page, folder, [""]):
        assert matches(expected, found), f"$ {command}\n{found}\n--- expected\n{expected}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.mark == "slow" for block in blocks(page))], ids=lambda page: page.name
)
def test_trainings_that_are_shown_happen(page, folder):
    for command, expected, found in happenings(page, folder, ["slow"]):
        assert matches(shape(expected), shape(found)), f"$ {command}\n{found}\n--- expected\n{expected}"


def happenings(page: Path, folder: Path, marks: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Runs a page in order, and yields each command of the consoles with these marks, with shown and actual output.
    Programs are run too, as they write files; their output is compared here."""
    write_specs(page, folder)
    for block in blocks(page):
        if block.language == "python" and block.mark in ("", *marks):
            command = [interpreter(), "-c", shortened(block.text)]
            found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
            if block.mark:
                assert matches(shape(block.comments), shape(found)), f"{block.text}\n--- found\n{found}"
            else:
                assert all(f"# {line}\n" in block.text for line in found.splitlines())
        elif block.language == "console" and block.mark in marks:
            for command, expected in block.commands:
                yield command, expected, run(shortened(command), folder)


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/kubernetes/*.yaml")), ids=lambda path: path.name)
def test_manifests_are_kubernetes_objects_that_run_the_trainer(path):
    objects = list(yaml.safe_load_all(path.read_text()))
    assert all({"apiVersion", "kind", "metadata"} <= set(one) for one in objects)
    assert "tools/train.py" in path.read_text()
