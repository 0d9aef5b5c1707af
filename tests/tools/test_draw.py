"""`tools/draw.py` as a user runs it: in a process of its own, from any directory."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import archspec
from tests.tools import pictures
from tests.tools.pictures import IMAGES, PICTURES

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "draw.py"


def draw(*arguments, cwd=ROOT, status=0):
    command = [sys.executable, TOOL, *map(str, arguments)]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr
    assert result.returncode == status, result.stderr
    return result.stderr if status else result.stdout


def test_a_file_for_each_network_or_comparison_by_its_names(tmp_path):
    draw("resnet152", cwd=tmp_path)
    assert (tmp_path / "resnet152.svg").read_text() == archspec.draw("resnet152").svg()
    assert draw("digits", ROOT / "specs" / "alexnet.yaml", cwd=tmp_path) == "wrote digits-alexnet.svg\n"
    ElementTree.parse(tmp_path / "digits-alexnet.svg")


def test_options_reach_the_drawing():
    text = draw("digits", "--set", "n=3", "--depth", "1", "--open", "stage2.block3", "--by", "macs", "-o", "-")
    spec = archspec.load("digits", {"n": 3})
    assert text == archspec.draw(spec, depth=1, open=["stage2.block3"], by="macs").svg()
    assert 'data-path="stage2.block3.conv1"' in text


def test_networks_of_one_name_are_told_apart(tmp_path):
    assert draw("digits", "--set", "n=3", "--diff", cwd=tmp_path) == "wrote digits-digits.svg\n"
    text = (tmp_path / "digits-digits.svg").read_text()
    assert 'aria-label="digits, digits --set n=3"' in text and "Marks: + added; paler: unchanged." in text
    (tmp_path / "mine.yaml").write_text("extends: digits\nname: digits\nparams: {n: 1}\n")
    assert 'aria-label="digits, mine.yaml"' in draw("digits", "mine.yaml", "-o", "-", cwd=tmp_path)


def test_mistakes_are_reported_before_anything_is_written(tmp_path):
    assert draw("digits", "-o", "digits.gif", cwd=tmp_path, status=2).startswith(
        "-o: 'digits.gif' ends in '.gif', which no format has; expected one of .svg"
    )
    assert draw("digits", "-o", "digits", cwd=tmp_path, status=2).startswith(
        "-o: 'digits' has no ending that says its format; expected one of .svg"
    )
    assert draw("digits", "-o", "no/digits.svg", cwd=tmp_path, status=2) == (
        "no/digits.svg: cannot be written: No such file or directory\n"
    )
    assert draw("digts", "-o", "digits.svg", cwd=tmp_path, status=2) == (
        "digts: no such file; did you mean the shipped spec 'digits'?\n"
    )
    assert draw("digits", "--diff", cwd=tmp_path, status=2) == (
        "--diff: expected two specs, or one with --set, got 1\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_pages_are_those_that_it_draws(name, tmp_path):
    pictures.draw(PICTURES[name], tmp_path / name)
    assert (tmp_path / name).read_bytes() == (IMAGES / name).read_bytes(), "make pictures draws them again"
