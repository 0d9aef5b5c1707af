"""What `expect` means: which numbers hold, when they are checked, and what becomes of them when a spec is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec import SpecError
from archspec.candidates.networks import Networks
from archspec.report import summarise
from archspec.spec.expectations import EXPECT, FIGURES

# A dense layer of 65 x 10 on 8x8 pictures: 650 parameters, 640 MACs.
DENSE: dict[str, Any] = {"input": [8, 8, 1], "layers": ["flatten", {"dense": "${units}"}]}


def spec(expect: Any, units: int = 10, **sections: Any) -> dict[str, Any]:
    return {"name": "net", "params": {"units": units}, "model": DENSE, "expect": expect, **sections}


def holds(expect: dict[str, Any]) -> bool:
    try:
        archspec.loads(spec(expect))
    except SpecError:
        return False
    return True


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "is_met"),
    [
        (650, True), (651, False), (0, False),  # whole numbers are exact
        (6.5e2, True), (6.6e2, False), (7e2, True), (8e2, False), (6.50001e2, False),  # as many digits as there are
        ({"at_most": 650}, True), ({"at_most": 649.9}, False), ({"at_least": 650}, True), ({"at_least": 651}, False),
        ({"at_least": 600, "at_most": 700}, True), ({"at_least": 1e3, "at_most": 1e4}, False),
        ("${65 * units}", True), ("${64 * units}", False),
    ],
)  # fmt: skip
def test_which_numbers_hold(expected: Any, is_met: bool):
    assert holds({"parameters": expected}) is is_met


@pytest.mark.parametrize(
    ("text", "is_met"),
    [("6.5e2", True), ("6.50e2", True), ("6.500E+2", True), ("650.0", True), ("7e2", True), ("7.0e2", False)],
)
def test_zeros_that_are_written_count_as_digits(text: str, is_met: bool):
    source = f"name: net\nmodel: {{input: [8, 8, 1], layers: [flatten, dense: 10]}}\nexpect: {{parameters: {text}}}\n"
    if not is_met:
        with pytest.raises(SpecError, match=f"expected {text}, and net has 650"):
            archspec.loads(source)
        return
    loaded = archspec.loads(source)
    assert text in loaded.to_yaml()
    assert archspec.loads(loaded.to_yaml()) == loaded


def test_figures_are_those_of_the_analysis():
    summary = archspec.summary("resnet50")
    analysis = summary.analysis
    expect = {
        "parameters": analysis.parameters,
        "trainable_parameters": 25557032,  # torchvision
        "non_trainable_parameters": analysis.non_trainable_parameters,
        "macs": 4089184256,  # torchvision, pycls
        "flops": 2 * 4089184256,
        "receptive_field": 427,
        "weights_bytes": analysis.weights_bytes(),
        "inference_activation_bytes": summary.inference_bytes,
        "training_activation_bytes": summary.training_bytes,
    }
    loaded = archspec.load("resnet50", {"expect": expect})
    assert loaded.expect is not None
    assert [name for name, _ in loaded.expect.given()] == list(expect)


def test_the_tables_are_complete():
    assert set(FIGURES) == set(EXPECT.fields)


def test_receptive_fields_that_are_not_square():
    layers = [{"conv": {"filters": 1, "kernel": [3, 5], "padding": "valid"}}, "global_avg_pool", {"dense": 2}]
    model = {"input": [8, 8, 1], "layers": layers}
    for expected in ([3, 5], [3, 5e0], {"at_least": 3, "at_most": 5}):
        archspec.loads({"name": "net", "model": model, "expect": {"receptive_field": expected}})
    with pytest.raises(SpecError, match=r"expect.receptive_field: expected 3, and net has 3x5; if .* write "):
        archspec.loads({"name": "net", "model": model, "expect": {"receptive_field": 3}})
    with pytest.raises(SpecError, match=r"expected height 3 and width at most 4, and net has 3x5$"):
        archspec.loads({"name": "net", "model": model, "expect": {"receptive_field": [3, {"at_most": 4}]}})


def test_all_that_is_not_met_is_reported_with_what_was_meant():
    with pytest.raises(SpecError) as error:
        archspec.loads(spec({"parameters": 640, "macs": 650, "flops": {"at_most": 3}}))
    assert str(error.value) == (
        "<mapping>: expect.parameters: expected 640, and net has 650; did you mean 'macs'?\n"
        "<mapping>: expect.macs: expected 650, and net has 640; did you mean 'parameters'?\n"
        "<mapping>: expect.flops: expected at most 3, and net has 1,280"
    )


def test_a_zero_is_not_taken_for_another_figure():
    with pytest.raises(SpecError, match=r"expect.macs: expected 0, and net has 640; if the network .* write 640$"):
        archspec.loads(spec({"macs": 0}))


# -- specs that change the network -----------------------------------------------------------------------------------


def test_a_spec_that_extends_another_has_expectations_of_its_own(tmp_path: Path):
    base, child = tmp_path / "base.yaml", tmp_path / "child.yaml"
    base.write_text(
        "name: base\nparams: {units: 10}\nmodel: {input: [8, 8, 1], layers: [flatten, {dense: '${units}'}]}\n"
        "expect: {parameters: 650, macs: 640}\n"
    )
    child.write_text("extends: base.yaml\nname: child\nset: {units: 5}\n")
    assert archspec.load(child).expect is None
    child.write_text("extends: base.yaml\nname: child\nset: {units: 5}\nexpect: {parameters: 325}\n")
    expect = archspec.load(child).expect
    assert expect is not None and [name for name, _ in expect.given()] == ["parameters"]
    child.write_text("extends: base.yaml\nname: child\nexpect: {parameters: 325}\n")
    with pytest.raises(SpecError, match=r"child.yaml:3:22: expect.parameters: expected 325, and child has 650"):
        archspec.load(child)
    child.write_text("extends: base.yaml\nname: child\nexpect: null\n")
    assert archspec.load(child).expect is None


def test_values_set_over_a_spec_leave_out_what_they_make_untrue():
    loaded = archspec.loads(spec({"parameters": 650, "macs": {"at_most": 1000}}), {"units": 5})
    assert loaded.unchecked == ("parameters",)
    assert loaded.tree.plain()["expect"] == {"macs": {"at_most": 1000}}
    assert archspec.loads(loaded.to_yaml()).graph == loaded.graph  # and so it can be read again
    assert "expect.parameters is not checked, being about the network without" in str(archspec.summary(loaded))
    every = archspec.loads(spec({"parameters": 650})).with_values({"units": 5})
    assert (every.unchecked, every.expect) == (("parameters",), None) and "expect" not in every.tree.value


def test_values_that_change_nothing_that_is_expected_are_no_excuse():
    with pytest.raises(SpecError, match=r"expect.macs: expected 1, and net has 640"):
        archspec.loads(spec({"macs": 1}, train={"data": "digits"}), {"train.epochs": 3})


def test_what_is_set_as_an_expectation_is_checked():
    set_outside = {"units": 5, "expect.parameters": 650}
    with pytest.raises(SpecError, match=r"expect.parameters: expected 650, and net has 325"):
        archspec.loads(spec({"parameters": 650}), set_outside)
    with pytest.raises(SpecError, match=r"expect.macs: expected at most 100, and net has 320"):
        archspec.loads(spec({"parameters": 650}), {"units": 5, "expect": {"macs": {"at_most": 100}}})
    assert archspec.loads(spec({"parameters": 1}), {"expect": None}).expect is None


def test_values_without_which_the_file_says_nothing():
    """The file alone is no network, so that its expectations are of none."""
    loaded = archspec.loads(spec({"parameters": 3}, units=0), {"units": 10})
    assert loaded.unchecked == ("parameters",)


def test_memory_of_a_step_is_that_of_the_recipe():
    train = {"data": "digits", "batch_size": 16}
    bytes_of_a_step = summarise(archspec.loads(spec({}, train=train))).training_bytes
    expect = {"training_activation_bytes": bytes_of_a_step}
    assert archspec.loads(spec(expect, train=train), {"train.epochs": 2}).unchecked == ()
    assert archspec.loads(spec(expect, train=train), {"train.batch_size": 32}).unchecked == tuple(expect)
    assert archspec.loads(spec(expect, train=train), {"train.batch_size": "auto"}).unchecked == tuple(expect)


def test_the_space_of_a_search_holds_no_expectations():
    search = {"space": {"expect.macs": {"int": [1, 20]}}}
    with pytest.raises(SpecError, match=r"search\.space\.expect\.macs: 'expect' cannot be searched over"):
        archspec.loads(spec({}, train={"data": "digits"}, search=search))


def test_candidates_of_a_search_are_others_than_the_expected_network():
    search = {"space": {"units": {"int": [1, 20]}}, "budget": {"macs": 1000}}
    loaded = archspec.loads(spec({"parameters": 650}, train={"data": "digits"}, search=search))
    assert loaded.search is not None
    networks = Networks(loaded)
    assert networks.base.expect is None and "expect" not in networks.base.tree.value
    space = loaded.search.space
    assert networks.spec(space.candidate(space.defaults())).expect is None
