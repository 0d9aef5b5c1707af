"""Every primitive is known to everything that handles primitives, and a new one is handled with care.

What a primitive is, it states itself (`archspec.ops.Op`); here its statements are held against Keras, and a primitive
that states nothing but its shape and weights (`Toy`) meets each of those who ask.
"""

import dataclasses
import inspect
from typing import ClassVar

import keras
import numpy as np
import pytest

from archspec import Graph, Node, UserError, analyse, ops
from archspec.ops import PRIMITIVES, Input, Op, Weight, kernels, merging, pointwise, pooling, shaping
from builder import weights
from builder.evaluation.dense import fully_convolutional
from builder.exports.folding import fold
from builder.network.model import build, verify
from builder.network.naming import VARIABLES
from builder.network.stock_layers import LAYERS, PORTABLE
from builder.weights.keras_files import of_model
from builder.weights.layout import Unknown, arriving_orders
from builder.weights.source import state_dict
from builder.weights.units import units_of

PICTURE, VECTOR = (4, 6, 8), (8,)
EXAMPLES = {
    "conv": (ops.Conv(filters=4, kernel=(3, 3), groups=2), PICTURE),
    "depthwise_conv": (ops.DepthwiseConv(kernel=(3, 3), multiplier=2), PICTURE),
    "dense": (ops.Dense(units=3), VECTOR),
    "batch_norm": (ops.BatchNorm(), VECTOR),
    "layer_norm": (ops.LayerNorm(), VECTOR),
    "local_response_norm": (ops.LocalResponseNorm(), PICTURE),
    "activation": (ops.Activation(function="tanh"), VECTOR),
    "softmax": (ops.Softmax(), VECTOR),
    "max_pool": (ops.MaxPool(size=(2, 2)), PICTURE),
    "avg_pool": (ops.AvgPool(size=(2, 2)), PICTURE),
    "global_avg_pool": (ops.GlobalAvgPool(), PICTURE),
    "global_max_pool": (ops.GlobalMaxPool(), PICTURE),
    "flatten": (ops.Flatten(), PICTURE),
    "dropout": (ops.Dropout(rate=0.5), VECTOR),
    "zero_pad": (ops.ZeroPad(padding=((1, 0), (0, 2))), PICTURE),
    "up_sample": (ops.UpSample(), PICTURE),
    "reshape": (ops.Reshape(target=(-1, 2, 3)), PICTURE),
    "permute": (ops.Permute(order=(2, 3, 1)), PICTURE),
    "slice_channels": (ops.SliceChannels(start=1, stop=3), PICTURE),
    "pad_channels": (ops.PadChannels(after=2), PICTURE),
    "add": (ops.Add(), VECTOR),
    "multiply": (ops.Multiply(), VECTOR),
    "concat": (ops.Concat(), VECTOR),
}
ORDERED = {"flatten", "reshape", "permute"}
"""The primitives that take the elements as they are stored, which is the default of `Op.acts_on` too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plain(Op):
    """A primitive that says nothing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toy(Op):
    """A primitive that says nothing but which weights it has."""

    bias: bool = False
    has_kernel: ClassVar[bool] = True

    def weights(self, inputs):
        channels = inputs[0][-1]
        return {"kernel": Weight((channels, channels)), "phase": Weight((channels,), trainable=False)}


def chain(*operations, size=PICTURE):
    """A graph of operations one after another, named by their kind and place."""
    nodes = [Node("input", Input(size=size), (), size)]
    for op in operations:
        count = 2 if op.many_inputs else 1
        previous = len(nodes) - 1
        shape = op.shape([nodes[-1].shape] * count)
        nodes.append(Node(f"{op.kind}{len(nodes)}", op, (previous,) * count, shape))
    return Graph("net", tuple(nodes))


def stated(kind):
    """Whether a primitive says what it acts on."""
    return any("acts_on" in vars(parent) for parent in PRIMITIVES[kind].__mro__ if parent is not Op)


def missing():
    """For each place that has to know the primitives, the ones that it lacks."""
    weighted = {kind for kind, op in PRIMITIVES.items() if op.weights is not Op.weights}
    return {
        "stock_layers.PORTABLE": {kind for kind, op in PRIMITIVES.items() if op not in PORTABLE},
        "stock_layers.LAYERS": {kind for kind in weighted if PRIMITIVES[kind] not in LAYERS},
        "Op.acts_on": {kind for kind in PRIMITIVES if not stated(kind)} - ORDERED,
        "EXAMPLES of this test": PRIMITIVES.keys() - EXAMPLES.keys(),
    }


def test_nothing_is_missing():
    """Each primitive has its layers, the class of its variables, and says what it acts on."""
    assert {place: kinds for place, kinds in missing().items() if kinds} == {}
    assert set(PORTABLE) == set(PRIMITIVES.values()) and EXAMPLES.keys() == PRIMITIVES.keys()


def test_a_new_primitive_is_named_wherever_it_is_missing(monkeypatch):
    monkeypatch.setitem(PRIMITIVES, "toy", Toy)
    assert missing() == {place: {"toy"} for place in missing()}


def test_every_class_of_the_modules_is_a_primitive():
    """A class that is missing in its module's `__all__` would be no primitive, without a word."""
    found = {
        value
        for module in (kernels, pointwise, pooling, shaping, merging)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Op) and value.__module__ == module.__name__ and name[0] != "_"
    }
    assert found == {*PRIMITIVES.values(), Input}


# -- what primitives state, held against Keras -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EXAMPLES)
def test_weights_are_the_variables_of_the_keras_layer(kind):
    op, shape = EXAMPLES[kind]
    graph = chain(op, size=shape)
    model = build(graph, "portable", "float32")
    verify(model, graph)
    layer, expected = model.layers[-1], op.weights([shape])
    found = [(v.name, tuple(v.shape), v.trainable) for v in layer.weights if v.dtype == "float32"]
    assert found == [(VARIABLES[role], weight.shape, weight.trainable) for role, weight in expected.items()]
    if expected:
        assert isinstance(layer, LAYERS[type(op)])


FUNCTIONS = [ops.Activation(function=name) for name in ops.ACTIVATIONS]
SOME = [*(op for op, _ in EXAMPLES.values()), ops.Permute(order=(1, 2, 3)), *FUNCTIONS]


@pytest.mark.parametrize("op", [op for op in SOME if op.acts_on in ("elements", "channels")], ids=str)
def test_what_a_primitive_acts_on(op):
    """A position depends on itself alone, an element too if that is said; and channels may come in any order."""
    model = build(chain(op), "portable", "float32")
    x = np.random.default_rng(0).normal(size=(2, *PICTURE)).astype(np.float32)
    before, changed = np.asarray(model(x)), x.copy()
    order = np.random.default_rng(1).permutation(PICTURE[-1])
    np.testing.assert_allclose(model(x[..., order]), before[..., order], rtol=1e-5, atol=1e-6)
    changed[:, 0, 0, 0] += 1
    same = np.asarray(model(changed)) == before
    assert same[:, 1:].all() and same[:, 0, 1:].all(), "a position depends on another"
    assert op.acts_on == "channels" or same[:, 0, 0, 1:].all(), "an element depends on another"


@pytest.mark.parametrize("kind", ["conv", "depthwise_conv", "dense"])
def test_output_axes_scale_the_channels_of_the_output(kind):
    op, shape = EXAMPLES[kind]
    model = build(chain(op, size=shape), "portable", "float32")
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    before, kernel = np.asarray(model(x)), model.layers[-1].kernel
    factor = np.random.default_rng(1).uniform(1, 2, before.shape[-1]).astype(np.float32)
    axes = op.weights([shape])["kernel"].output_axes
    kernel.assign(kernel * factor.reshape(kernel.shape[-axes:]))
    np.testing.assert_allclose(model(x), before * factor, rtol=1e-4, atol=1e-5)


# -- a primitive that states nothing meets each of those who ask -------------------------------------------------------


def test_a_toy_has_its_parameters_counted():
    analysis = analyse(chain(Toy(), size=VECTOR))
    assert (analysis.trainable_parameters, analysis.non_trainable_parameters) == (64, 8)


def test_a_toy_without_a_layer_is_not_built():
    with pytest.raises(NotImplementedError, match=r"toy1: the primitive toy has no layer in stock_layers\.PORTABLE"):
        build(chain(Toy()))


def test_after_a_toy_the_order_of_a_flattened_picture_is_unknown():
    """So that a dense layer refuses PyTorch's weights; on a vector that both have alike it changes nothing."""
    dense = ops.Dense(units=4)
    assert arriving_orders(chain(ops.Flatten(), Plain(), dense))["dense3"] == Unknown("plain2", "plain")
    assert arriving_orders(chain(Plain(), ops.Flatten(), dense))["dense3"] == Unknown("plain1", "plain")
    assert arriving_orders(chain(Plain(), Toy()))["toy2"] == Unknown("plain1", "plain")
    assert arriving_orders(chain(ops.GlobalAvgPool(), Plain(), dense))["dense3"] is None


def test_a_toy_is_not_matched_with_a_file_of_pytorch():
    """Its kernel names no axes as outputs, so that no size says which tensor of a file it is."""
    graph = chain(Toy(), size=VECTOR)
    (unit,) = units_of(graph).units
    assert (unit.kind, unit.size, list(unit.tensors)) == ("other", (), ["kernel", "phase"])
    matching = weights.match(graph, state_dict("file", {"toy1.weight": np.zeros((8, 8), np.float32)}))
    assert matching.counts == {"missing": 2, "left over": 1}


def test_a_layer_of_keras_that_no_primitive_has_is_not_matched():
    picture = keras.Input(VECTOR)
    model = keras.Model(picture, keras.layers.EinsumDense("ab,bc->ac", output_shape=(8,), name="dense1")(picture))
    assert [unit.kind for unit in of_model("model", model).layers.units] == ["other"]


def test_a_toy_ties_a_network_to_its_size():
    for toy in (Toy(), Plain()):
        with pytest.raises(UserError, match=f"'{toy.kind}2' is a {toy.kind} of a flattened picture"):
            fully_convolutional(chain(ops.Flatten(), toy, ops.Dense(units=2)))
        with pytest.raises(UserError, match=f"'{toy.kind}3' is a {toy.kind} of a flattened picture"):
            fully_convolutional(chain(ops.Flatten(), ops.Dense(units=4), toy, ops.Dense(units=2)))


def test_an_operation_over_positions_ties_a_network_to_its_size():
    """On a vector it may be like any other, but on a picture in the vector's place it would see all positions."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Wide(Op):
        acts_on: ClassVar[ops.ActsOn] = "axes"

        def windows(self, inputs):
            return ops.GlobalAvgPool().windows(inputs)

    with pytest.raises(UserError, match="'wide3' is a wide of a flattened picture"):
        fully_convolutional(chain(ops.Flatten(), ops.Dense(units=4), Wide(), ops.Dense(units=2)))


def test_no_normalisation_is_folded_into_a_toy():
    graph = chain(Toy(), ops.BatchNorm())
    names = {f"{node.name}/{VARIABLES.get(role, role)}": weight.shape for node in graph.nodes[1:]
             for role, weight in node.op.weights(graph.input_shapes(node)).items()}  # fmt: skip
    folded = fold(graph, {name: np.ones(shape, np.float32) for name, shape in names.items()})
    assert folded.folded == () and folded.graph == graph
