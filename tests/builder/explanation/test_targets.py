"""Where networks are looked into, by their graphs alone."""

import pytest
from hypothesis import given

import archspec
from builder.explanation.targets import Target, first_convolutions, target_of
from tests import strategies
from tests.randomised import examples


def graph(*layers, shape=(12, 12, 3)):
    return archspec.loads({"name": "some", "model": {"input": list(shape), "layers": list(layers)}}).graph


CONV = {"conv": {"filters": 4, "kernel": 3, "padding": "valid", "activation": "relu"}}
WHOLE = {"conv": {"filters": 4, "kernel": 12, "padding": "valid"}}
POINTWISE = {"conv": {"filters": 5, "kernel": 1}}

SHIPPED = {
    "resnet50": Target("stage4.block3.activation", (7, 7), "CAM", "fc"),
    "squeezenet1_0": Target("conv10.activation", (13, 13), "CAM"),
    "vgg_d": Target("conv5_3.activation", (14, 14), "Grad-CAM"),
    "alexnet_two_tower": Target("conv5.activation", (13, 13), "Grad-CAM"),
    "alexnet_two_gpus": Target("layers3_5.concat", (6, 6), "Grad-CAM"),
    "digits": Target("stage2.block2.activation", (4, 4), "CAM", "dense1"),
}
"""Zhou et al. 2016 look into the last map ahead of global average pooling, Selvaraju et al. 2017 into the last layer of
convolutions: 7x7 for ResNet-50, 14x14 for VGG-16, 13x13 for AlexNet."""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks(name):
    assert target_of(archspec.load(name).graph) == SHIPPED[name]


def test_the_mean_of_a_map_is_exact_however_it_is_written():
    last = Target("conv1.activation", (10, 10), "CAM", "dense1")
    assert target_of(graph(CONV, "global_avg_pool", {"dense": 5})) == last
    assert target_of(graph(CONV, {"avg_pool": 10}, "flatten", {"dropout": 0.5}, {"dense": 5})) == last
    wide = {"global_avg_pool": {"keep_dims": True}}
    assert target_of(graph(CONV, wide, POINTWISE, "flatten")) == Target("conv1.activation", (10, 10), "CAM", "conv2")
    assert target_of(graph(CONV, POINTWISE, "global_avg_pool")) == Target("conv2", (10, 10), "CAM", None)


def test_other_ends_of_networks_are_looked_into_by_their_gradients():
    last = Target("conv1.activation", (10, 10), "Grad-CAM")
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
    branches = [[CONV], [{"conv": {"filters": 2, "kernel": 3, "padding": "valid"}}]]
    found = target_of(graph({"parallel": {"branches": branches, "merge": "concat"}}, "flatten", {"dense": 5}))
    assert found.method == "Grad-CAM" and found.size == (10, 10)
    pooled = [[CONV, "global_avg_pool"], [CONV, "global_max_pool"]]
    assert target_of(graph({"parallel": {"branches": pooled, "merge": "concat"}}, {"dense": 5})) is None


def test_without_a_feature_map_there_is_nothing_to_look_into():
    assert target_of(graph("flatten", {"dense": 5})) is None
    assert target_of(graph(WHOLE, "flatten", {"dense": 5})) is None
    assert target_of(graph(WHOLE, "global_avg_pool", {"dense": 5})) is None


@examples(60)
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
    towers = names(archspec.load("alexnet_two_gpus").graph)
    assert towers == ["layers1_2.tower1.conv1", "layers1_2.tower2.conv1"]
