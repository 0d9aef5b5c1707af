"""The cost of candidates, read the quick way, against reading each as its own spec; and which candidates are equal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import archspec
from archspec.candidates.networks import Networks, identity
from archspec.search import Candidate
from tests import strategies
from tests.archspec.searches import BLOCK, SPEC, spaces, spec_with
from tests.randomised import examples

ENDS_IN_SOFTMAX = {
    "name": "random",
    "params": {"width": 1},
    "model": {"input": [3, 3, 1], "layers": [{"conv": {"filters": "${width}", "kernel": 1}}, "softmax"]},
}
"""Invalid with a `train` section, as training needs logits."""


def costs(spec: archspec.Spec) -> tuple[int, int, int]:
    """Parameters, MACs and a training step's activations, from the spec itself."""
    analysis = archspec.analyse(spec)
    assert spec.train is not None
    element = 4 if spec.train.precision == "float32" else 2
    memory = analysis.training_bytes(spec.train.batch_size, element)
    return analysis.trainable_parameters, analysis.macs, memory


def result_or_message(work: Callable[[], Any]) -> Any:
    """The result of `work`, or the message of its SpecError."""
    try:
        return work()
    except archspec.SpecError as error:
        return str(error)


def assert_same_cost(spec: archspec.Spec, networks: Networks, candidate: Candidate) -> bool:
    """Compares the quick way with the ordinary one, mistakes included, and returns whether the candidate is valid."""
    measures = result_or_message(lambda: networks.measures(candidate))
    if not isinstance(measures, str):
        measures = (measures.trainable_parameters, measures.macs, measures.training_activation_bytes)
    assert measures == result_or_message(lambda: costs(spec.with_values(candidate.values)))
    return not isinstance(measures, str)


def drawn(spec: archspec.Spec, count: int, seed: int = 0) -> list[Candidate]:
    assert spec.search is not None
    rng = random.Random(seed)
    return [spec.search.space.sample(rng) for _ in range(count)]


@examples(40)
@given(spaces(), st.integers(0, 2**31))
def test_costs_equal_those_of_the_candidates_own_spec(space: dict[str, Any], seed: int) -> None:
    spec = spec_with({"space": space})
    networks = Networks(spec)
    for candidate in drawn(spec, 6, seed):
        assert_same_cost(spec, networks, candidate)


@examples(60)
@given(strategies.specs().map(strategies.trained), st.integers(1, 6), st.integers(1, 6))
@example(strategies.trained(ENDS_IN_SOFTMAX), 1, 2)
def test_any_network_costs_the_same_either_way(data: dict[str, Any], one: int, other: int) -> None:
    search = {"space": {"width": {"int": [1, 6]}}}
    spec = strategies.load({**data, "search": search})
    networks = Networks(spec)
    for width in (one, other, one):
        assert_same_cost(spec, networks, Candidate({"width": width}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model.defaults", {"conv": {"bias": True}, "batch_norm": {"scale": False}}),
        ("model.input", [16, 12, 3]),
        ("model", {"input": [4], "layers": [{"dense": "${width}"}]}),
        ("model", 2.5),
        ("blocks", "own"),
        ("model.layers[0].conv.filters", "${width + 1}"),
        ("double", "${3 * width}"),
        (BLOCK, {"basic": {"shortcut": "pad", "activation": None}}),
        (BLOCK, [{"basic": {}}]),
        (BLOCK, "own"),
        ("model.layers[2]", {"conv": {"filters": 8, "kernel": 1, "from": ["stage1", "input"]}}),
        ("model.layers[2]", {"conv": {"filters": 8, "kernel": 1, "name": "stage1"}}),
        ("model.layers[2]", {"repeat": {"times": 3, "layers": [{"conv": {"filters": 8, "kernel": [1, 3]}}]}}),
        ("model.layers[2]", {"conv": {"filters": True, "kernel": 1}}),
        ("model.layers[2]", {"conv": {"filters": 8, "kernel": 9, "padding": "valid"}}),
        ("model.layers[2]", {"inverted_residual": {"inputs": 8, "filters": 8}}),
        ("train.precision", "mixed_bfloat16"),
        ("train.batch_size", "${width * 8}"),
        ("train.batch_size", 0),
        ("train.optimizer.adamm.beta_1", 0.5),
    ],
)
def test_anything_may_change(name: str, value: Any) -> None:
    own = {
        "own": {"params": {"filters": None, "stride": 1}, "layers": [{"conv": {"filters": "${filters}", "kernel": 3}}]}
    }
    space = {name: {"choice": [value]}, "width": {"int": [2, 5]}, "n": {"int": [1, 3]}}
    spec = spec_with({"space": space}, blocks=own)
    networks = Networks(spec)
    for values in ({}, {"width": 3, "n": 2}, {"width": 5, "n": 3}, {"width": 3, "n": 2}):
        assert_same_cost(spec, networks, Candidate({name: value, **values}))


def test_defaults_that_depend_on_a_parameter_are_read_again() -> None:
    model = {**SPEC["model"], "defaults": {"conv": {"dilation": "${n}"}}}
    spec = spec_with({"space": {"n": {"int": [1, 3]}}}, model=model)
    spec = spec_with({"space": {"width": {"int": [2, 4]}, "n": {"int": [1, 2]}}}, model=model)
    networks = Networks(spec)
    for n in (1, 2, 1):
        assert_same_cost(spec, networks, Candidate({"n": n, "width": 3}))


WIDE = """
name: wide
params: {width: 3}
blocks:
  wide: {params: {units: null}, layers: [{conv: {filters: "${units * width}", kernel: 1}}]}
  plain:
    params: {filters: null, stride: 1}
    layers: [{conv: {filters: "${filters + width}", kernel: 1, stride: "${stride}"}}]
model: {input: [4, 4, 1], layers: [wide: {units: 3}, plain: {filters: 2}]}
train: {data: digits}
search: {space: {width: {int: [1, 4]}}}
"""


def test_blocks_of_the_spec_see_its_parameters(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text(WIDE)
    spec = archspec.load(path)
    networks = Networks(spec)
    assert all(assert_same_cost(spec, networks, Candidate({"width": width})) for width in (1, 2, 4))
    assert len({networks.measures(Candidate({"width": width})).trainable_parameters for width in (1, 2, 4)}) == 3


def test_the_inference_peak_is_computed_if_it_is_limited() -> None:
    search: dict[str, Any] = {"space": {"width": {"int": [2, 9]}}}
    spec = spec_with(search)
    assert Networks(spec).measures(Candidate({"width": 3})).inference_activation_bytes is None
    spec = spec_with({**search, "budget": {"inference_activation_bytes": 1}})
    networks = Networks(spec)
    for width in (3, 7):
        expected = archspec.analyse(spec.with_values({"width": width})).inference_bytes()
        assert networks.measures(Candidate({"width": width})).inference_activation_bytes == expected


def test_digits_by_hand() -> None:
    """Weights and MACs of 4n + 2 layers with projections, from figure 3 and 5 of He et al. 2015."""
    spec = archspec.load(Path(__file__).parents[2] / "specs" / "digits.yaml")
    networks = Networks(spec)
    for n in range(1, 6):
        for w in range(4, 33):
            conv = 9 * w + n * 2 * 9 * w * w + (9 * w * 2 * w + 9 * (2 * w) ** 2) + w * 2 * w
            conv += (n - 1) * 2 * 9 * (2 * w) ** 2
            norms = 2 * w * (1 + 2 * n) + 2 * (2 * w) * (2 * n + 1)
            macs = 64 * (9 * w + n * 2 * 9 * w * w)
            macs += 16 * (9 * w * 2 * w + 9 * (2 * w) ** 2 + w * 2 * w + (n - 1) * 2 * 9 * (2 * w) ** 2) + 2 * w * 10
            measures = networks.measures(Candidate({"n": n, "width": w}))
            assert (measures.trainable_parameters, measures.macs) == (conv + norms + 2 * w * 10 + 10, macs)


def test_candidates_cost_less_time_than_reading_each() -> None:
    """All networks differ, and share nothing but layers."""
    space = {"n": {"int": [1, 8]}, "width": {"int": [8, 64]}, "double": {"int": [8, 128]}}
    spec = spec_with({"space": space})
    networks, candidates = Networks(spec), drawn(spec, 400)
    assert len(set(candidates)) > 390
    start = time.process_time()
    for candidate in candidates:
        networks.measures(candidate)
    quick = (time.process_time() - start) / 400
    start = time.process_time()
    for candidate in candidates[:40]:
        costs(spec.with_values(candidate.values))
    assert quick < (time.process_time() - start) / 40 / 2


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archspec.candidates.counting.MOST_LAYERS", 5)
    monkeypatch.setattr("archspec.candidates.networks.MOST_RESULTS", 3)
    spec = spec_with({"space": {"width": {"int": [2, 40]}, "n": {"int": [1, 3]}}})
    networks = Networks(spec)
    assert all(assert_same_cost(spec, networks, candidate) for candidate in drawn(spec, 40))
    assert len(networks._cache.layers) <= 5
    assert len(networks._results) <= 3


# -- writing ----------------------------------------------------------------------------------------------------------


@examples(40)
@given(spaces(), st.integers(0, 2**31))
def test_a_candidate_written_and_read_is_the_same_network_and_recipe(space: dict[str, Any], seed: int) -> None:
    spec = spec_with({"space": space})
    networks = Networks(spec)
    for candidate in drawn(spec, 2, seed):
        try:
            written = networks.spec(candidate)
        except archspec.SpecError:
            continue
        again = archspec.loads(written.to_yaml())
        assert again.search is None
        assert (again.graph, again.train) == (written.graph, written.train)
        assert identity(again) == identity(written)


# -- sameness ---------------------------------------------------------------------------------------------------------


def written(layers: str, train: str = "{data: digits}", head: str = "", size: str = "[8, 8, 1]") -> archspec.Spec:
    text = f"name: net\n{head}\nmodel: {{input: {size}, layers: [{layers}]}}\n"
    text += f"train: {train}\n" if train != "null" else ""
    return strategies.load({}, ".yaml", text)


CONV = "conv: {filters: 8, kernel: 3}"
SAME = {
    "a parameter": (written(CONV), written('conv: {filters: "${w}", kernel: 3}', head="params: {w: 8}")),
    "a name": (written(CONV), written("conv: {filters: 8, kernel: [3, 3], name: stem}")),
    "a default": (written(CONV), written("conv: {filters: 8, kernel: 3, bias: true, stride: 1}")),
    "a block of one's own": (
        written(CONV),
        written("mine", head="blocks: {mine: {layers: [conv: {filters: 8, kernel: 3}]}}"),
    ),
    "repeat": (written(f"{CONV}, {CONV}"), written(f"repeat: {{times: 2, layers: [{CONV}]}}")),
    "norm and activation": (
        written("conv: {filters: 8, kernel: 3, norm: batch, activation: relu}"),
        written("conv: {filters: 8, kernel: 3, bias: false}, batch_norm, activation: relu"),
    ),
    "order of branches that are written apart": (
        written(f"{CONV[:-1]}, name: a}}, {CONV[:-1]}, name: b, from: input}}, add: {{from: [a, b]}}"),
        written(f"{CONV[:-1]}, name: b}}, {CONV[:-1]}, name: a, from: input}}, add: {{from: [a, b]}}"),
    ),
    "an optimizer's defaults": (
        written(CONV, "{data: digits, optimizer: adam}"),
        written(CONV, "{data: {digits: {}}, optimizer: {adam: {beta_1: 0.9}}, epochs: 10}"),
    ),
    "a constant rate": (
        written(CONV, "{data: digits, learning_rate: 0.2}"),
        written(CONV, "{data: digits, learning_rate: {constant: 0.2}}"),
    ),
    "a penalty": (
        written(CONV, "{data: digits, weight_decay: 1e-4}"),
        written(CONV, "{data: digits, weight_decay: {factor: 0.0001}}"),
    ),
}
OTHERS = {
    "filters": written("conv: {filters: 9, kernel: 3}"),
    "an initializer": written("conv: {filters: 8, kernel: 3, initializer: he_normal}"),
    "one more layer": written(f"{CONV}, activation: relu"),
    "epochs": written(CONV, "{data: digits, epochs: 11}"),
    "a seed": written(CONV, "{data: digits, seed: 1}"),
    "the picture": written(CONV, size="[8, 9, 1]"),
    "no recipe": written(CONV, "null"),
}


@pytest.mark.parametrize("way", SAME)
def test_the_same_network_by_two_routes(way: str) -> None:
    one, other = SAME[way]
    assert identity(one) == identity(other)


def test_different_networks_and_recipes_are_distinguished() -> None:
    keys = [identity(spec) for spec in [written(CONV), *OTHERS.values()]]
    assert len(set(keys)) == len(keys)


def test_one_convolution_used_twice_is_not_two_convolutions() -> None:
    conv = "conv: {filters: 1, kernel: 3"
    shared = written(f"{conv}, name: a}}, activation: {{function: relu, name: b}}, add: {{from: [b, b]}}")
    apart = written(
        f"{conv}, name: a}}, activation: {{function: relu, name: b}}, {conv}, name: c, from: input}}, "
        "activation: {function: relu, name: d}, add: {from: [b, d]}"
    )
    assert identity(shared) != identity(apart)


def test_a_candidate_has_the_layers_that_the_recipe_freezes() -> None:
    path = Path(__file__).parents[2] / "specs" / "digits.yaml"
    changes = {"n": 3, "train.trainable": {"stage1.block2": False}, "search.space": {"n": {"int": [1, 3]}}}
    spec = archspec.load(path, changes)
    networks = Networks(spec)
    assert [assert_same_cost(spec, networks, Candidate({"n": n})) for n in (1, 2, 3)] == [False, True, True]
