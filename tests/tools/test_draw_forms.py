"""The formats that `tools/draw.py` writes, and its drawings of receptive fields, in this process."""

import io
import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

import archspec

TOOL = Path(__file__).parents[2] / "tools" / "draw.py"


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder; what it prints, or its message where it fails."""

    def run(*arguments, status=0):
        monkeypatch.setattr(sys, "argv", [str(TOOL), *map(str, arguments)])
        if not status:
            runpy.run_path(str(TOOL), run_name="__main__")
            return capsys.readouterr().out
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name="__main__")
        assert end.value.code == status
        return capsys.readouterr().err

    monkeypatch.chdir(tmp_path)
    return run


def test_the_ending_says_the_format(draw, tmp_path):
    drawing = archspec.draw("digits", depth=1)
    for ending in ("svg", "png", "html", "mmd"):
        assert draw("digits", "--depth", "1", "-o", f"digits.{ending}") == f"wrote digits.{ending}\n"
    assert (tmp_path / "digits.svg").read_text() == drawing.svg()
    assert (tmp_path / "digits.png").read_bytes() == drawing.png()
    assert (tmp_path / "digits.html").read_text() == drawing.html()
    assert (tmp_path / "digits.mmd").read_text() == drawing.mermaid()


def test_fields_are_drawn_for_a_layer_or_the_last_feature_map(draw, tmp_path):
    assert draw("digits", "alexnet", "--field") == "wrote digits-alexnet.svg\n"
    assert (tmp_path / "digits-alexnet.svg").read_text() == archspec.draw_field(["digits", "alexnet"]).svg()
    assert draw("digits", "--field", "stage1", "-o", "-") == archspec.draw_field("digits", "stage1").svg()
    draw("digits", "--field", "stage1", "-o", "field.png")
    assert (tmp_path / "field.png").read_bytes() == archspec.draw_field("digits", "stage1").png()
    draw("digits", "--field", "stage1", "-o", "field.html")
    page = (tmp_path / "field.html").read_text()
    assert archspec.draw_field("digits", "stage1").svg() in page and "<title>digits</title>" in page


def test_a_picture_alone_is_drawn_on_too(draw, tmp_path):
    Image.fromarray(load_sample_images().images[1]).save(tmp_path / "flower.png")
    draw("resnet20_cifar", "--picture", "flower.png", "-o", "seen.png")
    seen = Image.open(io.BytesIO((tmp_path / "seen.png").read_bytes()))
    assert seen.width == 956  # two pixels for each unit


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--field", "stage3"], "--field: digits has no layer 'stage3'; did you mean 'stage2'?\n"),
        (["--field", "-o", "x.mmd"], "-o: a receptive field is no flowchart; write .svg, .png or .html\n"),
        (["--picture", "no.jpg"], "no.jpg: cannot read the picture: No such file or directory\n"),
        (
            ["--field", "--by", "macs"],
            "--field and --picture draw no boxes; leave out --depth, --open, --by and --diff\n",
        ),
    ],
)
def test_mistakes_are_reported_and_nothing_is_written(draw, tmp_path, arguments, message):
    assert draw("digits", *arguments, status=2).endswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_reported(draw, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    message = draw("digits", "-o", "digits.png", status=2)
    assert message == ".png: needs resvg_py: install with pip install 'convspec[draw]'\n"
    assert list(tmp_path.iterdir()) == []
