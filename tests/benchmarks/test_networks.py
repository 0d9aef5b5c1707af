"""The networks that are measured and not shipped: their counts are those of torchvision 0.29."""

import pytest

import archspec
from benchmarks.steps import CASES, NETWORKS, Case

COUNTS = {"convnext_tiny": (28_589_128, 4.456), "densenet121": (7_978_856, 2.834), "mobilenet_v2": (3_504_872, 0.301)}


@pytest.mark.parametrize("name", sorted(path.stem for path in NETWORKS.glob("*.yaml")))
def test_counts(name):
    parameters, billions = COUNTS[name]
    analysis = archspec.analyse(Case(name, 1).path())
    assert analysis.trainable_parameters == parameters
    assert analysis.macs / 1e9 == pytest.approx(billions, abs=0.002)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.network)
def test_every_network_is_there(case):
    assert archspec.load(case.path()).name == case.network
