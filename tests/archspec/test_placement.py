"""Where the nodes of a network with towers run: towers on their devices, the rest where it moves the least."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

import archspec
from archspec.graph.graph import Graph
from archspec.graph.placement import Share, moved, placement, shares


def graph_of(*layers: object, size: Sequence[int] = (8, 8, 4)) -> Graph:
    return archspec.loads({"name": "net", "model": {"input": [*size], "layers": [*layers]}}).graph


def conv(filters: int, **fields: object) -> dict[str, object]:
    return {"conv": {"filters": filters, "kernel": 1, **fields}}


def towers(*layers: object, **fields: object) -> dict[str, object]:
    return {"towers": {"count": 2, "layers": [*layers], **fields}}


def device_of(graph: Graph, devices: int = 2) -> dict[str, int]:
    return {node.name: place for node, place in zip(graph.nodes, placement(graph, devices), strict=True)}


def test_a_node_knows_the_outermost_tower_around_it() -> None:
    inner = {"towers": {"count": 2, "name": "inner", "layers": [conv(1, name="c")]}}
    graph = graph_of(conv(4, name="a"), towers(inner, name="outer"), "flatten", {"dense": 2})
    assert {node.name: node.tower for node in graph.nodes if node.tower is not None} == {
        f"outer.tower{i + 1}.inner.{name}": i
        for i in range(2)
        for name in ("tower1.slice", "tower1.c", "tower2.slice", "tower2.c", "concat")
    }


def test_towers_that_take_the_whole_input_read_it_themselves() -> None:
    graph = graph_of(towers(conv(3, name="c"), input="whole", name="t"), "flatten", towers({"dense": 5}, input="whole"))
    assert [(node.name, node.shape) for node in graph.nodes] == [
        ("input", (8, 8, 4)),
        ("t.tower1.c", (8, 8, 3)),
        ("t.tower2.c", (8, 8, 3)),
        ("t.concat", (8, 8, 6)),
        ("flatten1", (384,)),
        ("towers1.tower1.dense1", (5,)),
        ("towers1.tower2.dense1", (5,)),
        ("towers1.concat", (10,)),
    ]
    assert [node.inputs for node in graph.nodes] == [(), (0,), (0,), (1, 2), (3,), (4,), (4,), (5, 6)]


def test_slices_run_where_the_whole_is_and_what_joins_towers_on_the_first_device() -> None:
    graph = graph_of(conv(6), towers(conv(4), name="a"), conv(2), towers(conv(1), name="b"), "flatten", {"dense": 2})
    second = {name for name, place in device_of(graph).items() if place}
    assert second == {"a.tower2.conv1", "b.tower2.conv1"}
    # Half of 6 channels there, 4 channels back, half of 2 there, 1 back: 64 positions each.
    assert moved(graph, placement(graph, 2)) == 64 * (3 + 4 + 1 + 1)


def test_a_layer_moves_to_the_tower_that_alone_reads_or_gives_more() -> None:
    """Layers that only read the second tower run on its device; one that makes more than it reads, where it is read."""
    graph = graph_of(
        towers(conv(4, name="c"), name="a"),
        conv(5, name="beside", **{"from": "a.tower2.c"}),
        {"global_avg_pool": {"name": "pooled", "from": "beside"}},
        {"dense": {"units": 8, "name": "after"}},
        {"global_avg_pool": {"name": "others", "from": "a"}},
        {"concat": {"from": ["after", "others"]}},
        {"dense": 2},
    )
    found = device_of(graph)
    assert (found["beside"], found["pooled"]) == (1, 1)
    assert found["after"] == 0 and found["others"] == 0  # 5 features are fewer than the 8 that it makes of them


@pytest.mark.parametrize(
    "layers",
    [
        [conv(6), towers(conv(4)), conv(2), towers(conv(1)), "flatten", {"dense": 2}],
        [towers(conv(3), conv(2), input="whole"), "flatten", towers({"dense": 3}, input="whole"), {"dense": 2}],
        [conv(4, name="a"), towers(conv(7), conv(2)), {"add": {"from": ["a", "towers1"]}}, "flatten", {"dense": 2}],
        [conv(4), towers(conv(2)), "global_avg_pool", {"dense": 2}],
    ],
)
def test_no_placement_moves_less(layers: list[object]) -> None:
    graph = graph_of(*layers)
    found = placement(graph, 2)
    free = [i for i, node in enumerate(graph.nodes) if node.tower is None and node.inputs]
    least = min(
        moved(graph, [dict(zip(free, places, strict=True)).get(i, found[i]) for i in range(len(found))])
        for places in itertools.product(range(2), repeat=len(free))
    )
    assert moved(graph, found) == least


def test_shares_of_two_halves_are_those_of_the_paper() -> None:
    """Krizhevsky et al. 2012, figure 2: 60,965,224 weights, half of all but the last layer's on each GPU."""
    graph = archspec.load("specs/alexnet_two_gpus.yaml").graph
    first, second = shares(graph, placement(graph, 2), 2)
    last = 4096 * 1000 + 1000
    assert second.parameters == (60965224 - last) // 2 == first.parameters - last
    # Twice the outputs of layers with a ReLU; pools and norms; the inputs of each part, which come from device 0.
    half = 2 * (55 * 55 * 48 + 27 * 27 * 128) + 55 * 55 * 48 + 27 * 27 * 48 + 27 * 27 * 128 + 13 * 13 * 128
    half += 2 * 13 * 13 * (192 + 192 + 128) + 6 * 6 * 128 + 3 * 2 * 2048
    assert second.activation_elements == half + 224 * 224 * 3 + 13 * 13 * 256 + 6 * 6 * 256 + 4096


def test_one_device_has_everything() -> None:
    spec = archspec.load("specs/alexnet_two_gpus.yaml")
    analysis = archspec.analyse(spec)
    (whole,) = shares(spec.graph, [0] * len(spec.graph.nodes), 1)
    assert whole == Share(analysis.parameters, analysis.activation_elements)
