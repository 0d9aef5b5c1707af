"""Random specs: the analysis equals the model that Keras builds, whatever way the spec is written."""

import json

import keras
import numpy as np
import pytest
import yaml
from hypothesis import given

import archspec
import builder
from builder.network.model import transfer_weights
from tests import strategies
from tests.randomised import examples


@examples(60)
@given(strategies.specs())
def test_models_equal_their_analysis(data):
    spec = strategies.load(data)
    analysis = archspec.analyse(spec)
    portable = builder.build(spec, lowering="portable")
    builder.verify(portable, analysis)
    fast = builder.build(spec, lowering="fast")
    builder.verify(fast, analysis)
    transfer_weights(portable, fast)
    pictures = np.random.default_rng(0).normal(size=(2, *spec.graph.input.shape)).astype("float32")
    np.testing.assert_allclose(fast(pictures), portable(pictures), rtol=1e-3, atol=1e-4)
    keras.backend.clear_session()


@examples(100)
@given(strategies.specs())
def test_yaml_json_and_the_resolved_spec_give_one_graph(data):
    from_json = strategies.load(data, ".json", json.dumps(data))
    from_yaml = strategies.load(data, ".yaml", yaml.safe_dump(data))
    resolved = strategies.load(data, ".yaml", from_json.to_yaml())
    assert from_json.graph == from_yaml.graph == resolved.graph


@examples(50)
@given(strategies.extended_specs())
def test_extending_is_writing_the_result_down(specs):
    """`extends`, then the child's own fields, then `set`: by hand, on Python data."""
    base, child = specs
    merged = {**base, "name": child["name"]}
    for section in ("params", "model"):
        merged[section] = {**base[section], **child.get(section, {})}
    merged["model"]["defaults"] = {**base["model"].get("defaults", {}), **child.get("model", {}).get("defaults", {})}
    merged = json.loads(json.dumps(merged))
    for path, value in child.get("set", {}).items():
        if path == "blocks.toy.params.twice":
            merged["blocks"]["toy"]["params"]["twice"] = value
        elif path == "model.layers[0].conv.filters":
            merged["model"]["layers"][0]["conv"]["filters"] = value
        else:
            merged["params"]["width"] = value
    try:
        expected = strategies.load(merged).graph
    except archspec.SpecError:
        with pytest.raises(archspec.SpecError):
            strategies.load(child, base=base)
        return
    extended = strategies.load(child, base=base)
    assert extended.graph == expected
    assert strategies.load({}, ".yaml", extended.to_yaml()).graph == expected
