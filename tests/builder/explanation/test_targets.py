"""Where networks are looked into, by their graphs alone."""

import pytest
from hypothesis import given

import archspec
from archspec import ops
from builder.explanation.targets import Target, first_convolutions, target_of
from tests import strategies
from tests.randomised import examples


def graph(*layers, shape=(12, 12, 3)):
    return archspec.loads({"name": "some", "model": {"input": list(shape), "layers": list(layers)}}).graph


CONV = {"conv": {"filters": 4, "kernel": 3, "activation": "relu"}}
POINTWISE = {"conv": {"filters": 5, "kernel": 1}}

SHIPPED = {
    "resnet50": ("CAM", "stage4.block3.relu", (7, 7), "dense1"),
    "squeezenet1_0": ("CAM", "conv3.relu", (13, 13), None),
    "vgg_d": ("Grad-CAM", "conv13.relu", (14, 14), None),
    "alexnet": ("Grad-CAM", "conv5.relu", (13, 13), None),
    "alexnet_two_tower": ("Grad-CAM", "", (6, 6), None),
    "digits": ("CAM", "stage2.block2.relu", (4, 4), "dense1"),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks(name):
    method, layer, size, classifier = SHIPPED[name]
    found = target_of(archspec.load(name).graph)
    assert (found.method, found.size, found.classifier) == (method, size, classifier)
    assert found.layer == layer or not layer


def test_the_mean_of_a_map_is_exact_however_it_is_written():
    last = Target("conv1.relu", (10, 10), "CAM", "dense1")
    assert target_of(graph(CONV, "global_avg_pool", {"dense": 5})) == last
    assert target_of(graph(CONV, {"avg_pool": 10}, "flatten", {"dropout": 0.5}, {"dense": 5})) == last
    wide = {"global_avg_pool": {"keep_dims": True}}
    assert target_of(graph(CONV, wide, POINTWISE, "flatten")) == Target("conv1.relu", (10, 10), "CAM", "conv2")
    assert target_of(graph(CONV, POINTWISE, "global_avg_pool")) == Target("conv2", (10, 10), "CAM", None)


def test_other_ends_of_networks_are_looked_into_by_their_gradients():
    last = Target("conv1.relu", (10, 10), "Grad-CAM")
    for end in (
        ["global_max_pool"],
        [{"max_pool": 2}, "flatten"],
        ["global_avg_pool", {"dense": {"units": 6, "activation": "relu"}}],
        [{"avg_pool": 5}, "flatten"],
        [{"avg_pool": {"size": 12, "padding": 1}}, "flatten"],
    ):
        assert target_of(graph(CONV, *end, {"dense": 5})) == last, end


def test_a_layer_beside_another_path_is_none_to_look_into():
    """A branch sees a part of what the answer depends on."""
    branches = [[CONV], [{"conv": {"filters": 2, "kernel": 3}}]]
    found = target_of(graph({"parallel": {"branches": branches, "merge": "concat"}}, "flatten", {"dense": 5}))
    assert found.method == "Grad-CAM" and found.size == (10, 10)
    pooled = [[CONV, "global_avg_pool"], [CONV, "global_max_pool"]]
    assert target_of(graph({"parallel": {"branches": pooled, "merge": "concat"}}, {"dense": 5})) is None


def test_without_a_feature_map_there_is_nothing_to_look_into():
    assert target_of(graph("flatten", {"dense": 5})) is None
    assert target_of(graph({"conv": {"filters": 4, "kernel": 12}}, "flatten", {"dense": 5})) is None
    assert target_of(graph({"conv": {"filters": 4, "kernel": 12}}, "global_avg_pool", {"dense": 5})) is None


@examples(200)
@given(strategies.specs())
def test_every_path_passes_through_the_layer(data):
    network = strategies.load(data).graph
    found = target_of(network)
    if found is None:
        return
    (position,) = (number for number, node in enumerate(network.nodes) if node.name == found.layer)
    assert network.nodes[position].shape[:2] == found.size != (1, 1)
    reached = {0}
    for number, node in enumerate(network.nodes[1:], 1):
        if number != position and reached.intersection(node.inputs):
            reached.add(number)
    assert len(network.nodes) - 1 not in reached


def test_the_first_convolutions():
    def names(some):
        return [node.name for node in first_convolutions(some)]

    assert names(graph(CONV, CONV, "flatten", {"dense": 5})) == ["conv1"]
    assert names(graph({"zero_pad": 1}, CONV, "flatten", {"dense": 5})) == ["conv1"]
    assert names(graph("flatten", {"dense": 5})) == []
    assert names(graph(POINTWISE, CONV, "flatten", {"dense": 5})) == []
    assert len(names(archspec.load("alexnet_two_gpus").graph)) == 2
    assert isinstance(first_convolutions(archspec.load("resnet50").graph)[0].op, ops.Conv)
