"""What drawings show of networks: which boxes, side by side or one below the other, and what is written on them."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given

import archspec
from archspec import UserError
from archspec.drawing import views
from archspec.drawing.towers import in_towers
from archspec.drawing.views import boxes, walk
from tests.randomised import examples
from tests.strategies import load, specs

SPECS = Path(__file__).parents[3] / "specs"


def spec(*layers, size=(32, 32, 3), **sections):
    return {"name": "net", "model": {"input": list(size), "layers": list(layers)}, **sections}


def conv(name, **fields):
    return {"conv": {"filters": 8, "kernel": 3, "name": name, **fields}}


def canvas(drawing, number=0):
    return drawing.layout.networks[number].canvas


def titles(drawing, number=0):
    """What is written on the boxes, from top to bottom."""
    found = sorted(canvas(drawing, number).boxes, key=lambda box: box.sides.top)
    return [box.texts[0].text for box in found if box.texts]


def box(drawing, path):
    return next(one.sides for one in canvas(drawing).boxes if one.view.part.path == path)


def shown(drawing):
    """The paths of what is drawn, with how often each is repeated."""
    return {one.part.path: one.times for one in walk(drawing.networks[0].view)}


def lanes(drawing):
    """Where lines that pass parts go down: x, and from where to where."""
    return sorted(
        (a[0], min(a[1], b[1]), max(a[1], b[1]))
        for line in canvas(drawing).lines
        if line.is_skip
        for a, b in pairwise(line.points)
        if a[0] == b[0] and abs(a[1] - b[1]) > 20
    )


# -- the networks of the papers --------------------------------------------------------------------------------------


def test_a_column_of_the_vgg_table_is_its_rows():
    """Simonyan and Zisserman 2014, table 1, column E."""
    drawing = archspec.draw("vgg_e")
    table = [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"]
    rows = ["2×2 max pool, /2" if row == "M" else f"3×3 conv, {row}" for row in table]
    dense = ["dense, 4096", "dropout 0.5", "dense, 4096", "dropout 0.5", "dense, 1000"]
    assert titles(drawing) == [*rows, "flatten", *dense]
    assert len({one.sides.left for one in canvas(drawing).boxes}) == 1
    assert not canvas(drawing).frames and not lanes(drawing)


def test_the_residual_network_of_figure_3_is_whole():
    """He et al. 2015, figure 3: 33 convolutions and a dense layer, 3 projections, 16 sums."""
    drawing = archspec.draw("resnet34")
    kinds = Counter(one.kind for one in canvas(drawing).boxes)
    assert kinds == {"conv": 33 + 3, "pool": 2, "dense": 1, "merge": 16}
    assert boxes(drawing.networks[0].view) == 39 and set(shown(drawing).values()) == {1}
    assert len(lanes(drawing)) == 13  # the others have projections
    assert [text.text for text in canvas(drawing).texts].count("ReLU") == 16


def test_a_plain_network_has_a_box_for_each_layer():
    drawing = archspec.draw("plain34")
    assert Counter(one.kind for one in canvas(drawing).boxes) == {"conv": 33, "pool": 2, "dense": 1}
    assert not lanes(drawing)


def test_repeats_are_drawn_once_where_all_would_be_too_many():
    drawing = archspec.draw("resnet152")
    repeated = {path: times for path, times in shown(drawing).items() if times > 1}
    assert repeated == {"stage1.block2": 2, "stage2.block2": 7, "stage3.block2": 35, "stage4.block2": 2}
    assert boxes(drawing.networks[0].view) == 32
    frame = next(one for one in canvas(drawing).frames if one.view.part.path == "stage3.block2")
    assert [text.text for text in frame.texts] == ["block2–36", "× 35"]


def test_all_of_it_can_be_open():
    drawing = archspec.draw("resnet152", open=["all"])
    kinds = Counter(one.kind for one in canvas(drawing).boxes)
    assert kinds == {"conv": 151 + 4, "pool": 2, "dense": 1, "merge": 50}


def test_towers_stand_side_by_side_and_meet():
    """Krizhevsky et al. 2012, figure 2."""
    drawing = archspec.draw("alexnet_two_gpus")
    for layer in ("conv1", "conv2"):
        left, right = (box(drawing, f"layers1_2.tower{i}.{layer}") for i in (1, 2))
        assert left.top == right.top and left.right < right.left
    meets = box(drawing, "layers1_2.concat")
    axis = (meets.left + meets.right) / 2
    assert axis == pytest.approx((left.left + right.right) / 2) and meets.top > left.bottom
    assert meets.bottom < box(drawing, "layers3_5.tower1.conv3").top
    assert titles(drawing).count("3×3 conv, 192") == 4


def test_convolutions_in_two_groups_are_the_same_towers():
    """The spec writes each of them as one layer, with `groups: 2`."""
    grouped, written = archspec.draw("alexnet_two_tower"), archspec.draw("alexnet_two_gpus")
    found = [
        sorted((one.view.part.path.partition(".")[2], one.texts[0].text, one.texts[-1].text) for one in boxes_of_towers)
        for boxes_of_towers in (
            [one for one in canvas(drawing).boxes if one.kind in ("conv", "pool")] for drawing in (grouped, written)
        )
    ]
    assert found[0] == found[1] and len(found[0]) == 2 * (5 + 3)
    left, right = (box(grouped, f"towers1.tower{i}.conv2") for i in (1, 2))
    assert left.top == right.top and left.right < right.left
    assert [text.text for text in grouped.layout.texts][1:] == [
        "Towers: convolutions in groups, which the spec writes as one layer.",
        "A local response norm in a tower also sees 2 channels of the one beside it.",
    ]
    assert "5×5 conv, 256, 2 groups" in titles(archspec.draw("alexnet_two_tower", depth=1))
    assert shown(archspec.draw("resnext50_32x4d")).keys() >= {"stage1.block1.conv2"}


@pytest.mark.parametrize(
    ("layers", "groups"),
    [
        ([conv("a"), conv("b", groups=2), conv("c", groups=2), conv("d")], ["a", "b", "c"]),
        (["softmax", conv("b", groups=2), conv("c", groups=2), conv("d")], ["slice", "b", "c"]),
        ([conv("a"), "softmax", conv("b", groups=2), conv("d", groups=4)], []),  # softmax sees all channels
        ([conv("a", groups=8), conv("b")], []),
    ],
)
def test_towers_begin_and_end_where_all_channels_are_seen(layers, groups):
    drawing = archspec.draw(spec(*layers, size=(8, 8, 8)))
    paths = [path for path in shown(drawing) if path.startswith("towers1.tower2.")]
    assert [path.rpartition(".")[2] for path in paths] == groups


@examples(50)
@given(specs())
def test_towers_change_no_number(spec):
    graph = load(spec).graph
    written = in_towers(graph)
    before, after = archspec.analyse(graph), archspec.analyse(written)
    assert (before.output, before.parameters, before.macs) == (after.output, after.parameters, after.macs)


def test_the_expanding_convolutions_of_a_fire_stand_side_by_side():
    """Iandola et al. 2016, figure 1."""
    drawing = archspec.draw("squeezenet1_0")
    squeeze, one, three, joined = (
        box(drawing, f"fire2.{name}") for name in ("squeeze", "expand1x1", "expand3x3", "concat")
    )
    assert squeeze.bottom < one.top == three.top and one.bottom < joined.top
    assert one.right < three.left and squeeze.left - one.left == pytest.approx(three.right - squeeze.right)


def test_the_weighted_layers_are_those_of_the_names():
    for name, depth in {
        "resnet18": 18,
        "resnet34": 34,
        "resnet152": 152,
        "vgg_a": 11,
        "vgg_e": 19,
        "alexnet": 8,
    }.items():
        drawing = archspec.draw(name, depth=1)
        assert f"{depth} layers with weights" in [text.text for text in canvas(drawing).texts]


# -- references ------------------------------------------------------------------------------------------------------


def test_skips_of_a_u_shape_are_nested_arcs():
    layers = [conv("e1"), conv("e2"), conv("e3"), conv("middle")]
    for number in (3, 2, 1):
        layers.append(
            {"concat": {"from": [f"d{number + 1}" if number < 3 else "middle", f"e{number}"], "name": f"c{number}"}}
        )
        layers.append(conv(f"d{number}"))
    drawing = archspec.draw(spec(*layers))
    inner, between, outer = lanes(drawing)
    assert inner[0] < between[0] < outer[0]
    assert outer[1] < between[1] < inner[1] and inner[2] < between[2] < outer[2]


def test_layers_that_take_all_earlier_ones_have_a_lane_for_each():
    """Huang et al. 2016, figure 1: each layer takes the outputs of all before it."""
    layers = [conv("c0")]
    for number in (1, 2, 3, 4):
        earlier = [f"c{i}" for i in range(number)]
        fields = {"from": earlier, "merge": "concat"} if number > 1 else {}
        layers.append(conv(f"c{number}", **fields))
    drawing = archspec.draw(spec(*layers))
    assert len({x for x, _, _ in lanes(drawing)}) == 3  # the last two have no layer to pass
    assert len({one.sides.left for one in canvas(drawing).boxes if one.kind == "conv"}) == 1


def test_a_reference_into_a_group_ends_at_the_layer_that_takes_it():
    inner = [conv("a"), {"add": {"from": ["a", "first"], "name": "sum"}}, conv("b")]
    layers = [conv("first"), conv("second"), {"sequence": {"name": "part", "layers": inner}}]
    drawing = archspec.draw(spec(*layers))
    sides = box(drawing, "part.sum")
    ends = [line.points[-1] for line in canvas(drawing).lines if line.is_skip]
    assert (sides.right, (sides.top + sides.bottom) / 2) in ends


def test_a_reference_that_no_line_can_follow_ends_at_the_frame_with_a_name():
    branch = [conv("a"), {"add": {"from": ["a", "first"], "name": "sum"}}]
    parallel = {"parallel": {"name": "fork", "branches": [branch, [conv("b")]]}}
    drawing = archspec.draw(spec(conv("first"), conv("second"), parallel))
    assert "branch1.sum" in [text.text for text in canvas(drawing).texts]


# -- what is open ----------------------------------------------------------------------------------------------------


def test_depth_folds():
    drawing = archspec.draw("resnet50", depth=1)
    assert titles(drawing)[2:6] == ["stage1", "stage2", "stage3", "stage4"]
    card = next(one for one in canvas(drawing).boxes if one.view.part.path == "stage3")
    assert [text.text for text in card.texts] == ["stage3", "7.12M · 1.46G"]  # as `summary --depth 1` has it


def test_a_folded_repeat_says_how_often():
    drawing = archspec.draw("resnet50", depth=2)
    card = next(one for one in canvas(drawing).boxes if one.view.part.path == "stage3.block2")
    assert [text.text for text in card.texts] == ["block2–6", "× 5", "5.60M · 1.09G"]


def test_one_copy_of_a_repeat_is_opened_and_stands_apart():
    drawing = archspec.draw("resnet152", depth=1, open=["stage3.block5"])
    parts = shown(drawing)
    assert {path: times for path, times in parts.items() if path.startswith("stage3.") and path.count(".") == 1} == {
        "stage3.block1": 1,
        "stage3.block2": 3,
        "stage3.block5": 1,
        "stage3.block6": 31,
    }
    assert "stage3.block5.conv2" in parts and "stage3.block6.conv2" not in parts and "stage2.block1" not in parts


def test_copies_that_a_comparison_tells_apart_are_drawn_apart():
    marks = {"stage3.block7": "added", "stage3.block8": "added"}
    drawing = archspec.draw("resnet152", depth=2, marks=marks)
    parts = {path: times for path, times in shown(drawing).items() if path.startswith("stage3.")}
    assert parts == {"stage3.block1": 1, "stage3.block2": 5, "stage3.block7": 2, "stage3.block9": 28}
    assert drawing.svg().count('class="added-sign"') == 1


def test_a_repeat_ends_where_its_output_goes_elsewhere_too():
    layers = [conv(f"c{i}") for i in range(6)]
    drawing = archspec.draw(spec(conv("c"), *layers, {"add": {"from": ["c5", "c2"]}}), depth=1)
    assert {path: times for path, times in shown(drawing).items() if path.startswith("c")} == {
        "c": 1,
        "c0": 3,
        "c3": 3,
    }


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (
            "resnet50",
            {"open": ["stage3.blok2"]},
            "--open: no part of 'resnet50' is 'stage3.blok2'; did you mean 'stage3.block2'? 'all' opens everything",
        ),
        (
            "digits",
            {"open": [""]},
            "--open: no part of 'digits' is ''; known: stage1, stage1.block1, stage1.block2, stage2, stage2.block1, "
            "stage2.block2. 'all' opens everything",
        ),
        ("resnet50", {"open": ["conv1"]}, "--open: 'conv1' is one layer, and there is nothing in it to open"),
        ("vgg_a", {"open": ["conv"]}, "--open: no part of 'vgg_a' is 'conv': its layers form no groups"),
        ("vgg_a", {"by": "flops"}, "--by: unknown number 'flops'; known: field, macs, memory, parameters"),
        ("vgg_a", {"depth": 0}, "--depth: expected a whole number of at least 1, got 0"),
        ("vgg_a", {"by": "parameter"}, "--by: unknown number 'parameter'; did you mean 'parameters'?"),
    ],
)
def test_mistakes(network, options, message):
    with pytest.raises(UserError) as caught:
        archspec.draw(network, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("networks", "options", "message"),
    [
        ([], {}, "expected a network or several, each with its marks, got 0 and 0"),
        (["digits", "vgg_a"], {"marks": [{}]}, "expected a network or several, each with its marks, got 2 and 1"),
        ("digits", {"marks": {"conv1": "new"}}, "expected marks of added, removed, changed, unchanged, got 'new'"),
    ],
)
def test_mistakes_of_programs(networks, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        archspec.draw(networks, **options)


def test_what_is_too_large_says_what_to_fold(monkeypatch):
    monkeypatch.setattr(views, "LARGEST", 90)
    deep = spec({"repeat": {"times": 50, "layers": [conv("a"), conv("b", kernel=1)]}})
    with pytest.raises(UserError) as caught:
        archspec.draw(deep, open=["all"])
    assert str(caught.value) == (
        "--open: the drawing of 'net' has 100 boxes; the limit is 90. Open fewer parts, each by its path: repeats are "
        "then drawn once"
    )
    assert boxes(archspec.draw(deep).networks[0].view) == 4  # 32x32x3 enters the first copy, 32x32x8 the others
    inside = [
        {"sequence": {"name": f"s{i}", "layers": [conv(f"c{i}{j}", kernel=1 + j % 2) for j in range(10)]}}
        for i in range(10)
    ]
    with pytest.raises(UserError) as caught:
        archspec.draw(spec(*inside), depth=2)
    assert str(caught.value) == (
        "--depth: the drawing of 'net' has 100 boxes; the limit is 90. Fold more of it, with --depth 1"
    )
    assert len(titles(archspec.draw(spec(*inside)))) == 10
    with pytest.raises(UserError) as caught:
        archspec.draw(spec(*(conv(f"c{i}", kernel=1 + i % 2) for i in range(91))))
    assert str(caught.value) == (
        "SPEC: the drawing of 'net' has 91 boxes; the limit is 90. Name groups of its layers with sequence, which are "
        "drawn as one box"
    )


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_boxes_and_edges_have_the_numbers_of_the_table():
    drawing = archspec.draw("resnet50")
    first = next(one for one in canvas(drawing).boxes if one.view.part.path == "conv1")
    assert [text.text for text in first.texts] == ["7×7 conv, 64, /2", "9.66K · 118M"]  # 9,664 and 118,013,952
    edges = [text.text for text in canvas(drawing).texts if text.role == "shape"]
    assert edges.count("112 × 112 × 64") == 1 and "output 1000" in edges
    numbers = [text.text for text in canvas(drawing).texts if text.role == "note"]
    assert numbers == ["25.6M parameters", "4.09G MACs", "receptive field 427×427", "50 layers with weights"]


@pytest.mark.parametrize("by", ["macs", "parameters", "memory"])
def test_shares_add_up(by):
    drawing = archspec.draw("squeezenet1_0", by=by, open=["all"])
    network = drawing.networks[0]
    words = [network.caption(one.view).numbers for one in canvas(drawing).boxes if one.kind != "merge"]
    shares = [float(re.search(r"([\d.]+) %$", text)[1]) for text in words if text]
    merges = [one.view.memory for one in canvas(drawing).boxes if one.kind == "merge"]  # their circles say nothing
    merged = sum(merges) / network.outlined.root.memory if by == "memory" else 0
    assert sum(shares) / 100 == pytest.approx(1 - merged, abs=0.005)
    assert drawing.svg().count('class="bar"') == sum(one.kind != "merge" for one in canvas(drawing).boxes)


def test_one_layer_is_one():
    texts = [text.text for text in canvas(archspec.draw(spec(conv("a")))).texts]
    assert "1 layer with weights" in texts


def test_the_note_says_what_shades_are_of():
    (note,) = {" ".join(text.text for text in archspec.draw("digits", by="field").layout.texts)}
    assert note == (
        "On each box: receptive field in pixels and its share of the picture's side. Shade and bar are in proportion "
        "to the largest box."
    )


def test_the_tooltip_has_all_numbers():
    text = archspec.draw("resnet50").svg()
    assert (
        "<title>stage3.block2.conv2 (3×3 conv, 256, batch norm, ReLU)\n14 × 14 × 256 → 14 × 14 × 256\n"
        "590,848 parameters, 115,605,504 MACs\n588 KiB of outputs\nreceptive field 139×139, stride 16</title>"
    ) in text
    assert "<title>stage3.block2: 10 operations, 5 times: to stage3.block6\n" in text


# -- several networks ------------------------------------------------------------------------------------------------


def test_equal_strides_stand_at_equal_heights():
    """He et al. 2015, figure 3."""
    drawing = archspec.draw(["vgg_e", "plain34", "resnet34"])
    words = [[text.text for text in band.texts] for band in drawing.layout.bands]
    sizes = {1: 224, 2: 112, 4: 56, 8: 28, 16: 14, 32: 7}
    assert words == [*([f"{size}×{size}", f"stride {stride}"] for stride, size in sizes.items()), ["vector"]]
    assert [titles(drawing, i)[0] for i in range(3)] == ["3×3 conv, 64", "7×7 conv, 64, /2", "7×7 conv, 64, /2"]
    firsts = {}
    for placed in drawing.layout.networks:
        strides = {}
        for one in sorted(placed.canvas.boxes, key=lambda one: one.sides.top):
            band = next(i for i, band in enumerate(drawing.layout.bands) if band.top <= one.sides.top < band.bottom)
            assert one.sides.bottom <= drawing.layout.bands[band].bottom
            strides.setdefault(band, one.sides.top)
        assert all(firsts.setdefault(band, top) == top for band, top in strides.items())
    assert len(firsts) == 7


def test_the_names_and_numbers_stand_above_and_below_each_network():
    drawing = archspec.draw(["vgg_e", "resnet34"])
    heads = [[text for text in canvas(drawing, i).texts if text.role in ("network", "note")] for i in (0, 1)]
    assert [[text.text for text in one] for one in heads] == [
        ["vgg_e", "144M parameters", "19.6G MACs", "receptive field 268×268", "19 layers with weights"],
        ["resnet34", "21.8M parameters", "3.66G MACs", "receptive field 899×899", "34 layers with weights"],
    ]
    assert [text.y for text in heads[0]] == [text.y for text in heads[1]]


def test_layers_of_blocks_without_frames_are_as_far_apart_as_others():
    drawing = archspec.draw(["plain34", "vgg_e"])
    for number, first, count in ((0, "3×3 conv, 64", 6), (1, "3×3 conv, 256", 4)):
        found = sorted(canvas(drawing, number).boxes, key=lambda one: one.sides.top)
        tops = [one.sides.top for one in found if one.texts[0].text == first][:count]
        assert [round(b - a, 1) for a, b in pairwise(tops)] == [26.0] * (count - 1)


def test_the_activation_of_a_sum_keeps_its_distance_from_the_next_frame():
    drawing = archspec.draw(["resnet34", "resnet50"], marks=archspec.compare("resnet34", "resnet50").marks)
    activations = [text.bounds.bottom for text in canvas(drawing, 1).texts if text.text == "ReLU"]
    tops = [frame.sides.top for frame in canvas(drawing, 1).frames]
    assert len(tops) == 4 and len(activations) == 8
    assert min(top - max(one for one in activations if one < top) for top in tops) > 5


def test_a_network_that_shrinks_and_grows_has_a_band_for_each_time():
    down = [conv("a"), conv("b", stride=2), conv("c", stride=2), {"up_sample": {"name": "u"}}, conv("d")]
    drawing = archspec.draw([spec(*down), spec(conv("a"), conv("b", stride=2))])
    assert [band.texts[-1].text for band in drawing.layout.bands] == ["stride 1", "stride 2", "stride 4", "stride 2"]
