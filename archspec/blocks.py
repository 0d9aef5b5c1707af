"""Blocks: macros over the language. Each is one function from typed keyword arguments to layers.

The signature is the block's schema and its documentation; the function returns layers as a spec would write them. A
block with a parameter `name` only arranges layers, and names them itself (`#` stands for the next free number).

A block sets every field that defines it, even to a layer's own default, because `model.defaults` of a spec may change
those. It leaves initializers, biases, paddings and the constants of normalisations to the defaults.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from archspec.errors import INVALID
from archspec.fields.base import FieldError, Form, Reader
from archspec.fields.containers import ListOf, OneOrPair
from archspec.fields.records import Count, Pair
from archspec.fields.scalars import Integer
from archspec.layers.fields import ACTIVATION_FORM, NORM_FORM
from archspec.layers.reading import Block, BlockTree, Fragment, Layers, python_block
from archspec.layers.structures import Shortcut
from archspec.source.tree import Tree, wrap

Activation = Annotated[Any, ACTIVATION_FORM, "The activation after each convolution; null for none."]
Norm = Annotated[str | None, NORM_FORM, "The normalisation after each convolution; null for none."]
Filters = Annotated[Count, "Channels of the output."]
Stride = Annotated[Pair, "Pixels from one position of the window to the next: how many times smaller the output is."]
Counts = Annotated[
    tuple[int, ...], ListOf(Integer(min=1, max=1_000_000), "list of whole numbers, one for each stage", 1)
]
Strides = Annotated[
    tuple[tuple[int, int], ...], ListOf(OneOrPair(Integer(min=1, max=100)), "list of strides, one for each stage", 1)
]
MAX_COPIES = 100_000
MAX_STAGES = 100
Times = Annotated[int, Integer(min=0, max=MAX_COPIES)]
DENSE = {"dilation": 1, "groups": 1}
PLAIN = {"stride": 1, **DENSE}
LINEAR = {**PLAIN, "activation": None}


# -- arranging ---------------------------------------------------------------------------------------------------


def sequence(*, layers: Layers) -> Fragment:
    """Groups layers under one name.

    Example:
        sequence: {name: stem, layers: [{conv: {filters: 64, kernel: 7, stride: 2}}, max_pool: 2]}

    Args:
        layers: the layers, in order.
    """
    return layers


def repeat(*, times: Times, layers: Layers, name: str = "repeat#") -> Fragment:
    """Repeats the layers `times` times; the names of the copies are numbered.

    Example:
        repeat: {times: 3, layers: [{conv: {filters: 64, kernel: 3}}]}

    Args:
        times: how often; 0 leaves the layers out.
        layers: the layers of one copy.
        name: the name of the copies; `#` stands for the next free number.
    """
    numbered = name if "#" in name else f"{name}#"
    return [{"sequence": {"layers": layers, "name": numbered}}] * times


def stages(
    *, block: BlockTree, depths: Counts, widths: Counts, strides: Strides | None = None, name: str = "stage#"
) -> Fragment:
    """Stages of a block (He et al. 2015, table 1): `depths[i]` copies with `filters: widths[i]`.

    The stride of a stage goes to its first copy. It is 1 in the first stage and 2 in the others unless `strides` is
    given.

    Example:
        stages: {block: {bottleneck: {}}, depths: [3, 4, 6, 3], widths: [64, 128, 256, 512]}

    Args:
        block: the block that is repeated, with its fields besides `filters` and `stride`.
        depths: copies of the block in each stage.
        widths: filters of the block in each stage.
        strides: stride of the first copy of each stage; null stands for 1, 2, 2, ...
        name: the name of the stages; `#` stands for the next free number.
    """
    if len(widths) != len(depths):
        raise FieldError("widths", f"{len(depths)} depths but {len(widths)} here; give one width for each stage")
    if strides is None:
        strides = ((1, 1), *[(2, 2)] * (len(depths) - 1))
    if len(strides) != len(depths):
        raise FieldError("strides", f"{len(depths)} depths but {len(strides)} here; give one stride for each stage")
    if len(depths) > MAX_STAGES:
        raise FieldError("depths", f"{len(depths):,} stages; the limit is {MAX_STAGES}")
    if sum(depths) > MAX_COPIES:
        raise FieldError("depths", f"{sum(depths):,} copies of the block; the limit is {MAX_COPIES:,}")
    ((kind, body),) = block.value.items()

    def copy(filters: int, stride: tuple[int, int]) -> Tree:
        fields = {"filters": filters, "stride": list(stride), "name": "block#"}
        trees = {key: wrap(value, body.span) for key, value in fields.items()}
        return Tree({kind: Tree({**body.value, **trees}, body.span, body.keys)}, block.span, block.keys)

    parts = []
    for depth, width, stride in zip(depths, widths, strides, strict=True):
        copies = [copy(width, stride)] + [copy(width, (1, 1))] * (depth - 1)
        numbered = name if "#" in name else f"{name}#"
        parts.append({"sequence": {"layers": copies, "name": numbered}})
    return parts


class _TableRows(Form):
    """The rows of a column of the VGG table: filters, `filters/kernel`, `M` (max pooling) or `LRN`."""

    expected = "a list of filters (64), filters/kernel (256/1), 'M' and 'LRN'"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if not isinstance(tree.value, list) or not tree.value:
            return reader.expect(tree, path, self.expected)
        rows = tuple(self.row(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value))
        return INVALID if INVALID in rows else rows

    def row(self, tree: Tree, path: str, reader: Reader) -> Any:
        tree = reader.evaluated(tree, path)
        if tree.value in ("M", "LRN"):
            return tree.value
        text = str(tree.value)
        filters, _, kernel = text.partition("/")
        if not filters.isdecimal() or (kernel and not kernel.isdecimal()) or text.endswith("/"):
            hint = f"; write {text.upper()}" if text.upper() in ("M", "LRN") else ""
            return reader.expect(tree, path, "filters (64), filters/kernel (256/1), 'M' or 'LRN'", hint)
        if not (0 < int(filters) <= 1_000_000 and 0 < int(kernel or 3) <= 1000):
            return reader.expect(tree, path, "filters from 1 to 1000000 and a kernel from 1 to 1000")
        return int(filters), int(kernel or 3)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": ["integer", "string"]}, "minItems": 1}


def conv_table(
    *, rows: Annotated[Any, _TableRows()], activation: Activation = "relu", norm: Norm = None, name: str = ""
) -> Fragment:
    """A column of the VGG table (Simonyan and Zisserman 2014, arXiv:1409.1556, table 1).

    A number is a 3x3 convolution with that many filters, `256/1` a 1x1 convolution, each followed by the activation;
    `M` is 2x2 max pooling, and `LRN` a local response normalisation. Layers are named conv<group>_<number>, as by the
    paper's authors.

    Example:
        conv_table: [64, 64, M, 128, 128, M, 256, 256/1, M]

    Args:
        rows: the column: numbers of filters, `filters/kernel`, `M` and `LRN`.
        name: what the names of the layers begin with.
    """
    prefix = f"{name}_" if name else ""
    group, number = 1, 0
    parts: list[Any] = []
    for row in rows:
        if row == "M":
            parts.append({"max_pool": {"size": 2, "stride": 2, "name": f"{prefix}pool{group}"}})
            group, number = group + 1, 0
        elif row == "LRN":
            parts.append({"local_response_norm": {"name": f"{prefix}lrn{group}_#"}})
        else:
            number += 1
            filters, kernel = row
            conv = {"filters": filters, "kernel": kernel, **PLAIN, "activation": activation, "norm": norm}
            parts.append({"conv": {**conv, "name": f"{prefix}conv{group}_{number}"}})
    return parts


# -- residual networks -------------------------------------------------------------------------------------------


def basic(
    *,
    filters: Filters,
    stride: Stride = (1, 1),
    shortcut: Shortcut = "projection",
    norm: Norm = "batch",
    activation: Activation = "relu",
) -> Fragment:
    """Two 3x3 convolutions and a shortcut (He et al. 2015, arXiv:1512.03385, figure 5, left).

    Example:
        basic: {filters: 64, stride: 2}
    """
    first = {"filters": filters, "kernel": 3, "stride": stride, **DENSE, "norm": norm, "activation": activation}
    second = {"filters": filters, "kernel": 3, **LINEAR, "norm": norm}
    layers = [{"conv": {**first, "name": "conv1"}}, {"conv": {**second, "name": "conv2"}}]
    return [{"residual": {"layers": layers, "shortcut": shortcut, "norm": norm, "activation": activation}}]


def bottleneck(
    *,
    filters: Filters,
    expansion: Count = 4,
    stride: Stride = (1, 1),
    stride_on: Literal["1x1", "3x3"] = "3x3",
    groups: Count = 1,
    shortcut: Shortcut = "projection",
    norm: Norm = "batch",
    activation: Activation = "relu",
) -> Fragment:
    """1x1, 3x3 and 1x1 convolutions and a shortcut (He et al. 2015, arXiv:1512.03385, figure 5, right).

    The 3x3 convolution has `filters` filters, and the output `expansion` times as many channels. The paper strides on
    the first 1x1 convolution; `stride_on: 3x3` is the common ResNet v1.5. With `groups` this is ResNeXt's block (Xie et
    al. 2016, arXiv:1611.05431).

    Example:
        bottleneck: {filters: 64, stride: 2}

    Args:
        filters: channels of the 3x3 convolution; the output has `expansion` times as many.
        expansion: how many times as many channels the output has as the 3x3 convolution.
        stride_on: the convolution with the stride: `3x3` (ResNet v1.5), or `1x1` as in the paper.
        groups: groups of the 3x3 convolution.
    """
    one, three = (stride, (1, 1)) if stride_on == "1x1" else ((1, 1), stride)
    common = {**DENSE, "norm": norm, "activation": activation}
    grouped = {**common, "groups": groups}
    layers = [
        {"conv": {"filters": filters, "kernel": 1, "stride": one, **common, "name": "conv1"}},
        {"conv": {"filters": filters, "kernel": 3, "stride": three, **grouped, "name": "conv2"}},
        {"conv": {"filters": expansion * filters, "kernel": 1, **LINEAR, "norm": norm, "name": "conv3"}},
    ]
    return [{"residual": {"layers": layers, "shortcut": shortcut, "norm": norm, "activation": activation}}]


# -- light networks ----------------------------------------------------------------------------------------------


def separable_conv(
    *,
    filters: Filters,
    kernel: Pair = (3, 3),
    stride: Stride = (1, 1),
    norm: Norm = "batch",
    activation: Activation = "relu",
) -> Fragment:
    """A depthwise and a 1x1 convolution (Howard et al. 2017, arXiv:1704.04861, figure 3).

    Example:
        separable_conv: {filters: 128, stride: 2}

    Args:
        kernel: height and width of the depthwise window, in pixels.
    """
    common = {"norm": norm, "activation": activation}
    depthwise = {"kernel": kernel, "stride": stride, "dilation": 1, "multiplier": 1, **common}
    return [
        {"depthwise_conv": {**depthwise, "name": "depthwise"}},
        {"conv": {"filters": filters, "kernel": 1, **PLAIN, **common, "name": "pointwise"}},
    ]


def inverted_residual(
    *,
    inputs: Count,
    filters: Filters,
    expansion: Count = 6,
    kernel: Pair = (3, 3),
    stride: Stride = (1, 1),
    norm: Norm = "batch",
    activation: Activation = "relu6",
) -> Fragment:
    """An inverted bottleneck (Sandler et al. 2018, arXiv:1801.04381, table 1).

    A 1x1 convolution widens the `inputs` channels `expansion` times, a depthwise convolution strides, and a last 1x1
    convolution is linear. The input is added if it has the shape of the output.

    Example:
        inverted_residual: {inputs: 24, filters: 32, stride: 2}

    Args:
        inputs: channels of the input.
        expansion: how many times as many channels the depthwise convolution has as the input.
        kernel: height and width of the depthwise window, in pixels.
    """
    common = {"norm": norm, "activation": activation}
    depthwise = {"kernel": kernel, "stride": stride, "dilation": 1, "multiplier": 1, **common}
    layers = [
        {"depthwise_conv": {**depthwise, "name": "depthwise"}},
        {"conv": {"filters": filters, "kernel": 1, **LINEAR, "norm": norm, "name": "project"}},
    ]
    if expansion > 1:
        layers.insert(0, {"conv": {"filters": inputs * expansion, "kernel": 1, **PLAIN, **common, "name": "expand"}})
    keeps_shape = stride == (1, 1) and inputs == filters
    return [{"residual": {"layers": layers, "shortcut": "identity", "norm": norm}}] if keeps_shape else layers


def squeeze_excite(*, filters: Count, ratio: Count = 16, activation: Activation = "relu") -> Fragment:
    """Multiplies each channel by a gate computed from the whole picture (Hu et al. 2017, arXiv:1709.01507, figure 1).
    `filters` is the number of channels of the input.

    Example:
        squeeze_excite: {filters: 256, ratio: 16}

    Args:
        filters: channels of the input, and of the output.
        ratio: how many times fewer channels the gate has inside.
    """
    squeezed = max(1, filters // ratio)
    common = {"kernel": 1, **PLAIN, "norm": None}
    gate = [
        {"global_avg_pool": {"keep_dims": True, "name": "squeeze"}},
        {"conv": {"filters": squeezed, **common, "activation": activation, "name": "reduce"}},
        {"conv": {"filters": filters, **common, "activation": "sigmoid", "name": "gate"}},
    ]
    return [{"parallel": {"branches": [[], gate], "merge": "multiply"}}]


BLOCKS: dict[str, Block] = {
    function.__name__: python_block(function)
    for function in (
        sequence,
        repeat,
        stages,
        conv_table,
        basic,
        bottleneck,
        separable_conv,
        inverted_residual,
        squeeze_excite,
    )
}
