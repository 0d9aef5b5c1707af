"""The arithmetic of a graph: shapes, parameters, MACs, receptive fields and memory, without a framework."""

from __future__ import annotations

import math
from dataclasses import dataclass

from archspec.graph.graph import Graph, Node
from archspec.ops import Shape
from archspec.receptive_fields import Distance, Field, receptive_fields
from archspec.wording import quoted


@dataclass(frozen=True, slots=True)
class LayerAnalysis:
    """One operation of a network: its shape, parameters and work. Counts are for one picture.

    Attributes:
        name: the name of its node, unique in the network, such as `stage1.block2.conv1`.
        op: the word of the language for it, such as `conv`.
        label: the word with what matters most about it, such as `conv 3x3/2`.
        output_shape: without the batch: (height, width, channels), or (features,).
        trainable_parameters: weights that training changes.
        non_trainable_parameters: statistics, such as a batch normalisation's moving mean and variance.
        macs: multiply-accumulates.
        receptive_field: (height, width) in input pixels of the part of the picture that one output element depends on
            (Araujo et al. 2019, "Computing receptive fields of convolutional neural networks"). A window that slides
            may be larger than the picture; what depends on all positions, as a global pool or a gate made of one does,
            sees the picture once and has its size. After an up-sampling neighbours see parts of different sizes, and
            this is their mean, rounded up.
        stride: (vertical, horizontal) in input pixels between the parts that neighbouring elements see, a fraction
            after an up-sampling; None where there is no picture, or all elements see the same part of it.
    """

    name: str
    op: str
    label: str
    output_shape: Shape
    trainable_parameters: int
    non_trainable_parameters: int
    macs: int
    receptive_field: tuple[int, int]
    stride: tuple[Distance, Distance] | None


@dataclass(frozen=True, repr=False)
class Analysis:
    """A network's layers and totals. Counts are for one picture; FLOPs are 2 x MACs.

    Attributes:
        name: the network's name.
        input: the shape of the input without the batch: (height, width, channels), or (features,).
        output: the shape of the output without the batch.
        layers: one entry for each operation, in order.
        receptive_field: (height, width) in input pixels, of the last feature map that is still a picture.
        activation_elements: the sum of all operations' output elements, which a training step keeps for the gradient.
        peak_elements: the most elements alive at once in inference, each output dropped after its last use.
    """

    name: str
    input: Shape
    output: Shape
    layers: tuple[LayerAnalysis, ...]
    receptive_field: tuple[int, int]
    activation_elements: int
    peak_elements: int

    def __repr__(self) -> str:
        return f"Analysis({quoted(self.name)}: {self.trainable_parameters:,} trainable parameters, {self.macs:,} MACs)"

    @property
    def trainable_parameters(self) -> int:
        """Weights that training changes."""
        return sum(layer.trainable_parameters for layer in self.layers)

    @property
    def non_trainable_parameters(self) -> int:
        """Statistics, such as a batch normalisation's moving mean and variance."""
        return sum(layer.non_trainable_parameters for layer in self.layers)

    @property
    def parameters(self) -> int:
        """All parameters, trainable or not."""
        return self.trainable_parameters + self.non_trainable_parameters

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return sum(layer.macs for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations, two for each multiply-accumulate."""
        return 2 * self.macs

    def training_bytes(self, batch_size: int, bytes_per_element: int = 4) -> int:
        """Memory of a training step's activations in bytes: every output kept, nothing recomputed or done in place."""
        return self.activation_elements * batch_size * bytes_per_element

    def inference_bytes(self, batch_size: int = 1, bytes_per_element: int = 4) -> int:
        """Peak memory of inference's activations in bytes."""
        return self.peak_elements * batch_size * bytes_per_element

    def weights_bytes(self, bytes_per_element: int = 4) -> int:
        """Memory of all parameters in bytes."""
        return self.parameters * bytes_per_element


def analyse_graph(graph: Graph) -> Analysis:
    """The analysis of a network: one entry for each node of its graph but the input."""
    fields = receptive_fields(graph)
    layers = tuple(_layer(graph, node, field) for node, field in zip(graph.nodes[1:], fields[1:], strict=True))
    pictures = [field for node, field in zip(graph.nodes, fields, strict=True) if _is_picture(node)]
    return Analysis(
        name=graph.name,
        input=graph.input.shape,
        output=graph.output.shape,
        layers=layers,
        receptive_field=pictures[-1].size if pictures else fields[-1].size,
        activation_elements=sum(math.prod(node.shape) for node in graph.nodes),
        peak_elements=_peak_elements(graph),
    )


def _is_picture(node: Node) -> bool:
    return len(node.shape) == 3 and node.shape[:2] != (1, 1)


def _layer(graph: Graph, node: Node, field: Field) -> LayerAnalysis:
    inputs = graph.input_shapes(node)
    trainable, non_trainable = node.op.parameters(inputs)
    return LayerAnalysis(
        name=node.name,
        op=node.op.kind,
        label=node.op.label(),
        output_shape=node.shape,
        trainable_parameters=trainable,
        non_trainable_parameters=non_trainable,
        macs=node.op.macs(inputs, node.shape),
        receptive_field=field.size,
        stride=field.stride,
    )


def _peak_elements(graph: Graph) -> int:
    """The most elements alive while one operation runs: its inputs, its output, and every output that is used later."""
    last_use = [max(consumers, default=len(graph.nodes)) for consumers in graph.consumers]
    ends: dict[int, int] = {}
    alive = peak = 0
    for position, node in enumerate(graph.nodes):
        size = math.prod(node.shape)
        alive += size
        peak = max(peak, alive)
        ends[last_use[position]] = ends.get(last_use[position], 0) + size
        alive -= ends.get(position, 0)
    return peak
