"""Random specs: the analysis equals the model that Keras builds, whatever way the spec is written."""

import keras
import numpy as np
import yaml
from hypothesis import HealthCheck, given, settings

import archspec
import builder
from tests import strategies

common = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@settings(common, max_examples=60)
@given(strategies.specs())
def test_models_equal_their_analysis(data):
    spec = strategies.load(data)
    analysis = archspec.analyse(spec)
    portable = builder.build(spec, lowering="portable")
    builder.verify(portable, analysis)
    fast = builder.build(spec, lowering="fast")
    builder.verify(fast, analysis)
    builder.transfer_weights(portable, fast)
    pictures = np.random.default_rng(0).normal(size=(2, *spec.graph.input.shape)).astype("float32")
    np.testing.assert_allclose(fast(pictures), portable(pictures), rtol=1e-3, atol=1e-4)
    keras.backend.clear_session()


@settings(common, max_examples=100)
@given(strategies.specs())
def test_yaml_json_and_the_resolved_spec_give_one_graph(data):
    from_json = strategies.load(data)
    from_yaml = strategies.load(data, ".yaml", yaml.safe_dump(data))
    resolved = strategies.load(data, ".yaml", from_json.to_yaml())
    assert from_json.graph == from_yaml.graph == resolved.graph
