"""What differs between two networks: which parts stand for each other, in which words, and with which numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.candidates.networks import identity
from archspec.comparison import rows as rows_of
from archspec.comparison.comparison import Comparison, compare
from archspec.comparison.differences import Difference
from archspec.comparison.rows import Row
from archspec.drawing.views import walk as walk_views
from tests import strategies
from tests.randomised import examples

NAMES = sorted(path.stem for path in (Path(__file__).parents[3] / "specs").glob("*.yaml"))
PAIRS = [("resnet34", "resnet50"), ("plain34", "resnet34"), ("vgg_a", "alexnet"), ("resnet50", "resnet50_keras")]


def net(*layers: Any, name: str = "net", **model: Any) -> dict[str, Any]:
    return {"name": name, "model": {"input": [8, 8, 3], "layers": [*layers], **model}}


def conv(filters: int = 4, **fields: Any) -> dict[str, Any]:
    return {"conv": {"filters": filters, "kernel": 3, **fields}}


HEAD = ["global_avg_pool", {"dense": {"units": 10, "name": "fc"}}]


def rows(before: Any, after: Any) -> list[Row]:
    return rows_of.rows(compare(before, after).network)


def lines(before: Any, after: Any) -> list[str]:
    return [f"{row.sign} {row.part}: {row.what}".strip() for row in rows(before, after)]


def walk(difference: Difference) -> Iterator[Difference]:
    yield difference
    for child in difference.children:
        yield from walk(child)


# -- the networks of the papers ----------------------------------------------------------------------------------------


def test_resnet_34_to_resnet_50_in_twelve_lines():
    text = str(compare("resnet34", "resnet50"))
    assert text.splitlines() == [
        "resnet34 → resnet50: recipes are equal",
        "",
        "  part   difference                   parameters   MACs     field    memory",
        "- ------ ---------------------------- ---------- ------ --------- ---------",
        "~ stage1 3 blocks, basic → bottleneck     −4.10K −25.7M   59 → 35 +40.6 MiB",
        "~ stage2 4 blocks, basic → bottleneck      +108K  +154M  179 → 91 +28.7 MiB",
        "~ stage3 6 blocks, basic → bottleneck      +290K  +128M 547 → 267 +20.1 MiB",
        "~ stage4 3 blocks, basic → bottleneck     +1.87M  +167M 899 → 427 +5.74 MiB",
        "~ fc     input features 512 → 2048        +1.54M +1.54M         =         =",
        "",
        "Trainable parameters        21,797,672 → 25,557,032  +17.2 %",
        "MACs                  3,663,761,408 → 4,089,184,256  +11.6 %",
        "Receptive field                           899 → 427",
        "Activations                      48.7 MiB → 144 MiB  +195 %, one picture",
    ]
    assert sum(bool(line) for line in text.splitlines()) <= 12


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "plain34",
            "resnet34",
            [
                "~ stage1: 3 blocks: + add",
                "~ stage2: block1: + shortcut conv 1x1/2, + add; block2–block4: + add",
                "~ stage3: block1: + shortcut conv 1x1/2, + add; block2–block6: + add",
                "~ stage4: block1: + shortcut conv 1x1/2, + add; block2–block3: + add",
            ],
        ),
        ("resnet50", "resnet152", ["~ stage2: 4 → 8 blocks (bottleneck)", "~ stage3: 6 → 36 blocks (bottleneck)"]),
        ("resnet20_cifar", "resnet1202_cifar", ["~ stage1–stage3: 3 → 200 blocks (basic) each"]),
        ("vgg_d", "vgg_e", [f"+ conv{i}_4: conv 3x3 +1, {n} filters" for i, n in ((3, 256), (4, 512), (5, 512))]),
        ("vgg_a", "vgg_a_lrn", ["+ lrn1_1: local_response_norm"]),
        (
            "resnet50",
            "resnext50_32x4d",
            [
                f"~ stage{i}: {n} blocks: conv1 filters {f} → {2 * f}; conv2 filters {f} → {2 * f}, groups 1 → 32"
                for i, n, f in ((1, 3, 64), (2, 4, 128), (3, 6, 256), (4, 3, 512))
            ],
        ),
        (
            "resnet50",
            "resnet50_keras",
            [
                "~ every conv: bias false → true, initializer he_normal → glorot_uniform, norm.momentum 0.9 → 0.99, "
                "norm.epsilon 1e-05 → 1.001e-05",
                "~ 48 of 53 conv: padding symmetric → same",
                "+ conv1_pad: zero_pad",
                "~ conv1: padding symmetric → valid",
                "+ pool1_pad: zero_pad",
                "~ pool1: padding [[1, 1], [1, 1]] → valid",
                "~ stage2–stage4: 3 × block1: conv1 stride 1 → 2, conv2 stride 2 → 1",
                "~ avg_pool: name global_avg_pool1 → avg_pool",
                "~ predictions: name fc → predictions",
            ],
        ),
    ],
)
def test_networks_of_papers(before: str, after: str, expected: list[str]):
    assert lines(before, after) == expected


def test_numbers_of_added_layers_are_those_of_the_papers():
    """VGG-E is VGG-D with a 3x3 convolution more in each of the last three groups."""
    convs = rows("vgg_d", "vgg_e")
    assert [row.parameters for row in convs] == [9 * 256**2 + 256, 9 * 512**2 + 512, 9 * 512**2 + 512]
    assert [row.macs for row in convs] == [56**2 * 9 * 256**2, 28**2 * 9 * 512**2, 14**2 * 9 * 512**2]
    assert [row.memory for row in convs] == [
        4 * 2 * size**2 * filters for size, filters in ((56, 256), (28, 512), (14, 512))
    ]


# -- what every comparison has -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_network_equals_itself(name: str):
    comparison = compare(name, archspec.load(name))
    assert comparison.equal and rows_of.rows(comparison.network) == []
    assert str(comparison) == f"{name} → {name}: networks and recipes are equal"
    assert comparison.to_json()["parts"] == comparison.to_json()["recipe"] == []
    assert {status for marks in comparison.marks for status in marks.values()} == {"unchanged"}


def check(comparison: Comparison) -> None:
    """Properties of any comparison."""
    before, after = comparison.analyses
    for count in ("parameters", "macs"):
        assert comparison.network.delta(count) == getattr(after, count) - getattr(before, count)
    found = rows_of.rows(comparison.network)
    for count in ("parameters", "macs", "memory"):
        total = comparison.network.delta(count)
        assert abs(sum(getattr(row, count) for row in found) - total) <= 0.005 * abs(total)
    for side, analysis in enumerate(comparison.analyses):
        marks = comparison.marks[side]
        assert set(marks.values()) <= {"changed", "unchanged", ("removed", "added")[side]}
        layers = {layer.name for layer in analysis.layers}
        assert {path for path in marks if path in layers} <= layers
        uncovered = [name for name in layers if not any(around in marks for around in paths_around(name))]
        assert uncovered == []
    for difference in walk(comparison.network):
        assert difference.status in ("added", "removed", "changed", "unchanged")
        assert (difference.before is None) == (difference.status == "added")
        assert (difference.after is None) == (difference.status == "removed")
    assert all(len(line) <= 80 for line in str(comparison).splitlines() if not line.startswith(("  ", "~")))
    json.dumps(comparison.to_json())


def paths_around(name: str) -> list[str]:
    return [*itertools.accumulate(name.split("."), lambda path, key: f"{path}.{key}")]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_numbers_add_up_and_every_layer_has_a_mark(pair: tuple[str, str]):
    check(compare(*pair))
    check(compare(*reversed(pair)))


@examples(40)
@given(strategies.specs(), strategies.specs())
def test_random_networks(before: dict[str, Any], after: dict[str, Any]):
    ours, theirs = archspec.loads(before), archspec.loads(after)
    comparison, backwards = compare(ours, theirs), compare(theirs, ours)
    check(comparison)
    assert compare(ours, ours).equal
    assert comparison.differs == backwards.differs
    if identity(ours) != identity(theirs):  # other operations, or the same ones wired in another way
        assert comparison.differs
    if comparison.differs:
        assert ours.graph.nodes != theirs.graph.nodes


@examples(40)
@given(strategies.specs(), st.integers(0, 6))
def test_a_layer_that_is_added_is_found(spec: dict[str, Any], place: int):
    layers = spec["model"]["layers"]
    place = min(place, len(layers))
    more = {
        **spec["model"],
        "layers": [*layers[:place], {"dropout": {"rate": 0.5, "name": "new-one"}}, *layers[place:]],
    }
    if not strategies.is_valid({**spec, "model": more}):
        return
    before, after = archspec.loads(spec), archspec.loads({**spec, "model": more})
    found = [one for one in walk(compare(before, after).network) if one.status != "unchanged" and not one.children]
    assert [(one.status, one.part.label) for one in found if one.status != "changed"] == [("added", "new-one")]
    assert all({change.field for change in one.changes} <= {"from"} for one in found if one.status == "changed")


# -- one thing at a time -----------------------------------------------------------------------------------------------

CASES: dict[str, tuple[Any, Any, list[str]]] = {
    "a field": (
        net(conv(), *HEAD),
        net(conv(8), *HEAD),
        ["~ conv1: filters 4 → 8", "~ fc: input features 4 → 8", "rest: equal layers, other shapes"],
    ),
    "another kind": (
        net(conv(), {"max_pool": {"size": 2, "name": "pool"}}, *HEAD),
        net(conv(), {"avg_pool": {"size": 2, "name": "pool"}}, *HEAD),
        ["~ pool: max_pool 2x2/2 → avg_pool 2x2/2"],
    ),
    "declared layers": (
        net(conv(norm="batch", activation="relu"), *HEAD),
        net(conv(bias=False, activation="gelu"), *HEAD),
        ["~ conv1: − batch_norm, activation relu → gelu"],
    ),
    "fields of declared layers": (
        net(conv(norm="batch"), *HEAD),
        net(conv(norm="batch"), *HEAD, defaults={"batch_norm": {"momentum": 0.99}}),
        ["~ conv1: norm.momentum 0.9 → 0.99"],
    ),
    "arguments of initialisers": (
        net(conv(initializer={"normal": {"std": 0.01}}), *HEAD),
        net(conv(initializer={"normal": {"std": 0.02}}), *HEAD),
        ["~ conv1: initializer normal(mean=0, stddev=0.01) → normal(mean=0, stddev=0.02)"],
    ),
    "a name": (
        net(conv(name="stem"), *HEAD),
        net(conv(name="conv_in"), *HEAD),
        ["~ conv_in: name stem → conv_in"],
    ),
    "numbers of names follow": (
        net(conv(4), conv(8), *HEAD),
        net(conv(2, kernel=1), conv(4), conv(8), *HEAD),
        ["+ conv1: conv 1x1, 2 filters", "~ conv2: input channels 3 → 2"],
    ),
    "the picture": (
        net(conv(), *HEAD),
        {**net(conv(), *HEAD), "model": {**net(conv(), *HEAD)["model"], "input": [16, 16, 3]}},
        ["~ input: 8x8x3 → 16x16x3", "rest: equal layers, other shapes"],
    ),
    "where an input comes from": (
        net(conv(name="a"), conv(name="b"), conv(name="c"), {"add": {"from": ["a", "c"], "name": "sum"}}, *HEAD),
        net(conv(name="a"), conv(name="b"), conv(name="c"), {"add": {"from": ["b", "c"], "name": "sum"}}, *HEAD),
        ["~ sum: from a, c → b, c"],
    ),
    "a layer on the way is no other input": (
        net(conv(name="a"), conv(name="b"), {"add": {"from": ["a", "b"], "name": "sum"}}, *HEAD),
        net(
            conv(name="a"),
            conv(name="b"),
            {"dropout": {"rate": 0.5, "name": "d"}},
            {"add": {"from": ["a", "d"], "name": "sum"}},
            *HEAD,
        ),
        ["+ d: dropout"],
    ),
    "a group instead of a layer": (
        net({"conv": {"filters": 4, "kernel": 3, "name": "a"}}, *HEAD),
        net({"sequence": {"layers": [conv(), conv()], "name": "a"}}, *HEAD),
        ["~ a: conv 3x3 → 2 layers"],
    ),
    "branches": (
        net({"parallel": {"branches": [[conv()], [conv(2)]], "name": "p"}}, *HEAD),
        net({"parallel": {"branches": [[conv()], [conv(2)], [conv(6)]], "name": "p"}}, *HEAD),
        ["~ p: + branch3.conv1 conv 3x3", "~ fc: input features 6 → 12", "rest: equal layers, other shapes"],
    ),
    "changed branches": (
        net({"parallel": {"branches": [[conv(), conv()], [conv(), conv()]], "name": "p"}}, *HEAD),
        net({"parallel": {"branches": [[conv(), conv(6)], [conv(), conv(6)]], "name": "p"}}, *HEAD),
        [
            "~ p: branch1–branch2: conv2 filters 4 → 6",
            "~ fc: input features 8 → 12",
            "rest: equal layers, other shapes",
        ],
    ),
    "repeats": (
        net({"repeat": {"times": 2, "layers": [conv()], "name": "layer"}}, *HEAD),
        net({"repeat": {"times": 5, "layers": [conv()], "name": "layer"}}, *HEAD),
        ["+ layer3–layer5: 3 × conv 3x3, 4 filters"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_difference(case: str):
    before, after, expected = CASES[case]
    assert lines(before, after) == expected


def test_marks_of_what_changed_and_of_what_did_not():
    before, after = compare("plain34", "resnet34").marks
    assert before["stage2.block1"] == after["stage2.block1"] == "changed"
    assert after["stage2.block1.shortcut"] == after["stage2.block1.add"] == "added"
    assert after["stage2.block1.conv1"] == after["conv1"] == before["conv1"] == "unchanged"
    assert "removed" not in before.values() and "added" not in before.values()


def test_layers_whose_channels_alone_changed_are_changed_and_those_whose_shapes_did_are_not():
    before, after = compare("resnet34", "resnet50").marks
    assert after["fc"] == "changed" and after["global_avg_pool1"] == after["pool1"] == "unchanged"
    assert before["stage1.block1"] == "changed"


def test_the_picture_of_a_difference():
    """Both networks are drawn with repeats once, as one of them is too large to be drawn otherwise."""
    marks = compare("resnet34", "resnet50").marks
    drawing = archspec.draw(["resnet34", "resnet50"], marks=marks)
    views = [view for network in drawing.networks for view in walk_views(network.view)]
    assert [view.times for view in views if view.times > 1] == [3, 3, 5, 2, 2, 3, 5, 2]
    text = drawing.svg()
    assert "Marks: + added, ~ changed; paler: unchanged." in text
    assert "Marks" not in archspec.draw(["resnet34", "resnet50"]).svg()


def test_graphs_have_no_recipes():
    graphs = [archspec.load(name).graph for name in ("plain18", "resnet18")]
    comparison = compare(*graphs)
    assert comparison.recipe is None
    assert str(comparison).startswith("plain18 → resnet18\n") and comparison.to_json()["recipe"] == []


def test_other_forms():
    comparison = archspec.compare("digits", archspec.load("digits", {"n": 3, "train.epochs": 3}))
    assert "| ~ | stage1–stage2 | 2 → 3 blocks (basic) each |" in comparison.to_markdown()
    assert "| train.epochs | `15` | `3` |" in comparison.to_markdown()
    html = comparison._repr_html_()
    assert "<td" in html and "2 → 3 blocks (basic) each" in html and repr(comparison) == str(comparison)
    values = comparison.to_json()
    assert (values["names"], values["equal"]) == (["digits", "digits"], False)
    assert values["totals"]["macs"] == [1123648, 1713472]
    assert values["recipe"] == [
        {"path": "params.n", "before": 2, "after": 3},
        {"path": "train.epochs", "before": 15, "after": 3},
    ]
    (stage, other) = values["parts"]
    assert (stage["status"], stage["before"]["path"], other["after"]["path"]) == ("changed", "stage1", "stage2")
    (block,) = stage["parts"]
    assert block["status"] == "added" and "before" not in block and "parts" not in block
    assert {key: block["after"][key] for key in ("path", "kind", "parameters")} == {
        "path": "stage1.block3",
        "kind": "basic",
        "parameters": 2 * (9 * 16 * 16 + 4 * 16),
    }
