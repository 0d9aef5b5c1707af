"""Operations that a format's own converter or runtime has no answer to."""

import numpy as np
import pytest

import archspec
import builder
from archspec import ops
from archspec.recipe.resizing import Resizing
from builder.exports import litert_file, onnx_file, runtimes
from builder.exports.folding import Folded
from builder.exports.inference import InferenceNetwork, endpoints
from builder.network import choices
from builder.pictures.normalisation import Normalisation
from tests.builder.test_primitives import PICTURE, chain

MIXED = """
name: mixed
model:
  input: [24, 20, 3]
  layers:
    - conv: {filters: 12, kernel: 3, stride: 2, activation: hard_swish}
    - local_response_norm
    - squeeze_excite: 12
    - layer_norm
    - global_max_pool
    - dense: 2
"""


def network(graph, scale=1.0):
    """A network with random weights, ready for inference."""
    model = builder.build(graph, "portable", "float32")
    generator = np.random.default_rng(0)
    weights = {weight.path: (scale * generator.normal(size=weight.shape)).astype("float32") for weight in model.weights}
    channels = graph.input.shape[-1]
    normalisation = Normalisation((100.0,) * channels, (50.0,) * channels)
    return InferenceNetwork(graph.name, Folded(graph, weights, ()), Resizing(), ("a", "b"), normalisation, {})


def pictures(shape, count=4):
    return np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)


def expected(network, batch):
    logits = np.asarray(network.model()(batch.astype("float32")))
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def test_all_activations_become_onnx(tmp_path):
    """All side by side: tf2onnx by itself knows neither the erfc of gelu nor the expm1 of celu."""
    names = [name for name in ops.ACTIVATIONS if name != "glu"]
    layers = [{"activation": {"function": name, "from": "input", "name": f"a-{name}"}} for name in names]
    joined = [{"concat": {"from": [f"a-{name}" for name in names]}}, "flatten", {"dense": 2}]
    spec = archspec.loads({"name": "all", "model": {"input": list(PICTURE), "layers": [*layers, *joined]}})
    one = network(spec.graph, scale=0.1)
    onnx_file.write(one, tmp_path / "model.onnx")
    batch = pictures(PICTURE)
    entries, _, note = runtimes.onnx(str(tmp_path / "model.onnx"), runtimes.Given(batch, [], []))
    np.testing.assert_allclose(entries["pictures"], expected(one, batch), atol=1e-5)
    assert note == ""


KERNELS = """
name: kernels
model:
  input: [12, 10, 3]
  layers:
    - conv: {filters: 8, kernel: [3, 2], stride: 2, padding: symmetric, activation: relu}
    - conv: {filters: 6, kernel: 1, name: one}
    - conv: {filters: 6, kernel: 3, groups: 2}
    - depthwise_conv: 3
    - squeeze_excite: 6
    - conv: {filters: 6, kernel: 3, padding: same, dilation: 2}
    - add: {from: [one, conv3]}
    - flatten
    - dense: {units: 7, activation: relu}
    - dense: {units: 5, bias: false}
    - dense: 2
"""


@pytest.mark.parametrize(("least", "inputs"), [(0, 8), (1000, 2), (1 << 20, 0)])
def test_large_kernels_of_onnx_are_written_one_after_the_other(least, inputs, tmp_path, monkeypatch):
    """All kernels of convolutions and dense layers, none that is grouped; some of them; none."""
    monkeypatch.setattr(onnx_file, "LEAST_INPUT", least)
    counts = []
    write = onnx_file._write

    def counted(model, tensors, path):
        counts.append(len(tensors))
        write(model, tensors, path)

    monkeypatch.setattr(onnx_file, "_write", counted)
    one = network(archspec.loads(KERNELS).graph, scale=0.3)
    onnx_file.write(one, tmp_path / "model.onnx")
    assert counts == [inputs]
    batch = pictures(one.shape)
    entries, _, _ = runtimes.onnx(str(tmp_path / "model.onnx"), runtimes.Given(batch, [], []))
    np.testing.assert_allclose(entries["pictures"], expected(one, batch), atol=1e-5)


@pytest.mark.parametrize("name", ["gelu", "celu"])
def test_values_of_the_translated_functions(name, tmp_path):
    one = network(chain(ops.Activation(function=name), ops.Flatten(), ops.Dense(units=2)), scale=0.1)
    onnx_file.write(one, tmp_path / "model.onnx")
    batch = pictures(PICTURE)
    entries, _, _ = runtimes.onnx(str(tmp_path / "model.onnx"), runtimes.Given(batch, [], []))
    np.testing.assert_allclose(entries["pictures"], expected(one, batch), atol=1e-6)


def test_what_xnnpack_refuses_runs_without_it(tmp_path, monkeypatch):
    from ai_edge_litert import interpreter

    spec = archspec.loads(MIXED)
    one, batch = network(spec.graph), pictures(spec.graph.input.shape, 20)
    litert_file.write(one, tmp_path / "model.tflite", "int8", batch)
    given = runtimes.Given(batch, [], [])
    first, _, _ = runtimes.litert(
        str(tmp_path / "model.tflite"), given
    )  # with XNNPACK or not: it depends on the weights

    class Refusing(interpreter.Interpreter):
        def __init__(self, path, experimental_op_resolver_type=None, **options):
            self.refuses = experimental_op_resolver_type is None
            resolver = {} if self.refuses else {"experimental_op_resolver_type": experimental_op_resolver_type}
            super().__init__(path, **resolver, **options)

        def allocate_tensors(self):
            if self.refuses:
                raise RuntimeError("failed to create XNNPACK runtimeNode number 80 failed to prepare.")
            super().allocate_tensors()

    monkeypatch.setattr(interpreter, "Interpreter", Refusing)
    second, _, note = runtimes.litert(str(tmp_path / "model.tflite"), given)
    assert note == runtimes.WITHOUT_XNNPACK
    np.testing.assert_allclose(second["pictures"], first["pictures"], atol=0.2)  # the two round otherwise


GROUPED = """
name: grouped
model:
  input: [8, 8, 32]
  layers:
    - conv: {filters: 64, kernel: 3, groups: 16, activation: relu}
    - global_max_pool
    - dense: 2
"""


def test_a_saved_model_has_no_grouped_convolution():
    """TensorFlow without oneDNN joins a convolution with its activation, and then refuses one with groups, though it
    trains with them on this CPU."""
    with choices.forced(choices.GROUPS_TOGETHER, 1):
        signatures, _ = endpoints(network(archspec.loads(GROUPED).graph))
    functions = signatures["serving_default"].graph.as_graph_def().library.function
    graphs = [signatures["serving_default"].graph]
    graphs += [graphs[0]._get_function(function.signature.name).graph for function in functions]
    convolutions = [operation for graph in graphs for operation in graph.get_operations() if operation.type == "Conv2D"]
    assert convolutions
    for operation in convolutions:
        pictures, kernel = operation.inputs
        assert pictures.shape[-1] == kernel.shape[2]
