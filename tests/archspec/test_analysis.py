"""The analysis of networks small enough to compute by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from textwrap import dedent, indent

import pytest

import archspec
from archspec import Analysis

Analyse = Callable[..., Analysis]


@pytest.fixture
def analyse() -> Analyse:
    def analyse(layers: str, size: str = "[8, 8, 1]") -> Analysis:
        text = f"name: net\nmodel:\n  input: {size}\n  layers:\n" + indent(dedent(layers), "    ")
        return archspec.analyse(archspec.loads(text))

    return analyse


# -- weights and MACs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "trainable", "non_trainable", "macs"),
    [
        ("conv: {filters: 6, kernel: [3, 5]}", 3 * 5 * 4 * 6 + 6, 0, 8 * 8 * 3 * 5 * 4 * 6),
        ("conv: {filters: 6, kernel: 3, bias: false, stride: 2}", 9 * 4 * 6, 0, 4 * 4 * 9 * 4 * 6),
        ("conv: {filters: 6, kernel: 3, groups: 2}", 9 * 2 * 6 + 6, 0, 8 * 8 * 9 * 2 * 6),
        ("conv: {filters: 6, kernel: 3, dilation: 2}", 9 * 4 * 6 + 6, 0, 8 * 8 * 9 * 4 * 6),
        ("conv: {filters: 6, kernel: 1, norm: batch}", 4 * 6 + 12, 12, 8 * 8 * 4 * 6),
        ("depthwise_conv: {kernel: 3, multiplier: 2}", 9 * 8 + 8, 0, 8 * 8 * 9 * 8),
        ("batch_norm: {scale: false}", 4, 8, 0),
        ("layer_norm", 8, 0, 0),
        ("local_response_norm", 0, 0, 0),
        ("max_pool: 2", 0, 0, 0),
    ],
)
def test_weights_and_macs(analyse: Analyse, layer: str, trainable: int, non_trainable: int, macs: int) -> None:
    analysis = analyse(f"- {layer}", size="[8, 8, 4]")
    assert (analysis.trainable_parameters, analysis.non_trainable_parameters) == (trainable, non_trainable)
    assert (analysis.macs, analysis.flops) == (macs, 2 * macs)
    assert analysis.parameters == trainable + non_trainable
    assert analysis.weights_bytes(2) == 2 * analysis.parameters


def test_dense(analyse: Analyse) -> None:
    analysis = analyse("- dense: 3\n- dense: {units: 2, bias: false}", size="[5]")
    assert (analysis.trainable_parameters, analysis.macs) == (5 * 3 + 3 + 3 * 2, 5 * 3 + 3 * 2)
    assert (analysis.input, analysis.output) == ((5,), (2,))


# -- receptive fields ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "field", "stride"),
    [
        (["conv: {filters: 1, kernel: 3}"] * 3, 7, 1),  # 1 + 2 + 2 + 2
        (["conv: {filters: 1, kernel: 3}", "max_pool: 2", "conv: {filters: 1, kernel: 3}"], 8, 2),  # 3 + 1 + 2 * 2
        (["conv: {filters: 1, kernel: 3, stride: 2}"] * 2, 7, 4),  # 3 + 2 * 2
        (["conv: {filters: 1, kernel: 3, dilation: 2}", "relu"], 5, 1),
        (["zero_pad: 1", "conv: {filters: 1, kernel: 3, padding: valid}"], 3, 1),
        (["conv: {filters: 1, kernel: 1, stride: 2}", "conv: {filters: 1, kernel: 3}"], 5, 2),  # 1 + 2 * 2
        (["residual: {layers: [{conv: {filters: 1, kernel: 3}}, {conv: {filters: 1, kernel: 3}}]}"], 5, 1),
    ],
)
def test_receptive_field(analyse: Analyse, layers: list[str], field: int, stride: int) -> None:
    lines = ["activation: relu" if layer == "relu" else layer for layer in layers]
    analysis = analyse("\n".join(f"- {line}" for line in lines))
    assert analysis.receptive_field == (field, field)
    assert analysis.layers[-1].receptive_field == (field, field)
    assert analysis.layers[-1].stride == (stride, stride)


SHUFFLE = ["conv: {filters: 4, kernel: 3}", "reshape: [64, 2, 2]", "permute: [1, 3, 2]", "reshape: [8, 8, 4]"]
GATE = "[global_avg_pool: {keep_dims: true}, {conv: {filters: 1, kernel: 1}}]"


@pytest.mark.parametrize(
    ("layers", "field", "stride"),
    [
        # The gate sees the whole picture, once, and is the same at every position.
        (["conv: {filters: 1, kernel: 3, stride: 2}", "squeeze_excite: {filters: 1}"], (8, 8), (2, 2)),
        (["squeeze_excite: {filters: 1}"] * 5, (8, 8), (1, 1)),
        (["squeeze_excite: {filters: 1}", "conv: {filters: 1, kernel: 3}"], (8, 8), (1, 1)),
        (
            ["conv: {filters: 1, kernel: 1, stride: 2}", "squeeze_excite: {filters: 1}"],
            (7, 7),
            (2, 2),
        ),  # never the last
        (["global_avg_pool: {keep_dims: true}"], (8, 8), None),
        (
            ["global_avg_pool: {keep_dims: true}", "up_sample: {factor: 8}", "conv: {filters: 1, kernel: 3}"],
            (8, 8),
            None,
        ),
        ([f"parallel: {{merge: multiply, branches: [{GATE}, []]}}"], (8, 8), (1, 1)),
        (["max_pool: 2", "up_sample"], (2, 2), (1, 1)),
        (["max_pool: 4", "up_sample", "conv: {filters: 1, kernel: 3}"], (8, 8), (2, 2)),  # 4 + 2 * 2
        (["max_pool: 4", "up_sample: {factor: [4, 2]}"], (4, 4), (1, 2)),
        (["up_sample"], (1, 1), (Fraction(1, 2), Fraction(1, 2))),
        (["up_sample", "conv: {filters: 1, kernel: 3}"], (2, 2), (Fraction(1, 2), Fraction(1, 2))),  # 2 and 2
        (["up_sample: {factor: 3}", "conv: {filters: 1, kernel: 3}"], (2, 2), (Fraction(1, 3),) * 2),  # 1, 2 and 2
        (["up_sample: {factor: [2, 1], interpolation: bilinear}"], (2, 1), (Fraction(1, 2), 1)),
        (["conv: {filters: 1, kernel: [1, 5], stride: [1, 2]}", "permute: [2, 1, 3]"], (1, 5), (2, 1)),
        (["permute: [2, 1, 3]", "conv: {filters: 1, kernel: [1, 5]}", "permute: [2, 1, 3]"], (5, 1), (1, 1)),
        # Elements that are moved see what they saw, and neighbours may not be neighbours in the picture.
        (["permute: [3, 1, 2]"], (1, 1), None),
        (["permute: [3, 1, 2]", "conv: {filters: 1, kernel: 1}"], (1, 8), None),  # the columns are channels
        (["permute: [3, 1, 2]", "conv: {filters: 1, kernel: [1, 3]}"], (3, 8), None),
        (["reshape: [4, 16, 1]"], (1, 1), None),
        (["reshape: [4, 16, 1]", "max_pool: 2"], (8, 8), None),
        (["reshape: [8, 8, 1]"], (1, 1), (1, 1)),
        (["flatten"], (1, 1), None),
        (["flatten", "dense: 2"], (8, 8), None),
        # A channel shuffle (Zhang et al. 2017, arXiv:1707.01083, section 3.1) keeps every element at its position.
        ([*SHUFFLE, "conv: {filters: 4, kernel: 3}"], (5, 5), (1, 1)),
        # Eight maps at a distance of 2**k, far beyond the picture: all of them see it once.
        (
            ["zero_pad: 8", "conv: {filters: 1, kernel: 3, stride: 2}", "conv: {filters: 1, kernel: 1}"] * 40,
            (8, 8),
            None,
        ),
    ],
)
def test_receptive_field_after_gates_up_sampling_and_reshaping(
    analyse: Analyse, layers: list[str], field: tuple[int, int], stride: tuple[int, int] | None
) -> None:
    last = analyse("\n".join(f"- {line}" for line in layers)).layers[-1]
    assert (last.receptive_field, last.stride) == (field, stride)


def test_receptive_field_by_axis(analyse: Analyse) -> None:
    analysis = analyse("- conv: {filters: 1, kernel: [1, 5], stride: [2, 1]}\n- conv: {filters: 1, kernel: [3, 1]}")
    assert analysis.receptive_field == (5, 5)  # 1 + 2 * 2 down, 5 across
    assert analysis.layers[-1].stride == (2, 1)


def test_receptive_field_spans_branches_that_see_different_sides(analyse: Analyse) -> None:
    """One branch sees two columns to the left, the other two to the right: five together, not three."""
    analysis = analyse("""
        - parallel:
            branches:
              - [{conv: {filters: 1, kernel: [1, 3], padding: [[0, 0], [2, 0]]}}]
              - [{conv: {filters: 1, kernel: [1, 3], padding: [[0, 0], [0, 2]]}}]
    """)
    assert analysis.receptive_field == (1, 5)


def test_receptive_field_is_of_the_last_picture(analyse: Analyse) -> None:
    analysis = analyse("- conv: {filters: 1, kernel: 3, name: last}\n- global_avg_pool\n- dense: 2")
    assert analysis.receptive_field == (3, 3)
    assert [layer.receptive_field for layer in analysis.layers] == [(3, 3), (8, 8), (8, 8)]
    assert [layer.stride for layer in analysis.layers] == [(1, 1), None, None]


# -- memory --------------------------------------------------------------------------------------------------------


def test_memory_of_a_chain(analyse: Analyse) -> None:
    """64 + 128 + 32 + 2 elements; the first two are alive together, then 128 + 32, then 32 + 2."""
    analysis = analyse("- conv: {filters: 2, kernel: 3}\n- max_pool: 2\n- global_avg_pool")
    assert analysis.activation_elements == 64 + 128 + 32 + 2
    assert analysis.peak_elements == 64 + 128
    assert analysis.training_bytes(10) == 226 * 10 * 4
    assert analysis.training_bytes(10, 2) == 226 * 10 * 2
    assert analysis.inference_bytes() == 192 * 4
    assert analysis.inference_bytes(3, 2) == 192 * 3 * 2


def test_memory_of_a_shortcut(analyse: Analyse) -> None:
    """The input waits for the sum: 64 + 128 + 64 while the second convolution runs."""
    convs = "[{conv: {filters: 2, kernel: 3}}, {conv: {filters: 1, kernel: 3}}]"
    analysis = analyse(f"- residual: {{layers: {convs}, shortcut: identity}}")
    assert analysis.peak_elements == 64 + 128 + 64
    assert analysis.activation_elements == 64 + 128 + 64 + 64
