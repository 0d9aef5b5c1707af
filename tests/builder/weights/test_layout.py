"""Layouts: what PyTorch stores channel by channel is what is stored here row by row."""

import numpy as np
import pytest

import archspec
from archspec import ops
from archspec.errors import FileError
from builder import weights
from builder.weights.source import state_dict
from builder.weights.units import units_of
from builder.weights.writing import state_dict_like
from tests.builder.weights.networks import conv, network


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
    """As timm has VGG's first one."""
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
    with pytest.raises(FileError, match="fc: takes features that were reshaped or permuted"):
        weights.match(spec, source)


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
    counted = sum(np.prod(part.shape) for unit in units_of(spec.graph).units for part in unit.parts.values())
    assert counted == archspec.analyse(spec).parameters


def test_every_primitive_with_weights_has_its_unit():
    """A new one with weights must come into `units.py`."""
    layers = [conv(4), {"depthwise_conv": {"kernel": 3}}, "batch_norm", "layer_norm", "flatten", {"dense": 3}]
    graph = network(*layers).graph
    assert len(units_of(graph).units) == 5
    weighted = {op for op in ops.PRIMITIVES.values() if op.parameters is not ops.Op.parameters}
    assert weighted == {type(node.op) for node in graph.nodes[1:]} - {ops.Flatten}
