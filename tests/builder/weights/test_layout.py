"""Layouts: PyTorch stores flattened features channel by channel, this project row by row."""

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import archspec
import builder
from archspec import SpecError, ops
from archspec.errors import FileError
from builder import weights
from builder.weights.source import state_dict
from builder.weights.units import units_of
from builder.weights.writing import state_dict_like
from tests.builder.weights.channels_first import channels_first, torch_tensors
from tests.builder.weights.networks import conv, network
from tests.randomised import examples


def values_of(matching):
    return {(layer, role): values for layer, role, values in matching.tensors()}


def test_a_dense_layer_takes_flattened_features_in_their_other_order():
    spec = network("flatten", {"dense": {"units": 2, "name": "fc", "bias": False}}, size=(2, 3, 4))
    kernel = np.random.default_rng(0).normal(size=(2, 24)).astype("float32")
    matching = weights.match(spec, state_dict("file", {"fc.weight": kernel}))
    picture = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    found = picture.ravel() @ values_of(matching)["fc", "kernel"]
    np.testing.assert_allclose(found, kernel @ picture.transpose(2, 0, 1).ravel(), rtol=1e-5)


def test_a_dense_layer_is_a_convolution_over_the_whole_picture():
    """This is how timm stores VGG's first dense layer."""
    spec = network("flatten", {"dropout": 0.5}, {"dense": {"units": 2, "name": "fc"}}, size=(2, 3, 4))
    generator = np.random.default_rng(0)
    tensors = {"fc.weight": generator.normal(size=(2, 4, 2, 3)).astype("f"), "fc.bias": np.ones(2, "f")}
    source = state_dict("file", tensors)
    matching = weights.match(spec, source)
    weights.require(matching)
    picture = generator.normal(size=(2, 3, 4)).astype("float32")
    found = picture.ravel() @ values_of(matching)["fc", "kernel"]
    np.testing.assert_allclose(found, np.einsum("oihw,hwi->o", tensors["fc.weight"], picture), rtol=1e-4)
    for name, tensor in state_dict_like(matching, source).items():
        np.testing.assert_array_equal(tensor, tensors[name])


def test_flattened_branches_side_by_side():
    spec = network(
        {"flatten": {"name": "a"}},
        {"max_pool": {"size": 2, "from": "input", "name": "pool"}},
        {"flatten": {"name": "b"}},
        {"concat": {"from": ["a", "b"]}},
        {"dense": {"units": 2, "name": "fc", "bias": False}},
        size=(2, 4, 3),
    )
    kernel = np.random.default_rng(0).normal(size=(2, 30)).astype("float32")
    found = values_of(weights.match(spec, state_dict("file", {"fc.weight": kernel})))["fc", "kernel"]
    first, second = kernel[:, :24].reshape(2, 3, 2, 4), kernel[:, 24:].reshape(2, 3, 1, 2)
    expected = [part.transpose(2, 3, 1, 0).reshape(-1, 2) for part in (first, second)]
    np.testing.assert_array_equal(found, np.concatenate(expected))


def test_features_whose_order_is_not_known_are_refused():
    spec = network({"permute": [2, 1, 3]}, "flatten", {"dense": {"units": 2, "name": "fc"}}, size=(2, 3, 4))
    source = state_dict("file", {"fc.weight": np.zeros((2, 24)), "fc.bias": np.zeros(2)})
    with pytest.raises(FileError) as error:
        weights.match(spec, source)
    assert str(error.value) == (
        "fc: takes features in an order that is not known for PyTorch, which stores pictures channels first: "
        "'permute1' (permute) depends on the order of the elements; take the weights from a file of Keras's instead"
    )


def test_a_dense_layer_is_a_1x1_convolution():
    spec = network(conv(5, 1, bias=False), "global_avg_pool", {"dense": {"units": 2, "bias": False}})
    dense, kernel = np.arange(15.0).reshape(5, 3), np.arange(10.0).reshape(2, 5, 1, 1)
    matching = weights.match(spec, state_dict("file", {"a.weight": dense, "b.weight": kernel}))
    found = values_of(matching)
    np.testing.assert_array_equal(found["conv1", "kernel"], dense.T[np.newaxis, np.newaxis])
    np.testing.assert_array_equal(found["dense1", "kernel"], kernel[:, :, 0, 0].T)


@pytest.mark.parametrize("name", ["resnet50", "alexnet_two_tower", "squeezenet1_0", "digits"])
def test_units_have_all_parameters_of_the_analysis(name):
    spec = archspec.load(f"specs/{name}.yaml")
    counted = sum(np.prod(part.shape) for unit in units_of(spec.graph).units for part in unit.tensors.values())
    assert counted == archspec.analyse(spec).parameters


def test_every_primitive_with_weights_has_its_unit():
    """A new primitive with weights must be added to `units.py`."""
    layers = [conv(4), {"depthwise_conv": {"kernel": 3}}, "batch_norm", "layer_norm", "flatten", {"dense": 3}]
    graph = network(*layers).graph
    assert len(units_of(graph).units) == 5
    weighted = {op for op in ops.PRIMITIVES.values() if op.weights is not ops.Op.weights}
    assert weighted == {type(node.op) for node in graph.nodes[1:]} - {ops.Flatten}


# -- what lies between a flatten and a dense layer ---------------------------------------------------------------------

SIZE = (2, 4, 4)


def imported_and_expected(*layers):
    """The logits of a network with imported weights, and those of the same network computed channels first."""
    graph = network(*layers, size=SIZE).graph
    tensors = torch_tensors(graph)
    matching = weights.match(graph, state_dict("file", tensors))
    weights.require(matching)
    model = builder.build(graph, "portable", "float32")
    weights.apply(matching, model)
    picture = np.random.default_rng(1).normal(size=SIZE).astype(np.float32)
    return np.asarray(model(picture[np.newaxis]))[0], channels_first(graph, tensors, picture)


DENSE = {"dense": 3}
RIGHT = {
    "identity": [{"permute": [1]}],
    "twice": ["flatten", {"reshape": [-1]}],
    "functions": [{"activation": "tanh"}, {"activation": "softmax"}, {"activation": "log_softmax"}, "softmax"],
    "norms": ["batch_norm", "layer_norm", {"dropout": 0.5}],
    "merged": [
        {"activation": {"function": "tanh", "name": "a"}},
        {"multiply": {"from": ["a", "flat"], "name": "b"}},
        {"concat": {"from": ["flat", "b"]}},
    ],
    "glu of a dense layer": [{"dense": 6}, {"activation": "glu"}],
}


@pytest.mark.parametrize("between", RIGHT.values(), ids=RIGHT)
def test_a_dense_layer_after_other_layers_computes_what_it_does_channels_first(between):
    found, expected = imported_and_expected({"flatten": {"name": "flat"}}, *between, DENSE)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


PICTURES = {
    "the same shape": [{"reshape": [2, 4, 4]}],
    "the same axes": [{"permute": [1, 2, 3]}],
    "a position": [{"global_avg_pool": {"keep_dims": True}}, {"reshape": [4]}, {"reshape": [1, 1, 4]}],
    "convolved after positions moved": [{"permute": [2, 1, 3]}, conv(4, 1), "batch_norm"],
    "functions": [{"activation": "glu"}, "softmax", {"max_pool": 2}],
    "channels": [{"slice_channels": {"start": 1, "stop": 4}}, {"pad_channels": {"before": 1, "after": 2}}],
}


@pytest.mark.parametrize("before", PICTURES.values(), ids=PICTURES)
def test_a_flattened_picture_after_other_layers(before):
    found, expected = imported_and_expected(*before, "flatten", DENSE)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


REFUSED = {
    "halves": (["flatten", {"activation": "glu"}], "dense1", "'activation1' (activation)"),
    "channels become rows": ([{"permute": [3, 1, 2]}, {"activation": "relu"}, "flatten"], "dense1", "'permute1'"),
    "other channels": ([{"reshape": [2, 2, 8]}, {"activation": "relu"}, "flatten"], "dense1", "'reshape1' (reshape)"),
    "convolved": ([{"reshape": [2, 2, 8]}, {"max_pool": 2}, conv(2), "flatten"], "conv1", "'reshape1' (reshape)"),
    "normalised": ([{"permute": [3, 2, 1]}, "softmax", "batch_norm", "flatten"], "batch_norm1", "'permute1'"),
    "two orders": (
        [{"global_avg_pool": {"name": "a"}}, {"dense": {"units": 32, "name": "b"}},
         {"flatten": {"from": "input", "name": "c"}}, {"add": {"from": ["b", "c"]}}],
        "dense1", "'add1' (add)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "refused", "since"), REFUSED.values(), ids=REFUSED)
def test_an_order_that_nothing_determines_is_refused(layers, refused, since):
    with pytest.raises(FileError, match="takes features in an order that is not known for PyTorch") as error:
        imported_and_expected(*layers, DENSE)
    assert str(error.value).startswith(f"{refused}: ") and since in str(error.value)


functions = st.sampled_from(["relu", "tanh", "softmax", "log_softmax", "glu", "sigmoid"])
of_pictures = st.one_of(
    functions.map(lambda name: {"activation": name}),
    st.permutations([1, 2, 3]).map(lambda order: {"permute": order}),
    st.sampled_from([[2, 4, 4], [4, 2, 4], [2, 2, 8], [8, 4], [32], [1, 1, 32]]).map(lambda size: {"reshape": size}),
    st.sampled_from(["batch_norm", "layer_norm", "softmax", {"max_pool": 2}, {"global_avg_pool": {"keep_dims": True}}]),
    st.sampled_from([conv(4, 1), conv(8, 1), {"slice_channels": {"start": 1, "stop": 3}}, {"add": {"from": "input"}}]),
)
of_vectors = st.one_of(
    functions.map(lambda name: {"activation": name}),
    st.sampled_from(["batch_norm", "layer_norm", "softmax", "flatten", {"dropout": 0.5}, {"permute": [1]}]),
    st.sampled_from([{"reshape": [-1]}, {"reshape": [2, 4, 4]}, {"reshape": [1, 1, -1]}, {"dense": 8}]),
    st.sampled_from(["add", "multiply", "concat"]),
)


def chain(layers):
    """The layers one after another; a merge also takes what was flattened."""
    named = []
    for number, layer in enumerate(layers):
        kind, fields = next(iter(layer.items())) if isinstance(layer, dict) else (layer, {})
        name = "flat" if layer == "first flatten" else f"layer{number}"
        kind = "flatten" if layer == "first flatten" else kind
        if kind in ("add", "multiply", "concat"):
            before = named[-1][next(iter(named[-1]))]["name"]
            fields = {"from": ["input" if fields else "flat", before]}
        main = {
            "activation": "function",
            "permute": "order",
            "reshape": "target",
            "max_pool": "size",
            "dropout": "rate",
            "dense": "units",
        }
        fields = fields if isinstance(fields, dict) else {main[kind]: fields}
        named.append({kind: {**fields, "name": name}})
    return named


@examples(60)
@given(st.lists(of_pictures, max_size=3), st.lists(of_vectors, max_size=4))
@example([{"reshape": [4, 2, 4]}, {"activation": "relu"}], ["concat", {"activation": "glu"}])
@example([], [{"activation": "glu"}, {"permute": [1]}])
def test_import_is_right_or_refused(pictures, vectors):
    """Whatever lies before and after a flatten: never a network that computes something else."""
    layers = chain([*([{"activation": "linear"}] if pictures else []), *pictures, "first flatten", *vectors])
    layers = [*layers, "flatten", {"dense": {"units": 3, "name": "head"}}]
    try:
        network(*layers, size=SIZE)
    except SpecError:
        return  # the layers do not fit together
    try:
        found, expected = imported_and_expected(*layers)
    except FileError as refusal:
        if "takes features in an order that is not known for PyTorch" not in str(refusal):
            raise
        return
    finally:
        keras.backend.clear_session()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
