"""The receptive fields of random networks are the inputs that the gradient of an output element reaches.

Each network is built with positive weights and without anything that could hide a dependency: maxima become means,
products sums, and activations linear. The gradient of a chain of sums of positive numbers is zero only where nothing
depends on an input.
"""

import keras
import numpy as np
import tensorflow as tf
from hypothesis import assume, given
from hypothesis import strategies as st

import archspec
from archspec import Graph, Node, SpecError, ops
from archspec.receptive_fields import receptive_fields
from builder.network.model import build
from tests import strategies
from tests.randomised import examples

LINEAR = ops.Activation(function="linear")
MOVING = ops.Reshape | ops.Permute | ops.Flatten
SLOPPY = MOVING | ops.UpSample | ops.SliceChannels
"""After a reshape channels may be positions; after an up-sampling the window is a mean; and of a concatenation's
channels a slice may keep those that see less."""


def summing(op):
    """An operation in which every element that it depends on has a positive weight."""
    if isinstance(op, ops.MaxPool):
        return ops.AvgPool(size=op.size, stride=op.stride, padding=op.padding)
    if isinstance(op, ops.GlobalMaxPool):
        return ops.GlobalAvgPool(keep_dims=op.keep_dims)
    if isinstance(op, ops.Multiply):
        return ops.Add()
    is_pointwise = isinstance(op, ops.LayerNorm | ops.LocalResponseNorm | ops.Softmax | ops.Activation)
    return LINEAR if is_pointwise and getattr(op, "function", "") != "glu" else op


def reached(graph, index, position):
    """The first and last row and column that an element of a node's output depends on; the channels together where
    `position` has two numbers. None where it depends on none."""
    nodes = [Node(node.name, summing(node.op), node.inputs, node.shape) for node in graph.nodes[: index + 1]]
    model = build(Graph("net", tuple(nodes)), "portable", "float32")
    for layer in model.layers:
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([np.full(w.shape, np.prod(w.shape[:-1], dtype=float) ** -0.5) for w in layer.weights])
    picture = tf.ones((1, *graph.input.shape))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        element = tf.reduce_sum(model(picture)[(0, *position)])
    gradient = tape.gradient(element, picture)
    touched = np.asarray(gradient)[0].any(axis=-1) if gradient is not None else np.zeros((1, 1), bool)
    keras.backend.clear_session()
    spans = [np.flatnonzero(touched.any(axis=1 - axis)) for axis in (0, 1)]
    return [(span[0], span[-1]) for span in spans] if touched.any() else None


@st.composite
def measured(draw):
    """A random network on a larger picture, and one of its nodes."""
    spec = draw(strategies.specs())
    size = st.integers(9, 21)
    spec["model"]["input"][:2] = [draw(size), draw(size)]
    try:
        graph = archspec.loads(spec).graph
    except SpecError:  # a reshape to another size
        assume(False)
    return graph, draw(st.integers(1, len(graph.nodes) - 1))


@examples(40)
@given(measured())
def test_an_element_sees_what_its_gradient_reaches(network):
    graph, index = network
    shape, field = graph.nodes[index].shape, receptive_fields(graph)[index]
    exact = len(shape) == 3 and not any(isinstance(graph.nodes[i].op, SLOPPY) for i in ancestors(graph, index))
    center = [size // 2 for size in (shape[:2] if exact else shape)]
    spans = reached(graph, index, center)
    for axis, limit in enumerate(graph.input.shape[:2] if spans else ()):
        one, (first, last) = field.axes[axis], spans[axis]
        upsampled = any(isinstance(node.op, ops.UpSample) for node in graph.nodes)
        slack = 2 * max(1, one.stride or 0) if upsampled else 0
        assert last - first + 1 <= one.size + slack
        if not exact:
            continue
        if one.seen is not None:
            assert one.seen == (first, last)
            continue
        window = one.first + center[axis] * one.stride, one.last + center[axis] * one.stride
        assert window[0] <= first and last <= window[1]
        if window[0] >= 0 and window[1] < limit:  # else it may see less, as the feature maps on the way end too
            assert window == (first, last)
    assert spans or not exact or not inside(field, center, graph.input.shape)


def ancestors(graph, index):
    """The positions of the nodes that a node depends on, its own among them."""
    found = {index}
    for i in range(index, 0, -1):
        found |= {*graph.nodes[i].inputs} if i in found else set()
    return found


def inside(field, position, picture):
    """Whether the windows of an element lie in the picture."""
    return all(
        one.seen is not None or (one.first + p * one.stride >= 0 and one.last + p * one.stride < size)
        for one, p, size in zip(field.axes, position, picture, strict=False)
    )
