"""The shipped networks against published numbers (golden.yaml names their sources) and against their own headers."""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import archspec
from archspec import Analysis, LayerAnalysis, Spec
from archspec.ops import BatchNorm, Conv, Dense, Dropout, LocalResponseNorm, MaxPool
from archspec.ops.initializers import ONES, ZEROS, Initializer

SPECS = Path(__file__).parents[2] / "specs"
NAMES = sorted(path.stem for path in SPECS.glob("*.yaml"))
GOLDEN: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("golden.yaml").read_text())
OWN = {"digits"}
"""Networks of this project, for which no published numbers exist."""

CIFAR_BLOCKS = {20: 3, 32: 5, 44: 7, 56: 9, 110: 18, 1202: 200}
CIFAR = [name for name in NAMES if name.endswith("_cifar")]


def having(field: str) -> list[str]:
    return [name for name, numbers in GOLDEN.items() if field in numbers]


@functools.cache
def spec_of(name: str) -> Spec:
    return archspec.load(SPECS / f"{name}.yaml")


@functools.cache
def analysis_of(name: str) -> Analysis:
    return archspec.analyse(spec_of(name))


def overridden(name: str, overrides: dict[str, Any]) -> Analysis:
    return archspec.analyse(archspec.load(SPECS / f"{name}.yaml", overrides))


def last_of(analysis: Analysis, name: str) -> LayerAnalysis:
    """The last operation of the layer or stage with this name."""
    return [layer for layer in analysis.layers if f"{layer.name}.".startswith(f"{name}.")][-1]


def printed(value: float, like: str) -> str:
    """The value, rounded to as many decimals as `like`."""
    return f"{value:.{len(like.partition('.')[2])}f}"


# -- classes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_network_takes_another_number_of_classes(name: str) -> None:
    own = analysis_of(name)
    assert own.output == (spec_of(name).params["classes"],)
    other = overridden(name, {"classes": 3})
    assert other.output == (3,)
    assert [layer.name for layer in other.layers] == [layer.name for layer in own.layers]


# -- headers -------------------------------------------------------------------------------------------------------


def test_every_network_has_numbers_from_outside() -> None:
    assert set(NAMES) - OWN == set(GOLDEN)


@pytest.mark.parametrize("name", NAMES)
def test_file_is_named_as_the_network(name: str) -> None:
    assert spec_of(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_header_gives_source_and_commands(name: str) -> None:
    text = (SPECS / f"{name}.yaml").read_text()
    header = text[: re.search(r"^[^#]", text, re.MULTILINE).start()]  # type: ignore[union-attr]
    lines = header.splitlines()
    assert lines[0] == "# yaml-language-server: $schema=schema.json"
    assert re.search(r"\b(19|20)\d\d\b", lines[1] + lines[2]), "no year of a source"
    assert f"# command: python tools/summary.py specs/{name}.yaml" in lines
    trains = f"# command: python tools/train.py specs/{name}.yaml" in lines
    assert trains == (spec_of(name).train is not None)


@pytest.mark.parametrize("name", NAMES)
def test_every_network_expects_its_published_numbers(name: str) -> None:
    expected = yaml.safe_load((SPECS / f"{name}.yaml").read_text())["expect"]
    assert {"trainable_parameters", "macs"} <= set(expected)
    golden = GOLDEN.get(name, {})
    assert expected["trainable_parameters"] == golden.get("trainable", expected["trainable_parameters"])
    assert expected["macs"] == golden.get("macs", expected["macs"])
    fields = golden.get("receptive_field", {})
    assert expected.get("receptive_field") == (list(fields.values())[-1] if fields else None)
    if "total" in golden:
        rest = golden["total"] - golden["trainable"]
        assert expected.get("non_trainable_parameters", 0) == rest


# -- numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOLDEN)
def test_weights(name: str) -> None:
    golden, analysis = GOLDEN[name], analysis_of(name)
    assert analysis.trainable_parameters == golden["trainable"]
    if "total" in golden:
        assert analysis.parameters == golden["total"]


@pytest.mark.parametrize("name", having("layers"))
def test_weights_of_layers(name: str) -> None:
    weights: Counter[str] = Counter()
    for layer in analysis_of(name).layers:
        weights[layer.name.partition(".")[0]] += layer.trainable_parameters
    assert +weights == GOLDEN[name]["layers"]


@pytest.mark.parametrize("name", having("paper_millions"))
def test_weights_match_those_printed_in_the_paper(name: str) -> None:
    expected = GOLDEN[name]["paper_millions"]
    assert printed(analysis_of(name).trainable_parameters / 1e6, like=expected) == expected


@pytest.mark.parametrize("name", having("macs"))
def test_macs(name: str) -> None:
    assert analysis_of(name).macs == GOLDEN[name]["macs"]
    assert analysis_of(name).flops == 2 * GOLDEN[name]["macs"]


@pytest.mark.parametrize("name", having("macs_billion"))
def test_macs_to_the_last_printed_digit(name: str) -> None:
    expected = GOLDEN[name]["macs_billion"]
    assert printed(analysis_of(name).macs / 1e9, like=expected) == expected


@pytest.mark.parametrize("name", having("paper_macs_billion"))
def test_macs_near_those_of_the_paper(name: str) -> None:
    assert analysis_of(name).macs / 1e9 == pytest.approx(GOLDEN[name]["paper_macs_billion"], rel=0.02)


@pytest.mark.parametrize("name", CIFAR)
def test_macs_of_a_cifar_network_by_hand(name: str) -> None:
    """The 6n + 2 layers of He et al. 2015, section 4.2, whose shortcuts, if any, have no MACs."""
    n = CIFAR_BLOCKS[int(re.findall(r"\d+", name)[0])]
    first = 32**2 * 9 * 3 * 16
    stages = 32**2 * 9 * 2 * n * 16**2
    stages += 16**2 * 9 * (16 * 32 + (2 * n - 1) * 32**2)
    stages += 8**2 * 9 * (32 * 64 + (2 * n - 1) * 64**2)
    assert analysis_of(name).macs == first + stages + 64 * 10
    weighted = [layer for layer in analysis_of(name).layers if layer.op in ("conv", "dense")]
    assert len(weighted) == 6 * n + 2


@pytest.mark.parametrize("name", having("shapes"))
def test_shapes(name: str) -> None:
    expected = {layer: tuple(shape) for layer, shape in GOLDEN[name]["shapes"].items()}
    assert {layer: last_of(analysis_of(name), layer).output_shape for layer in expected} == expected


@pytest.mark.parametrize("name", having("receptive_field"))
def test_receptive_fields(name: str) -> None:
    analysis, golden = analysis_of(name), GOLDEN[name]
    fields = {layer: (size, size) for layer, size in golden["receptive_field"].items()}
    strides = {layer: (size, size) for layer, size in golden["stride"].items()}
    assert {layer: last_of(analysis, layer).receptive_field for layer in fields} == fields
    assert {layer: last_of(analysis, layer).stride for layer in strides} == strides
    assert analysis.receptive_field == list(fields.values())[-1]


@pytest.mark.parametrize("name", GOLDEN)
def test_ends_in_logits(name: str) -> None:
    analysis = analysis_of(name)
    assert analysis.output == ((10,) if name in [*CIFAR, "resnet20_fashion_mnist"] else (1000,))
    assert analysis.layers[-1].op in ("dense", "global_avg_pool")


# -- what the papers say besides -----------------------------------------------------------------------------------


def test_alexnet_in_one_tower_of_the_same_widths() -> None:
    """62378344 weights and 1135256096 MACs: conv2, conv4 and conv5 see twice the channels."""
    one = overridden("alexnet_two_tower", {f"model.layers[{i}].conv.groups": 1 for i in (3, 7, 8)})
    assert one.trainable_parameters == 60965224 + 25 * 48 * 256 + 9 * 192 * 384 + 9 * 192 * 256 == 62378344
    assert one.macs == 1135256096


def test_alexnet_follows_sections_3_and_5_of_its_paper() -> None:
    nodes = {node.name: node.op for node in spec_of("alexnet_two_tower").graph.nodes}
    kernels = {name: op for name, op in nodes.items() if isinstance(op, Conv | Dense)}
    normal = Initializer("random_normal", (("mean", 0.0), ("stddev", 0.01)))
    assert {op.initializer for op in kernels.values()} == {normal}
    assert {name for name, op in kernels.items() if op.bias_initializer == ONES} == {
        "conv2", "conv4", "conv5", "fc6", "fc7",
    }  # fmt: skip
    assert {op.bias_initializer for op in kernels.values()} == {ONES, ZEROS}
    assert {name for name, op in kernels.items() if isinstance(op, Conv) and op.groups == 2} == {
        "conv2", "conv4", "conv5",
    }  # fmt: skip
    assert {op for op in nodes.values() if isinstance(op, MaxPool)} == {MaxPool(size=(3, 3), stride=(2, 2))}
    assert [op.rate for op in nodes.values() if isinstance(op, Dropout)] == [0.5, 0.5]
    norms = [op for op in nodes.values() if isinstance(op, LocalResponseNorm)]
    assert norms == [LocalResponseNorm(radius=2, bias=2.0, alpha=1e-4, beta=0.75)] * 2


@pytest.mark.parametrize(("depth", "trainable"), [(20, 272474), (56, 855770), (110, 1730714)])
def test_cifar_networks_with_projections(depth: int, trainable: int) -> None:
    """Option B; pycls has the last two."""
    option_b = {"model.layers[1].stages.block": {"basic": {"shortcut": "projection"}}}
    assert overridden(f"resnet{depth}_cifar", option_b).trainable_parameters == trainable


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_recipe(name: str) -> None:
    """He et al. 2015, section 4.2: a tenth of the rate after 32k and 48k of 64k iterations of 128 pictures."""
    train = spec_of(name).train
    assert train is not None
    assert (train.data.name, train.batch_size, train.optimizer.momentum) == ("cifar10", 128, 0.9)
    assert train.weight_decay == 1e-4
    iterations = -(-50_000 // train.batch_size)
    drops = [(round(epoch * iterations, -3), rate) for epoch, rate in train.learning_rate.drop]
    assert drops == [(32_000, 0.01), (48_000, 0.001)]
    assert round(train.epochs * iterations, -3) == 64_000
    assert train.schedule.base == 0.1
    assert train.schedule.warmup == (1 if name in ("resnet110_cifar", "resnet1202_cifar") else 0)


@pytest.mark.parametrize("name", [name for name in GOLDEN if "resne" in name or "plain" in name])
def test_batch_norms_and_biases(name: str) -> None:
    """torchvision's constants and no biases, or those of keras.applications, whose convolutions have biases."""
    keras = name.endswith("_keras")
    ops = [node.op for node in spec_of(name).graph.nodes]
    norms = {(op.momentum, op.epsilon) for op in ops if isinstance(op, BatchNorm)}
    assert norms == {(0.99, 1.001e-5) if keras else (0.9, 1e-5)}
    assert {op.bias for op in ops if isinstance(op, Conv)} == {keras}


@pytest.mark.parametrize("name", NAMES)
def test_resolved_spec_gives_the_same_graph(name: str, tmp_path: Path) -> None:
    path = tmp_path / "resolved.yaml"
    path.write_text(spec_of(name).to_yaml())
    again = archspec.load(path)
    assert again.graph == spec_of(name).graph
    assert again.train == spec_of(name).train
