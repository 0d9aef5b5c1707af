"""The language as a user meets it: a spec's text, and the names and shapes of the resulting graph."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent, indent
from typing import Annotated, Any

import pytest

import archspec
from archspec import Spec
from archspec.blocks import BLOCKS
from archspec.fields.scalars import Integer
from archspec.layers.reading import Fragment, python_block
from archspec.ops import BatchNorm, Conv

Load = Callable[..., Spec]
Shapes = dict[str, tuple[int, ...]]


@pytest.fixture
def load() -> Load:
    """Loads a network given as the text of its layers, and of the sections before `model`."""

    def load(layers: str, size: str = "[8, 8, 4]", top: str = "", defaults: str = "{}", **arguments: Any) -> Spec:
        text = f"name: net\n{dedent(top)}\nmodel:\n  input: {size}\n  defaults: {defaults}\n  layers:\n"
        return archspec.loads(text + indent(dedent(layers), "    "), **arguments)

    return load


def shapes(spec: Spec) -> Shapes:
    return {node.name: node.shape for node in spec.graph.nodes[1:]}


def inputs(spec: Spec, name: str) -> list[str]:
    (node,) = [node for node in spec.graph.nodes if node.name == name]
    return [spec.graph.nodes[index].name for index in node.inputs]


# -- layers and names ----------------------------------------------------------------------------------------------


def test_a_layer_is_a_bare_name_a_mapping_or_its_one_required_field(load: Load) -> None:
    spec = load("- flatten\n- dense: 10\n- dropout: 0.5\n- activation: relu\n- dense: {units: 2, name: last}\n")
    assert shapes(spec) == {
        "flatten1": (256,),
        "dense1": (10,),
        "dropout1": (10,),
        "activation1": (10,),
        "last": (2,),
    }


def test_norm_and_activation_follow_a_convolution(load: Load) -> None:
    spec = load(
        "- conv: {filters: 6, kernel: 3, norm: batch, activation: relu, name: a}\n- conv: {filters: 2, kernel: 1}"
    )
    assert list(shapes(spec)) == ["a", "a.norm", "a.activation", "conv1"]
    first, last = spec.graph.nodes[1].op, spec.graph.nodes[4].op
    assert isinstance(first, Conv) and not first.bias
    assert isinstance(last, Conv) and last.bias


@pytest.mark.parametrize(
    ("padding", "expected"),
    [("same", 4), ("valid", 3), ("symmetric", 4), ("0", 3), ("2", 5), ("[2, 2]", 5), ("[[0, 1], [0, 1]]", 4)],
)
def test_padding(load: Load, padding: str, expected: int) -> None:
    spec = load(f"- conv: {{filters: 1, kernel: 3, stride: 2, padding: {padding}}}")
    assert spec.graph.output.shape == (expected, expected, 1)


def test_a_pair_is_height_then_width(load: Load) -> None:
    spec = load("- conv: {filters: 1, kernel: [1, 3], stride: [2, 4], padding: [[0, 0], [1, 1]]}", size="[8, 12, 1]")
    assert spec.graph.output.shape == (4, 3, 1)


def test_defaults_reach_every_layer_of_a_kind_even_in_blocks(load: Load) -> None:
    layers = "- basic: {filters: 8}\n- conv: {filters: 1, kernel: 3, bias: false}\n- max_pool"
    spec = load(layers, defaults="{conv: {bias: true, initializer: he_normal}, max_pool: {size: 2}}")
    convs = [node.op for node in spec.graph.nodes if isinstance(node.op, Conv)]
    assert [conv.bias for conv in convs] == [True, True, True, False]
    assert {conv.initializer.name for conv in convs} == {"he_normal"}
    assert spec.graph.output.shape == (4, 4, 1)


BLOCK_LAYERS = """
- basic: {filters: 8, stride: 2}
- bottleneck: {filters: 4, expansion: 2}
- separable_conv: {filters: 8}
- inverted_residual: {inputs: 8, filters: 8, expansion: 2}
- squeeze_excite: {filters: 8, ratio: 2}
- conv_table: [8, M]
- residual: {layers: [{conv: {filters: 6, kernel: 3, stride: 1, dilation: 1, groups: 1, norm: null, activation: null}}]}
"""


@pytest.mark.parametrize(
    "fields",
    ["activation: relu", "stride: 2", "dilation: 2", "groups: 2", "norm: layer", "filters: 5", "kernel: 7"],
)
def test_defaults_do_not_change_what_a_block_is(load: Load, fields: str) -> None:
    plain = load(BLOCK_LAYERS)
    if fields.split(":")[0] in ("filters", "groups"):
        changed = load(BLOCK_LAYERS, defaults=f"{{conv: {{{fields}}}}}")
    else:
        changed = load(
            BLOCK_LAYERS,
            defaults=f"{{conv: {{{fields}}}, depthwise_conv: {{{fields}}}, max_pool: {{size: 3, stride: 1}}}}",
        )
    assert changed.graph == plain.graph


def test_defaults_set_the_constants_that_a_block_leaves_open(load: Load) -> None:
    spec = load(
        BLOCK_LAYERS, defaults="{conv: {initializer: he_normal, padding: symmetric}, batch_norm: {epsilon: 0.01}}"
    )
    operations = [node.op for node in spec.graph.nodes]
    convs = [op for op in operations if isinstance(op, Conv)]
    assert {conv.initializer.name for conv in convs} == {"he_normal"}
    assert {conv.padding for conv in convs if conv.kernel == (3, 3)} == {"symmetric"}
    assert {op.epsilon for op in operations if isinstance(op, BatchNorm)} == {0.01}


# -- composition ---------------------------------------------------------------------------------------------------


def test_repeat_numbers_its_copies(load: Load) -> None:
    spec = load("- repeat: {times: 2, layers: [{dense: 3}, dropout: 0.1]}", size="[5]")
    assert list(shapes(spec)) == ["repeat1.dense1", "repeat1.dropout1", "repeat2.dense1", "repeat2.dropout1"]
    spec = load("- repeat: {times: 2, name: layer, layers: [{dense: 3}]}", size="[5]")
    assert list(shapes(spec)) == ["layer1", "layer2"]
    assert len(load("- repeat: {times: 0, layers: [{dense: 3}]}\n- dense: 1", size="[5]").graph.nodes) == 2


def test_stages_stride_in_the_first_copy_of_all_but_the_first(load: Load) -> None:
    spec = load("- stages: {block: {basic: {norm: null, activation: null}}, depths: [1, 2], widths: [4, 6]}")
    assert shapes(spec) == {
        "stage1.block1.conv1": (8, 8, 4),
        "stage1.block1.conv2": (8, 8, 4),
        "stage1.block1.add": (8, 8, 4),
        "stage2.block1.conv1": (4, 4, 6),
        "stage2.block1.conv2": (4, 4, 6),
        "stage2.block1.shortcut": (4, 4, 6),
        "stage2.block1.add": (4, 4, 6),
        "stage2.block2.conv1": (4, 4, 6),
        "stage2.block2.conv2": (4, 4, 6),
        "stage2.block2.add": (4, 4, 6),
    }
    strided = load("- stages: {block: basic, depths: [1, 1], widths: [4, 6], strides: [2, [2, 1]]}")
    assert strided.graph.output.shape == (2, 4, 6)


def test_conv_table(load: Load) -> None:
    spec = load("- conv_table: [6, LRN, M, 8, 8/1, M]")
    assert {name: shape for name, shape in shapes(spec).items() if not name.endswith("activation")} == {
        "conv1_1": (8, 8, 6),
        "lrn1_1": (8, 8, 6),
        "pool1": (4, 4, 6),
        "conv2_1": (4, 4, 8),
        "conv2_2": (4, 4, 8),
        "pool2": (2, 2, 8),
    }
    assert [node.op.kernel for node in spec.graph.nodes if isinstance(node.op, Conv)] == [(3, 3), (3, 3), (1, 1)]


def test_towers_are_the_groups_of_a_convolution(load: Load) -> None:
    towers = load("- towers: {count: 2, layers: [{conv: {filters: 3, kernel: 3, name: conv}}]}")
    assert list(shapes(towers).items()) == [
        ("towers1.tower1.slice", (8, 8, 2)),
        ("towers1.tower1.conv", (8, 8, 3)),
        ("towers1.tower2.slice", (8, 8, 2)),
        ("towers1.tower2.conv", (8, 8, 3)),
        ("towers1.concat", (8, 8, 6)),
    ]
    grouped = archspec.analyse(load("- conv: {filters: 6, kernel: 3, groups: 2}"))
    analysis = archspec.analyse(towers)
    assert (analysis.trainable_parameters, analysis.macs) == (grouped.trainable_parameters, grouped.macs)


@pytest.mark.parametrize(("merge", "channels"), [("concat", 12), ("add", 4), ("multiply", 4)])
def test_parallel(load: Load, merge: str, channels: int) -> None:
    branches = "[[], [{conv: {filters: 4, kernel: 1}}], [{conv: {filters: 4, kernel: 3}}, dropout: 0.1]]"
    spec = load(f"- parallel: {{branches: {branches}, merge: {merge}, name: fork}}")
    assert spec.graph.output.name == f"fork.{merge}"
    assert spec.graph.output.shape == (8, 8, channels)
    assert inputs(spec, f"fork.{merge}") == ["input", "fork.branch2.conv1", "fork.branch3.dropout1"]


@pytest.mark.parametrize(
    ("shortcut", "names"),
    [
        ("projection", ["r.conv1", "r.shortcut", "r.add", "r.activation"]),
        ("pad", ["r.conv1", "r.shortcut.subsample", "r.shortcut.pad", "r.add", "r.activation"]),
        ("none", ["r.conv1", "r.activation"]),
        ("[max_pool: 2, {conv: {filters: 6, kernel: 1}}]",
         ["r.conv1", "r.shortcut.max_pool1", "r.shortcut.conv1", "r.add", "r.activation"]),
    ],
)  # fmt: skip
def test_residual_that_changes_the_shape(load: Load, shortcut: str, names: list[str]) -> None:
    layers = "[{conv: {filters: 6, kernel: 3, stride: 2}}]"
    spec = load(f"- residual: {{layers: {layers}, shortcut: {shortcut}, norm: null, activation: relu, name: r}}")
    assert list(shapes(spec)) == names
    assert {shape for name, shape in shapes(spec).items() if "shortcut." not in name} == {(4, 4, 6)}


@pytest.mark.parametrize(
    ("layers", "stride"),
    [
        ("{conv: {filters: 6, kernel: 3, stride: 3}}, {depthwise_conv: {kernel: 3, stride: 2}}", 6),  # 16, 6, 3
        ("{max_pool: {size: 3, stride: 2, padding: same}}, squeeze_excite: {filters: 4}, {conv: {filters: 6}}", 2),
        ("{conv: {filters: 6, kernel: 1, stride: 4}}, up_sample", 2),
        ("{conv: {filters: 6, kernel: 5}}, {towers: {count: 2, layers: [{max_pool: 2}]}}", 2),
    ],
)  # fmt: skip
def test_a_projection_has_the_strides_of_the_layers_it_goes_around(load: Load, layers: str, stride: int) -> None:
    spec = load(f"- residual: {{layers: [{layers}], name: r}}", size="[16, 16, 4]", defaults="{conv: {kernel: 1}}")
    (projection,) = [node.op for node in spec.graph.nodes if node.name == "r.shortcut"]
    assert isinstance(projection, Conv)
    assert projection.stride == (stride, stride)


def test_a_stride_is_not_guessed_from_sizes(load: Load) -> None:
    """Two of 8 columns remain, as with a stride of 4, which would select other columns."""
    with pytest.raises(archspec.SpecError, match="the shortcut gives 8x8x6 and the layers 2x2x6"):
        load("- residual: {layers: [{conv: {filters: 6, kernel: 7, padding: valid}}]}")


@pytest.mark.parametrize("shortcut", ["projection", "pad", "identity"])
def test_residual_that_keeps_the_shape_adds_its_input(load: Load, shortcut: str) -> None:
    spec = load(
        f"- residual: {{layers: [{{conv: {{filters: 4, kernel: 3, name: f}}}}], shortcut: {shortcut}, name: r}}"
    )
    assert list(shapes(spec)) == ["r.f", "r.add"]
    assert inputs(spec, "r.add") == ["r.f", "input"]


def test_identity_refuses_another_shape(load: Load) -> None:
    with pytest.raises(archspec.SpecError, match="the shortcut gives 8x8x4 and the layers 8x8x6"):
        load("- residual: {layers: [{conv: {filters: 6, kernel: 3}}], shortcut: identity}")


# -- references ----------------------------------------------------------------------------------------------------


def test_from_takes_an_earlier_layer_or_merges_several(load: Load) -> None:
    spec = load("""
        - conv: {filters: 4, kernel: 1, name: a}
        - conv: {filters: 4, kernel: 1, name: b, norm: batch}
        - conv: {filters: 4, kernel: 3, name: c, from: a}
        - conv: {filters: 2, kernel: 1, name: d, from: [a, b, c, input], merge: concat}
        - add: {from: [d, d], name: twice}
        - concat: {from: [twice, d], name: all}
    """)
    assert inputs(spec, "c") == ["a"]
    assert inputs(spec, "d") == ["d.concat"]
    assert inputs(spec, "d.concat") == ["a", "b.norm", "c", "input"]
    assert (shapes(spec)["d.concat"], shapes(spec)["all"]) == ((8, 8, 16), (8, 8, 4))


def test_names_are_looked_up_in_the_block_and_then_around_it(load: Load) -> None:
    spec = load("""
        - conv: {filters: 4, kernel: 1, name: a}
        - conv: {filters: 4, kernel: 1, name: b}
        - sequence:
            name: inner
            layers:
              - conv: {filters: 4, kernel: 1, name: a}
              - add: {from: [a, b, sequence.input], name: sum}
              - conv: {filters: 4, kernel: 1, name: c}
        - add: {from: [a, inner.c, inner], name: end}
    """)
    assert inputs(spec, "inner.sum") == ["inner.a", "b", "b"]
    assert inputs(spec, "end") == ["a", "inner.c", "inner.c"]


def test_input_is_what_enters_the_text_and_a_kind_before_it_what_enters_that(load: Load) -> None:
    top = """
        blocks:
          unit:
            layers:
              - conv: {filters: 4, kernel: 1}
              - add: {from: [conv1, input]}
              - residual: {layers: [{conv: {filters: 4, kernel: 1}}, {add: {from: [conv1, block.input, model.input]}}]}
    """
    spec = load(
        """
        - conv: {filters: 4, kernel: 1, name: a}
        - unit
        - residual: {layers: [{conv: {filters: 4, kernel: 1}}, {add: {from: [conv1, residual.input, model.input]}}]}
        - repeat: {times: 1, layers: [{conv: {filters: 4, kernel: 1}}, {add: {from: [conv1, repeat.input]}}]}
        - towers: {count: 2, layers: [{conv: {filters: 2, kernel: 1}}, {add: {from: [conv1, towers.input]}}]}
        - add: {from: [a, input, towers1], name: last}
        """,
        top=top,
    )
    assert inputs(spec, "unit1.add1") == ["unit1.conv1", "a"]
    assert inputs(spec, "unit1.residual1.add1") == ["unit1.residual1.conv1", "a", "input"]
    assert inputs(spec, "residual1.add1") == ["residual1.conv1", "unit1.residual1.add", "input"]
    assert inputs(spec, "repeat1.add1") == ["repeat1.conv1", "residual1.add"]
    assert inputs(spec, "towers1.tower2.add1") == ["towers1.tower2.conv1", "towers1.tower2.slice"]
    assert inputs(spec, "last") == ["a", "input", "towers1.concat"]


def test_input_has_one_meaning_where_everything_around_has_the_same(load: Load) -> None:
    spec = load("- sequence: {name: s, layers: [{conv: {filters: 4, kernel: 1}}, {add: {from: [conv1, input]}}]}")
    assert inputs(spec, "s.add1") == ["s.conv1", "input"]


def test_numbered_names_keep_clear_of_given_ones(load: Load) -> None:
    spec = load("""
        - conv: {filters: 4, kernel: 1}
        - conv: {filters: 4, kernel: 1, name: conv3}
        - conv: {filters: 4, kernel: 1}
        - conv: {filters: 4, kernel: 1, name: "c#"}
        - conv: {filters: 4, kernel: 1, name: c1}
        - stages: {block: {separable_conv: {norm: null}}, depths: [1, 1], widths: [4, 4]}
        - conv: {filters: 4, kernel: 1}
        - conv: {filters: 4, kernel: 1, name: stage2}
    """)
    names = list(dict.fromkeys(name.partition(".")[0] for name in shapes(spec)))
    assert names == ["conv1", "conv3", "conv2", "c2", "c1", "stage1", "stage3", "conv4", "stage2"]


# -- blocks --------------------------------------------------------------------------------------------------------

FIRE = """
    blocks:
      fire:
        params: {squeeze: null, expand: "${2 * width}"}
        layers:
          - conv: {filters: "${squeeze}", kernel: 1, name: squeeze}
          - conv: {filters: "${expand}", kernel: 1, name: one, from: squeeze}
          - conv: {filters: "${expand + width}", kernel: 3, name: three, from: squeeze}
          - concat: {from: [one, three]}
    params: {width: 4}
"""


def test_a_block_written_in_the_spec(load: Load) -> None:
    spec = load("- fire: 2\n- fire: {squeeze: 3, expand: 1, name: last}\n- fire: {squeeze: 1}", top=FIRE)
    assert shapes(spec) == {
        "fire1.squeeze": (8, 8, 2),
        "fire1.one": (8, 8, 8),
        "fire1.three": (8, 8, 12),
        "fire1.concat1": (8, 8, 20),
        "last.squeeze": (8, 8, 3),
        "last.one": (8, 8, 1),
        "last.three": (8, 8, 5),
        "last.concat1": (8, 8, 6),
        "fire2.squeeze": (8, 8, 1),
        "fire2.one": (8, 8, 8),
        "fire2.three": (8, 8, 12),
        "fire2.concat1": (8, 8, 20),
    }


def test_a_block_in_a_block_and_in_stages(load: Load) -> None:
    top = """
        blocks:
          unit:
            params: {filters: null, stride: 1}
            layers:
              - conv: {filters: "${filters}", kernel: 1, stride: "${stride}"}
          pair:
            params: {filters: null, stride: 1}
            layers:
              - unit: {filters: "${filters}", stride: "${stride}"}
              - unit: "${filters}"
    """
    spec = load("- stages: {block: pair, depths: [1, 1], widths: [2, 3]}", top=top)
    assert shapes(spec) == {
        "stage1.block1.unit1": (8, 8, 2),
        "stage1.block1.unit2": (8, 8, 2),
        "stage2.block1.unit1": (4, 4, 3),
        "stage2.block1.unit2": (4, 4, 3),
    }


def stem(*, filters: Annotated[int, Integer(min=1)], pool: bool = False) -> Fragment:
    """A block in Python: its typed keyword arguments are its fields."""
    conv = {"conv": {"filters": filters, "kernel": 3, "stride": 2}}
    return [conv, {"max_pool": {"size": 2, "name": "pool"}}] if pool else [conv]


def test_a_block_written_in_python_stands_in_one_place(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(BLOCKS, "stem", python_block(stem))
        spec = load("- stem: 6\n- stem: {filters: 7, pool: true}")
        with pytest.raises(archspec.SpecError, match="unknown field 'pol' of stem; did you mean 'pool'"):
            load("- stem: {filters: 7, pol: true}")
    assert shapes(spec) == {"stem1": (4, 4, 6), "stem2.conv1": (2, 2, 7), "stem2.pool": (1, 1, 7)}
    with pytest.raises(archspec.SpecError, match="unknown block 'stem'"):
        load("- stem: 6")
