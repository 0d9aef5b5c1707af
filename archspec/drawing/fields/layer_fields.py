"""What one element of a layer sees of the picture, and what the layers before it contribute, ready to be drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archspec.drawing.labels import title_of
from archspec.errors import argument_problem
from archspec.graph.graph import Graph, Node
from archspec.ops.base import arriving
from archspec.ops.pointwise import Activation, Softmax
from archspec.receptive_fields import Axis, Distance, receptive_fields
from archspec.wording import did_you_mean, first_few, quoted

MOST_LEVELS = 8
"""More nested fields than this are not told apart in a drawing; those at the ends of stages are drawn then."""
Span = tuple[float, float]
"""Where a stretch of pixels begins and ends: pixel i is from i to i + 1."""


@dataclass(frozen=True)
class Level:
    """A layer that widens the field, and its element nearest to the middle of the field that is drawn.

    Attributes:
        name, label: of the layer: `conv1`, `3×3 conv, 64`; a stage has no label.
        axes: what its elements see of the picture's rows and columns.
        element: the row and the column of the element in the layer's output.
    """

    name: str
    label: str
    axes: tuple[Axis, Axis]
    element: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the field in pixels."""
        return self.axes[0].size, self.axes[1].size

    @property
    def window(self) -> tuple[Span, Span]:
        """The rows and the columns that the element sees; they may lie outside the picture, in its padding."""
        return span(self.axes[0], self.element[0]), span(self.axes[1], self.element[1])


@dataclass(frozen=True)
class LayerField:
    """What the middle element of a layer sees.

    Attributes:
        network: the network's name.
        layer: the layer's name, as it was asked for.
        picture: the shape of the network's input.
        levels: the layers that widen the field, from the picture to the layer. The last has the whole field.
        left_out: how many more there are, whose fields lie between those of `levels`.
        count: rows and columns of the layer's output.
        stride: (vertical, horizontal) pixels between the fields of neighbours; None where neighbours see the same.
        parameters: those that training changes, of the layer and of all that it depends on.
        activations: the most activation functions on a way from the picture to the layer's output.
    """

    network: str
    layer: str
    picture: tuple[int, int, int]
    levels: tuple[Level, ...]
    left_out: int
    count: tuple[int, int]
    stride: tuple[Distance, Distance] | None
    parameters: int
    activations: int

    @property
    def field(self) -> Level:
        """The layer itself."""
        return self.levels[-1]

    @property
    def sees_all(self) -> bool:
        """Whether every element sees the same part of the picture."""
        return all(axis.stride is None for axis in self.field.axes)


def layer_field(graph: Graph, layer: str | None = None, option: str = "layer") -> LayerField:
    """What the middle element of a layer's output sees.

    Args:
        graph: a network that takes a picture.
        layer: the name of a layer, block or stage, whose last operation is meant; None for the last feature map.
        option: how the user names the layer, for messages.

    Raises:
        UserError: the network has no such layer, or takes no picture.
    """
    shape = graph.input.shape
    if len(shape) != 3:
        expected = "a receptive field is a part of a picture (height x width x channels)"
        raise argument_problem(option, f"{graph.name} takes {arriving(shape)}; {expected}")
    target = _last_feature_map(graph) if layer is None else position_of(graph, layer, option)
    name = layer or _outermost(graph, target)
    fields = receptive_fields(graph)
    field, before = fields[target], _before(graph, target)
    rows, columns = field.axes
    element = (rows.count // 2, columns.count // 2)
    middle = [math.fsum(span(axis, at)) / 2 for axis, at in zip(field.axes, element, strict=True)]
    levels: list[Level] = []
    for position in before:
        axes, node = fields[position].axes, graph.nodes[position]
        nearest = (_nearest(axes[0], middle[0]), _nearest(axes[1], middle[1]))
        level = Level(node.name, title_of(node.op), axes, nearest)
        largest = levels[-1].size if levels else (1, 1)  # a window may be larger than the picture, and so than what
        if level.size != largest and _holds(level.size, largest) and _holds(field.size, level.size):  # sees all of it
            levels.append(level)
    whole = Level(name, title_of(graph.nodes[target].op), field.axes, element)
    if not levels or levels[-1].size != field.size:
        levels.append(whole)
    drawn = _fewer(levels)
    drawn[-1] = replace(whole, name=drawn[-1].name, label=drawn[-1].label)
    if len(drawn) < len(levels):
        drawn[-1] = replace(drawn[-1], name=name, label="")
    nodes = [graph.nodes[position] for position in before]
    return LayerField(
        network=graph.name,
        layer=name,
        picture=(shape[0], shape[1], shape[2]),
        levels=tuple(drawn),
        left_out=len(levels) - len(drawn),
        count=(rows.count, columns.count),
        stride=None if rows.stride is None or columns.stride is None else (rows.stride, columns.stride),
        parameters=sum(node.op.parameters(graph.input_shapes(node))[0] for node in nodes),
        activations=_activations(graph, before),
    )


def _holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] >= inner[0] and outer[1] >= inner[1]


def position_of(graph: Graph, layer: str, option: str = "layer") -> int:
    """The position of the last operation of a layer, block or stage.

    Raises:
        UserError: there is none of that name.
    """
    found = [at for at, node in enumerate(graph.nodes) if node.name == layer or node.name.startswith(f"{layer}.")]
    if found:
        return found[-1]
    names = {path for node in graph.nodes for path in itertools.accumulate(node.name.split("."), "{}.{}".format)}
    outermost = [*dict.fromkeys(node.name.partition(".")[0] for node in graph.nodes)]
    hint = did_you_mean(layer, names, few=0) or f"; it has {', '.join(first_few(outermost, 12))}"
    raise argument_problem(option, f"{graph.name} has no layer {quoted(layer)}{hint}")


def span(axis: Axis, position: int) -> Span:
    """The pixels along one axis of the picture that the element at a position sees."""
    if axis.seen is not None:
        return axis.seen[0], axis.seen[1] + 1
    offset = position * (axis.stride or 0)
    return float(axis.first + offset), float(axis.last + offset + 1)


def within(axis: Axis, limits: Span) -> range:
    """The positions along one axis whose elements see nothing outside the limits."""
    if axis.stride is None:
        return range(1)
    first, end = span(axis, 0)
    stride = float(axis.stride)
    lowest, highest = math.ceil((limits[0] - first) / stride), math.floor((limits[1] - end) / stride)
    return range(max(lowest, 0), min(highest, axis.count - 1) + 1)


def _nearest(axis: Axis, middle: float) -> int:
    """The position whose field has its middle nearest to a place, the lower of two."""
    if axis.stride is None:
        return 0
    position = math.ceil((middle - math.fsum(span(axis, 0)) / 2) / float(axis.stride) - 0.5)
    return min(max(position, 0), axis.count - 1)


def _last_feature_map(graph: Graph) -> int:
    """The position of the last output that is still a picture, whose field a summary names; else that of the last."""
    maps = [at for at, node in enumerate(graph.nodes) if len(node.shape) == 3 and node.shape[:2] != (1, 1)]
    return maps[-1] if maps[-1:] > [0] else len(graph.nodes) - 1


def _outermost(graph: Graph, target: int) -> str:
    """The shortest name by which an operation is found: that of the stage that it ends."""
    paths = itertools.accumulate(graph.nodes[target].name.split("."), "{}.{}".format)
    return next(path for path in paths if position_of(graph, path) == target)


def _before(graph: Graph, target: int) -> list[int]:
    """The positions of an operation and of all that it depends on but the picture, in order."""
    found = {target}
    for position in range(target, 0, -1):
        if position in found:
            found.update(graph.nodes[position].inputs)
    return sorted(found - {0})


def _activations(graph: Graph, positions: Sequence[int]) -> int:
    most = {0: 0}
    for position in positions:
        node = graph.nodes[position]
        most[position] = max(most[index] for index in node.inputs) + _is_non_linearity(node)
    return most[positions[-1]] if positions else 0


def _is_non_linearity(node: Node) -> bool:
    return isinstance(node.op, Softmax) or (isinstance(node.op, Activation) and node.op.function != "linear")


def _fewer(levels: Sequence[Level]) -> list[Level]:
    """At most `MOST_LEVELS`: where there are more, the last of each stage; of more stages, the last of each stride."""
    if len(levels) <= MOST_LEVELS:
        return [*levels]
    ends = {level.name.partition(".")[0]: level for level in levels}
    stages = [level if level.name == stage else replace(level, name=stage, label="") for stage, level in ends.items()]
    if 1 < len(stages) <= MOST_LEVELS:
        return stages
    strides = {tuple(axis.stride for axis in level.axes): level for level in levels}
    if 1 < len(strides) <= MOST_LEVELS:
        return [*strides.values()]
    last = len(levels) - 1
    return [levels[round(number * last / (MOST_LEVELS - 1))] for number in range(MOST_LEVELS)]
