"""Drawings as SVG: small, the same each time, in one typeface, light and dark; and how wide texts are."""

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest

import archspec
from archspec import palette
from archspec.drawing import text
from archspec.drawing.styles import mixed, style_sheet

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "afm"


@pytest.mark.parametrize(("file", "bold"), [("phvr8a.afm", False), ("phvb8a.afm", True)])
def test_widths_are_those_of_helvetica(file, bold):
    metrics = re.findall(r"^C (-?\d+) ; WX (\d+) ; N (\w+) ;", (FONTS / file).read_text(), re.MULTILINE)
    named = {name: int(wide) for _, wide, name in metrics}
    for code, name in ((int(code), name) for code, _, name in metrics if ord(" ") <= int(code) <= ord("~")):
        name = {"quoteright": "quotesingle", "quoteleft": "grave"}.get(name, name)  # as in ASCII
        assert text.width(chr(code), 1000, bold) == pytest.approx(named[name]), name
    for character, name in {
        "×": "multiply",
        "·": "periodcentered",
        "–": "endash",
        "…": "ellipsis",
        "−": "minus",
    }.items():
        assert text.width(character, 1000, bold) == pytest.approx(named[name]), name


def test_long_texts_are_shortened_in_the_middle():
    assert text.shortened("a_stage_with_a_long_name", 60, 10) == "a_sta…name"
    assert text.width(text.shortened("x" * 500, 60, 10), 10) <= 60
    assert text.shortened("short", 60, 10) == "short"


def test_sizes_and_the_same_bytes_twice():
    folded, opened = archspec.draw("resnet152"), archspec.draw("resnet152", open=["all"])
    assert len(folded.svg().encode()) <= 60_000 and len(opened.svg().encode()) <= 400_000
    for drawing, again in ((folded, archspec.draw("resnet152")), (opened, archspec.draw("resnet152", open=["all"]))):
        assert str(drawing) == drawing.svg() == drawing._repr_html_() == again.svg()
    assert repr(folded) == f"Drawing('resnet152': {folded.layout.width:.0f} x {folded.layout.height:.0f} pixels)"


def test_everything_is_inside_and_nothing_is_fetched():
    drawn = archspec.draw(["alexnet_two_gpus", "squeezenet1_0"], by="memory").svg()
    assert re.findall(r'https?://[^"]+', drawn) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|@import|<script|href|<image", drawn)
    assert drawn.count("font-family") == 1


def test_light_is_the_default_and_dark_has_a_rule_for_each_colour():
    light, dark = style_sheet().split("@media(prefers-color-scheme:dark)")
    colored = re.compile(r"(\.network [^{}]+)\{(?:fill|stroke):#")
    assert colored.findall(light) and colored.findall(light) == colored.findall(dark)
    used = set(re.findall(r"#[0-9a-f]{6}", light))
    tints = {mixed(palette.LIGHT[name], palette.LIGHT["paper"], 0.13) for name in palette.LIGHT}
    assert used <= {*palette.LIGHT.values(), *tints}


def test_classes_are_those_of_the_style_sheet():
    marks = {"conv1": "added", "stage1": "removed", "stage2": "changed", "stage3": "unchanged"}
    drawn = archspec.draw("resnet50", marks=marks, depth=2).svg() + archspec.draw("digits", by="macs", depth=1).svg()
    used = {name for names in re.findall(r'class="([^"]+)"', drawn) for name in names.split()}
    styled = set(re.findall(r"\.([a-z-]+)", style_sheet()))
    assert used <= styled
    assert {"added", "removed", "changed", "unchanged", "plain", "bar"} <= used


def test_marks_are_signs_as_well_as_colours():
    marks = {"conv1": "added", "fc": "removed", "pool1": "changed"}
    root = ElementTree.fromstring(archspec.draw("resnet50", marks=marks).svg())
    namespace = {"svg": "http://www.w3.org/2000/svg"}
    signs = {
        group.get("data-path"): group.find("svg:text[@class='on-mark']", namespace).text
        for group in root.iterfind(".//svg:g[@data-path]", namespace)
        if group.find("svg:text[@class='on-mark']", namespace) is not None
    }
    assert signs == {"conv1": "+", "fc": "−", "pool1": "~"}
    drawing = archspec.draw(["resnet50", "resnet18"], marks=[marks, {"fc": "unchanged"}])
    assert drawing.layout.texts[-1].text == "Marks: + added, − removed, ~ changed; paler: unchanged."


def test_two_equal_networks_are_said_to_be_equal():
    drawing = archspec.draw(["digits", "digits"], marks=archspec.compare("digits", "digits").marks)
    assert drawing.layout.texts[-1].text == "Paler: unchanged. No part differs."


@pytest.mark.parametrize(("depth", "kind"), [(2, "side group"), (None, "frame")])
def test_the_border_of_a_mark_is_that_of_the_first_card_alone(depth, kind):
    drawn = archspec.draw("resnet50", marks={"stage1": "changed"}, depth=depth).svg()
    repeat = drawn[drawn.index('<g data-path="stage1.block2">') :]
    assert re.findall(r'<rect class="([^"]*)"', repeat)[:3] == [kind, kind, f"{kind} changed"]


def test_a_name_may_be_any_text():
    graph = dataclasses.replace(archspec.load("digits").graph, name='x<&"> 网络')
    root = ElementTree.fromstring(archspec.draw(graph).svg())
    assert root.get("aria-label") == graph.name


def test_every_kind_of_operation_has_a_shape_and_words():
    """New primitives too: their kinds follow from what they say of themselves."""
    from archspec.drawing.labels import kind_of, title_of
    from archspec.ops import PRIMITIVES

    fields = {
        "conv": {"filters": 8, "kernel": (3, 5), "stride": (2, 1), "groups": 4},
        "depthwise_conv": {"kernel": (3, 3), "dilation": (2, 2)},
        "dense": {"units": 10},
        "max_pool": {"size": (2, 2)},
        "avg_pool": {"size": (3, 2), "stride": (1, 1)},
        "activation": {"function": "relu"},
        "dropout": {"rate": 0.5},
        "zero_pad": {"padding": ((1, 1), (1, 1))},
        "reshape": {"target": (4, -1)},
        "permute": {"order": (2, 1, 3)},
        "slice_channels": {"start": 0, "stop": 32},
        "pad_channels": {"after": 16},
    }
    said = {name: op(**fields.get(name, {})) for name, op in PRIMITIVES.items()}
    assert {name: (kind_of(op), title_of(op)) for name, op in said.items()} == {
        "conv": ("conv", "3×5 conv, 8, /2×1, 4 groups"),
        "dense": ("dense", "dense, 10"),
        "depthwise_conv": ("conv", "3×3 depthwise, dilated 2"),
        "activation": ("point", "ReLU"),
        "batch_norm": ("point", "batch norm"),
        "dropout": ("point", "dropout 0.5"),
        "layer_norm": ("point", "layer norm"),
        "local_response_norm": ("point", "local response norm"),
        "softmax": ("point", "softmax"),
        "avg_pool": ("pool", "3×2 avg pool"),
        "global_avg_pool": ("pool", "global avg pool"),
        "global_max_pool": ("pool", "global max pool"),
        "max_pool": ("pool", "2×2 max pool, /2"),
        "flatten": ("shape", "flatten"),
        "pad_channels": ("shape", "pad channels, 16"),
        "permute": ("shape", "permute"),
        "reshape": ("shape", "reshape"),
        "slice_channels": ("shape", "channels 1–32"),
        "up_sample": ("up", "up-sample ×2"),
        "zero_pad": ("shape", "zero pad"),
        "add": ("merge", "add"),
        "concat": ("merge", "concat"),
        "multiply": ("merge", "multiply"),
    }
