"""The geometry of drawings: of every shipped network, and of random ones."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.drawing import draw_graphs
from tests.archspec.drawing.checks import check
from tests.archspec.drawing.graphs import random_graph
from tests.randomised import examples
from tests.strategies import load, specs

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))
WAYS = {
    "automatic": {},
    "depth 1": {"depth": 1},
    "depth 2": {"depth": 2},
    "all": {"opened": ["all"]},
    "by": {"by": "macs"},
}


@pytest.fixture(scope="module")
def graphs():
    return {path.stem: archspec.load(path).graph for path in SPECS}


@pytest.mark.parametrize(
    ("name", "way"),
    [(path.stem, way) for path in SPECS for way in WAYS if (path.stem, way) != ("resnet1202_cifar", "all")],
)
def test_every_network_is_drawn_well(name, way, graphs):
    drawing = draw_graphs([graphs[name]], **WAYS[way])
    check(drawing.layout)
    ElementTree.fromstring(drawing.svg())


def test_several_networks_are_drawn_well(graphs):
    for names in (["vgg_e", "plain34", "resnet34"], ["alexnet", "squeezenet1_0"], ["digits", "resnet152"]):
        drawing = draw_graphs([graphs[name] for name in names])
        check(drawing.layout)
        ElementTree.fromstring(drawing.svg())


@examples(1000)
@given(st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([0, 1, 2, 2, 2, 3]), st.sampled_from([None, 1, "all"]))
def test_random_networks_are_drawn_well(seed, size, depth, opened):
    graph = random_graph(seed, size, depth)
    chosen = {"opened": ["all"]} if opened == "all" else {"depth": opened}
    check(draw_graphs([graph], **chosen).layout)


@examples(30)
@given(specs())
def test_random_specs_are_drawn_well(spec):
    drawing = draw_graphs([load(spec).graph])
    check(drawing.layout)
    ElementTree.fromstring(drawing.svg())
