"""Checkpoints of whole trainings, with more in them than one network; and what weights alone do not say."""

import numpy as np
import pytest

import builder
from archspec import UserError
from archspec.errors import FileError
from builder import weights
from builder.weights.source import state_dict
from tests.builder.weights.networks import conv, network
from tests.builder.weights.torch_pickles import save_checkpoint

BLOCK = {"kernel": 3, "bias": False, "norm": "batch", "activation": "relu", "padding": "symmetric"}
SPEC = network(
    {"conv": {"filters": 8, **BLOCK}},
    {"residual": {"layers": [{"conv": {"filters": 8, **BLOCK}}, {"conv": {"filters": 8, **BLOCK}}]}},
    {"conv": {"filters": 8, **BLOCK}},
    "global_avg_pool",
    {"dense": 5},
)
NAMES = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "conv2"]


def module(seed=0):
    """The state dict of a network of PyTorch like `SPEC`, in order of definition."""
    generator = np.random.default_rng(seed)

    def values(*shape):
        return generator.uniform(0.1, 1, shape).astype("float32")

    tensors = {}
    for index, name in enumerate(NAMES):
        tensors[f"{name}.weight"] = values(8, 8 if index else 3, 3, 3)
        norm = name.replace("conv", "bn")
        tensors |= {f"{norm}.{word}": values(8) for word in ("weight", "bias", "running_mean", "running_var")}
        tensors[f"{norm}.num_batches_tracked"] = np.array(7)
    return tensors | {"fc.weight": values(5, 8), "fc.bias": values(5)}


def prefixed(tensors, prefix):
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def bias(matching):
    """The values that the last bias gets."""
    return next(values for layer, role, values in matching.tensors() if (layer, role) == ("dense1", "bias"))


# -- tensors of a loss -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 8])
@pytest.mark.parametrize("name", ["criterion.weight", "train_loss.weight", "loss_fn.pos_weight", "class_weights"])
def test_class_weights_of_a_loss_are_ignored_and_decide_nothing(name, size):
    """However long they are: as the classes (a lone factor after the last layer), or as the channels inside."""
    tensors = {**prefixed(module(), "model"), name: np.ones(size, np.float32)}
    matching = weights.match(SPEC, state_dict("file", tensors))
    assert matching.complete
    assert weights.text(matching).splitlines()[-1] == (
        "22 tensors matched (5 transposed), 1 of a loss ignored, 4 counters of batches ignored"
    )
    assert f"{name}" in weights.text(matching)


@pytest.mark.parametrize(
    "name", ["metric_head.weight", "loss_net.0.weight", "head.criterion.weight", "class_weight_net"]
)
def test_layers_that_are_called_like_a_loss_are_left_over(name):
    tensors = {**module(), name: np.ones((7, 5), np.float32)}
    matching = weights.match(SPEC, state_dict("file", tensors))
    assert matching.counts["left over"] == 1 and name in weights.text(matching)
    assert not matching.complete


def test_a_loss_is_found_below_what_all_names_begin_with():
    tensors = prefixed({**module(), "criterion.0.weight": np.ones(5, np.float32)}, "module.net")
    assert weights.match(SPEC, state_dict("file", tensors)).counts == {"matched": 22, "ignored": 1}


def test_nothing_is_taken_for_a_loss_where_a_layer_has_no_partner():
    tensors = module()
    tensors["metric.weight"] = np.ones((6, tensors["fc.weight"].shape[1]), np.float32)  # of other classes
    del tensors["fc.weight"], tensors["fc.bias"]
    matching = weights.match(SPEC, state_dict("file", tensors))
    assert matching.counts == {"matched": 20, "missing": 2, "left over": 1}
    assert "metric.weight" in weights.text(matching)


def test_a_lone_factor_of_no_loss_is_left_over_and_decides_nothing():
    tensors = {**module(), "temperature.weight": np.ones(5, np.float32)}
    matching = weights.match(SPEC, state_dict("file", tensors))
    assert matching.counts == {"matched": 22, "left over": 1}


def test_counters_of_averages_are_ignored():
    tensors = {"n_averaged": np.array(3), **prefixed(module(), "module")}
    matching = weights.match(SPEC, state_dict("file", tensors))
    assert weights.text(matching) == "22 tensors matched (5 transposed), 5 counters ignored"


# -- several networks in one file --------------------------------------------------------------------------------------


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint as torchvision's references write it, with a moving average of the weights."""
    content = {
        "model": module(),
        "optimizer": {"state": {0: {"momentum_buffer": np.zeros((8, 3, 3, 3), np.float32)}}},
        "epoch": 3,
        "model_ema": {"n_averaged": np.array(3), **prefixed(module(seed=1), "module")},
    }
    return save_checkpoint(tmp_path / "checkpoint.pth", content)


def test_a_moving_average_beside_the_model_is_offered(checkpoint):
    matching = weights.match(SPEC, weights.read(checkpoint))
    assert weights.text(matching) == (
        "22 tensors matched (5 transposed), 4 counters of batches ignored\n"
        "taken from 'model'; the file also has a moving average of the weights: prefix='model_ema'"
    )
    np.testing.assert_array_equal(bias(matching), module()["fc.bias"])


@pytest.mark.parametrize("prefix", ["model_ema", "model_ema.module"])
def test_a_moving_average_that_is_asked_for(prefix, checkpoint):
    matching = weights.match(SPEC, weights.read(checkpoint, prefix))
    assert matching.complete
    np.testing.assert_array_equal(bias(matching), module(seed=1)["fc.bias"])
    assert weights.text(matching).splitlines()[-1] == (
        "taken from 'model_ema'; the file also has other weights: prefix='model'"
    )


def test_a_state_dict_deep_inside(tmp_path):
    content = {"callbacks": {"EMA": {"ema_state_dict": module()}}, "hyper_parameters": {"lr": 0.1}}
    path = save_checkpoint(tmp_path / "deep.pth", content)
    assert weights.match(SPEC, weights.read(path)).complete


def test_nothing_decides_between_two_state_dicts(tmp_path):
    path = save_checkpoint(tmp_path / "two.pth", {"student": module(), "teacher": module(seed=1)})
    with pytest.raises(FileError) as error:
        weights.read(path)
    assert str(error.value) == (
        f"{path}: holds several state dicts, 'student', 'teacher'; say which with prefix='student'"
    )
    np.testing.assert_array_equal(bias(weights.match(SPEC, weights.read(path, "teacher"))), module(seed=1)["fc.bias"])


def test_copies_in_one_state_dict_are_named():
    tensors = prefixed(module(), "model") | prefixed(module(seed=1), "ema_model")
    with pytest.raises(FileError) as error:
        weights.require(weights.match(SPEC, state_dict("file", tensors)))
    assert str(error.value).splitlines()[-2:] == [
        "      the tensors under 'model' fit on their own: prefix='model'",
        "      the tensors under 'ema_model', a moving average, fit on their own: prefix='ema_model'",
    ]


@pytest.mark.parametrize("prefix", ["model", "ema_model"])
def test_part_of_a_state_dict(prefix, tmp_path):
    tensors = prefixed(module(), "model") | prefixed(module(seed=1), "ema_model")
    path = save_checkpoint(tmp_path / "a.pth", {"state_dict": tensors})
    matching = weights.match(SPEC, weights.read(path, prefix))
    assert matching.complete
    np.testing.assert_array_equal(bias(matching), tensors[f"{prefix}.fc.bias"])


def test_a_prefix_that_is_not_there(checkpoint):
    with pytest.raises(FileError) as error:
        weights.read(checkpoint, "model_em")
    assert str(error.value) == (
        f"{checkpoint}: has no tensors under 'model_em'; did you mean 'model_ema'?; it has 'model', 'model_ema', "
        "'layer1'"
    )


def test_a_prefix_is_for_state_dicts(tmp_path):
    builder.build(SPEC).save(tmp_path / "a.keras")
    with pytest.raises(UserError, match=r"^prefix: is for state dicts of PyTorch"):
        weights.read(tmp_path / "a.keras", "model")


# -- what weights do not say -------------------------------------------------------------------------------------------


def notes(*layers, size=(8, 8, 4), layout="torch"):
    """What is to be checked after weights of PyTorch were matched with a network."""
    spec = network(*layers, size=size)
    matching = weights.match(spec, state_dict("file", {"a.weight": np.zeros((4, 4, 3, 3), np.float32)}))
    return weights.unlike_pytorch(matching)


def test_defaults_of_pytorch_need_no_check():
    block = {"norm": "batch", "activation": "gelu", "padding": "symmetric", "stride": 2}
    assert notes(conv(4, **block), {"max_pool": {"size": 3, "stride": 2, "padding": 1}}, conv(4)) == []


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [conv(4), {"batch_norm": {"epsilon": 1e-3}}],
            "epsilon is 0.001 in batch_norm1, and 1e-05 in nn.BatchNorm2d by default",
        ),
        (
            [conv(4), {"layer_norm": {"epsilon": 1e-6}}],
            "epsilon is 1e-06 in layer_norm1, and 1e-05 in nn.LayerNorm by default",
        ),
        (
            [conv(4, activation="leaky_relu"), conv(4, activation="leaky_relu")],
            "leaky_relu has a slope of 0.2 in conv1.activation, conv2.activation, and 0.01 in nn.LeakyReLU by default: "
            "activation: {leaky_relu: {slope: 0.01}}",
        ),
        (
            [conv(4), "local_response_norm"],
            "alpha multiplies the sum over the channels in local_response_norm1, and the mean in "
            "nn.LocalResponseNorm: alpha here is the one there divided by its size, 5",
        ),
        (
            [conv(4, stride=2, padding="same"), {"max_pool": {"size": 3, "stride": 2, "padding": "same"}}],
            "padding 'same' has more zeros at the end than at the beginning in conv1, max_pool1, and PyTorch's layers "
            "have as many at both: padding: symmetric",
        ),
    ],
)
def test_what_differs_from_pytorch_by_itself(layers, expected):
    assert notes(*layers) == [f"to check: {expected}"]
