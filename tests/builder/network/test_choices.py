"""The choices of the fast lowering: what each takes on which device, and that every option computes the same."""

import pytest
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port, _pywrap_utils

from builder.network import choices
from builder.network.choices import CHOICES, Device
from builder.network.fast_normalisation import FusedBatchNormalization

AVX2 = Device(is_cpu=True, instruction_set="AVX2", half_types=frozenset())
AMX = Device(is_cpu=True, instruction_set="AVX512_CORE_AMX", half_types=frozenset({"bfloat16", "float16"}))
GPU = Device(is_cpu=False, instruction_set="AVX2", half_types=frozenset({"bfloat16", "float16"}))
EIGEN = Device(is_cpu=True, instruction_set=None, half_types=frozenset())


@pytest.mark.parametrize(
    ("choice", "dtype", "avx2", "amx", "gpu"),
    [
        (choices.CONVOLUTION_TYPE, "float32", "its own", "its own", "its own"),
        (choices.CONVOLUTION_TYPE, "bfloat16", "float32", "its own", "its own"),
        (choices.CONVOLUTION_TYPE, "float16", "float32", "its own", "its own"),
        (choices.GROUPS_TOGETHER, "float32", 16, choices.NEVER, 1),
        (choices.GROUPS_TOGETHER, "bfloat16", choices.NEVER, choices.NEVER, 1),
        (choices.POINTWISE_WEIGHTS_GRADIENT, "float32", "convolution", "convolution", "convolution"),
        (choices.POINTWISE_WEIGHTS_GRADIENT, "bfloat16", "convolution", "matrix product", "convolution"),
        (choices.POINTWISE_WEIGHTS_GRADIENT, "float16", "convolution", "convolution", "convolution"),
        (choices.RELU_GRADIENT, "float32", "operation", "operation", "operation"),
        (choices.RELU_GRADIENT, "bfloat16", "operation", "selection", "operation"),
        (choices.RELU_GRADIENT, "float16", "operation", "operation", "operation"),
        (choices.GELU_GRADIENT, "float32", "closed form", "closed form", "traced"),
        (choices.LAYER_NORM, "float32", "closed form", "closed form", "traced"),
        (choices.BATCH_NORM, "float32", "fused", "fused", "fused"),
        (choices.LOCAL_RESPONSE_NORM, "float32", "matrix product", "matrix product", "matrix product"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_option_depends_on_the_device(choice, dtype, avx2, amx, gpu):
    assert [choice.best(device, dtype, None) for device in (AVX2, AMX, GPU)] == [avx2, amx, gpu]


def test_few_numbers_are_normalised_without_waking_threads():
    options = [choices.BATCH_NORM.best(AVX2, "float32", numbers) for numbers in (1, 32_768, 32_769, None)]
    assert options == ["traced", "traced", "fused", "fused"]


@pytest.mark.parametrize(
    ("batch", "training", "operations"), [(2, True, 0), (2, False, 1), (64, True, 1), (None, True, 1)]
)
def test_the_size_of_a_batch_that_trains_decides_how_it_is_normalised(batch, training, operations):
    """Where the batch is not known, the way that is faster for large ones is taken."""
    normalisation = FusedBatchNormalization()
    normalisation.build((None, 8, 8, 16))
    trace = tf.function(lambda x: normalisation(x, training=training))
    graph = trace.get_concrete_function(tf.TensorSpec([batch, 8, 8, 16])).graph
    fused = [operation for operation in graph.get_operations() if operation.type == "FusedBatchNormV3"]
    assert len(fused) == operations


def test_groups_are_apart_where_their_gradients_would_be_missing():
    """Without oneDNN, TensorFlow has no gradients of a grouped convolution on a CPU."""
    assert choices.GROUPS_TOGETHER.best(EIGEN, "float32", None) == choices.NEVER


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_every_choice_is_among_its_options_and_gives_measurements(choice):
    for device in (AVX2, AMX, GPU, EIGEN):
        for dtype in ("float32", *choices.HALF_TYPES):
            assert {choice.best(device, dtype, numbers) for numbers in (1, 10**12, None)} <= set(choice.options)
    assert "AVX2" in choice.measured


@pytest.mark.parametrize(
    ("only_cpus", "onednn", "instructions", "has_half_types"),
    [(True, True, True, True), (True, True, False, False), (True, False, True, False), (False, True, False, True)],
)
def test_half_types_are_those_that_the_device_has_instructions_for(
    only_cpus, onednn, instructions, has_half_types, monkeypatch
):
    kinds = ["CPU"] if only_cpus else ["CPU", "GPU"]
    devices = [tf.config.PhysicalDevice(f"/physical_device:{kind}:0", kind) for kind in kinds]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda: devices)
    monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda: onednn)
    monkeypatch.setattr(_pywrap_utils, "IsDataTypeSupportedByOneDNNOnThisCPU", lambda dtype: instructions)
    monkeypatch.setattr(choices, "instruction_set", lambda: "AVX2")
    expected = Device(only_cpus, "AVX2" if onednn else None, frozenset(choices.HALF_TYPES if has_half_types else ()))
    assert choices.device.__wrapped__() == expected


def test_an_option_is_forced_for_a_while():
    chosen = choices.RELU_GRADIENT.option("float32")
    with choices.forced(choices.RELU_GRADIENT, "selection"):
        assert choices.RELU_GRADIENT.option("float32") == "selection"
        with choices.forced(choices.RELU_GRADIENT, "operation"):
            assert choices.RELU_GRADIENT.option("float32") == "operation"
        assert choices.RELU_GRADIENT.option("float32") == "selection"
    assert choices.RELU_GRADIENT.option("float32") == chosen
    with (
        pytest.raises(ValueError, match=r"gradient of ReLU: expected one of \('operation', 'selection'\), got 'fast'"),
        choices.forced(choices.RELU_GRADIENT, "fast"),
    ):
        pass
