"""The segments of `train.rematerialize`: what they are made of, and that no others would take less memory."""

import itertools
import math

import pytest

import archspec
from archspec.network import as_spec
from archspec.segments import TOLERANCE, rematerialized_elements, segments
from archspec.source.shipped import shipped_names


def graph_of(*layers, side=8):
    return as_spec({"name": "net", "model": {"input": [side, side, 4], "layers": list(layers)}}).graph


CONV = {"conv": {"filters": 4, "kernel": 3}}
WIDE = {"conv": {"filters": 16, "kernel": 3, "norm": "batch", "activation": "relu"}}
GRAPHS = {
    "chain": [CONV] * 12,
    "widths": [CONV, WIDE, CONV, WIDE, CONV, CONV],
    "residual": [WIDE, {"residual": {"layers": [WIDE, {"conv": {"filters": 16, "kernel": 1}}]}}, CONV, CONV],
    "branches": [{"parallel": {"branches": [[CONV, CONV], [WIDE]], "merge": "concat"}}, CONV, CONV, WIDE],
    "single": [CONV],
}


def held(graph, cuts):
    """The most elements that a step holds with these cuts, from its definition: what crosses the cuts so far, once,
    and all of the segment between two of them."""
    sizes = [math.prod(node.shape) for node in graph.nodes]
    last = [max(consumers, default=position) for position, consumers in enumerate(graph.consumers)]
    ends = [0, *cuts, len(sizes) - 1]
    most = sizes[0]
    for start, end in itertools.pairwise(ends):
        kept = {0} | {node for cut in ends if 0 < cut <= start for node in range(cut + 1) if last[node] > cut}
        most = max(most, sum(sizes[node] for node in kept | set(range(start + 1, end + 1))))
    return most


@pytest.mark.parametrize("layers", GRAPHS.values(), ids=GRAPHS)
def test_no_other_cuts_take_less(layers):
    graph = graph_of(*layers)
    found = [segment.nodes[-1] for segment in segments(graph)][:-1]
    assert held(graph, found) == rematerialized_elements(graph)
    positions = [
        position
        for position in range(1, len(graph.nodes) - 1)
        if graph.nodes[position + 1].op.kind not in ("batch_norm", "activation", "add")
    ]
    subsets = itertools.chain.from_iterable(itertools.combinations(positions, n) for n in range(len(positions) + 1))
    assert rematerialized_elements(graph) <= (1 + TOLERANCE) * min(held(graph, cuts) for cuts in subsets)


def test_a_chain_takes_the_root_of_twice_its_length():
    """P equal layers, of which one more is kept after each segment, hold P + (P - 1) + ... + 1 layers in segments."""
    chain = graph_of(*[CONV] * 104)  # and the picture, 105 = 14 * 15 / 2
    assert rematerialized_elements(chain) / math.prod(chain.input.shape) == pytest.approx(15, abs=1)


@pytest.mark.parametrize("name", sorted({*shipped_names()} - {"resnet1202_cifar"}))  # two seconds, as resnet110_cifar
def test_segments_of_shipped_networks(name):
    graph = archspec.load(name).graph
    parts = segments(graph)
    assert [position for part in parts for position in part.nodes] == list(range(1, len(graph.nodes)))
    known = {0}
    for part in parts:
        assert set(part.inputs) <= known and part.nodes.start > max(part.inputs)
        taken = {index for position in part.nodes for index in graph.nodes[position].inputs}
        assert taken - set(part.nodes) == set(part.inputs)
        known |= set(part.outputs)
        assert set(part.outputs) <= set(part.nodes)
        following = graph.nodes[part.nodes.stop] if part is not parts[-1] else None
        assert following is None or following.op.kind not in ("batch_norm", "activation", "add")
    assert parts[-1].outputs == (len(graph.nodes) - 1,)
    elements = archspec.analyse(graph).activation_elements
    assert rematerialized_elements(graph) < 0.5 * elements
    if name in ("resnet50", "resnet101", "resnet152"):
        assert rematerialized_elements(graph) < 0.25 * elements


def test_a_summary_counts_what_is_held():
    spec = as_spec("resnet50")
    kept, again = archspec.summary(spec), archspec.summary(spec.with_values({"train.rematerialize": True}))
    assert again.training_bytes == rematerialized_elements(spec.graph) * again.batch_size * 4 < kept.training_bytes / 4
    assert "rematerialized" in str(again) and "rematerialized" not in str(kept)
    assert again.to_json()["training_activation_bytes"] == again.training_bytes
