"""Learning rates against numbers computed by hand from the papers, and the monitoring of metrics over epochs."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.recipe import MONITORS, SCHEDULES, Train
from archspec.recipe.batch_size import automatic_batch, sensible_batch
from archspec.recipe.data import Digits
from archspec.recipe.fine_tuning import InitFrom, by_prefix
from archspec.recipe.monitor import Watch, improved, unimproved
from archspec.recipe.schedules import Constant, Cosine, OneCycle, Plateau, Polynomial, Schedule, Step
from archspec.recipe.train import EarlyStopping

SPECS = Path(__file__).parents[2] / "specs"
CIFAR_STEPS = 50_000 // 128
IMAGENET_STEPS = 1_281_167 // 256


def rates(schedule: Schedule | float, steps: list[int], epochs: int = 4, drops: int = 0, batch_size: int = 128):
    """At ten steps an epoch."""
    train = Train(data=Digits(), epochs=epochs, learning_rate=schedule, batch_size=batch_size)
    return [train.rate(step, 10, drops) for step in steps]


def recipe(name: str) -> Train:
    train = archspec.load(SPECS / f"{name}.yaml").train
    assert train is not None
    return train


# -- schedules -----------------------------------------------------------------------------------------------------


def test_every_schedule_of_the_language_has_a_rate():
    fields = {Step: {"drop": ((1.0, 0.1),)}}
    for record in SCHEDULES.values():
        schedule = record.build(base=0.5, **fields.get(record.build, {}))
        assert 0 < schedule.base / 25 <= rates(schedule, [3])[0] <= 0.5


def test_a_number_is_a_constant_rate():
    assert rates(0.5, [0, 7, 39]) == [0.5, 0.5, 0.5]


def test_warmup_rises_to_the_whole_rate_in_its_last_step():
    found = rates(Constant(base=0.4, warmup=0.5), [0, 1, 3, 4, 5, 39])
    assert found == pytest.approx([0.08, 0.16, 0.32, 0.4, 0.4, 0.4])


def test_constant_warmup_holds_its_rate():
    assert rates(Constant(base=0.4, warmup=0.5, warmup_rate=0.1), [0, 4, 5]) == [0.1, 0.1, 0.4]


def test_step_drops_at_the_first_step_of_an_epoch_or_within_one():
    schedule = Step(base=1.0, drop=((1, 0.1), (2.5, 0.01)))
    assert rates(schedule, [0, 9, 10, 24, 25, 39]) == [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]


def test_plateau_falls_with_every_drop_to_its_minimum():
    schedule = Plateau(base=0.1, factor=0.1, minimum=5e-4)
    found = [rates(schedule, [20], drops=drops)[0] for drops in range(5)]
    assert found == pytest.approx([0.1, 0.01, 1e-3, 5e-4, 5e-4])


def test_cosine_falls_from_the_end_of_warmup_to_the_last_step():
    schedule = Cosine(base=1.0, final=0.2, warmup=1)
    at_middle, at_third = 0.6, 0.2 + 0.8 * 0.75  # cos(90) = 0, cos(60) = 1/2
    assert rates(schedule, [4, 9, 10, 20, 25, 40]) == pytest.approx([0.5, 1.0, 1.0, at_third, at_middle, 0.2])


def test_polynomial_of_powers_one_and_two():
    assert rates(Polynomial(base=1.0, final=0.2), [0, 10, 20, 40]) == pytest.approx([1.0, 0.8, 0.6, 0.2])
    assert rates(Polynomial(base=1.0, power=2), [0, 20, 30]) == pytest.approx([1.0, 0.25, 0.0625])


def test_one_cycle_rises_and_falls_along_half_cosines():
    schedule = OneCycle(base=1.0, rise=0.25, start_divisor=10, end_divisor=100)
    expected = [0.1, 0.55, 1.0, (1 + 0.01) / 2, 0.01]
    assert rates(schedule, [0, 5, 10, 25, 40]) == pytest.approx(expected)


def test_all_rates_scale_with_the_batch():
    """Goyal et al. 2017, section 2.1: 0.1 for 256 pictures is 3.2 for 8,192."""
    schedule = Step(base=0.1, drop=((2, 0.01),), warmup=1, warmup_rate=0.05, scale_with_batch=256)
    assert rates(schedule, [0, 10, 20], batch_size=8192) == pytest.approx([1.6, 3.2, 0.32])
    assert rates(Plateau(base=0.1, minimum=0.05, scale_with_batch=64), [0], drops=3, batch_size=32) == [0.025]


def test_training_shorter_than_its_warmup_only_rises():
    assert rates(Cosine(base=1.0, warmup=8), [0, 39], epochs=4) == pytest.approx([1 / 80, 40 / 80])


# -- the papers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet20_cifar", "resnet110_cifar", "plain56_cifar"])
def test_cifar_iterations(name: str):
    """He et al. 2015, section 4.2: 0.1, a tenth at 32k and 48k, the end at 64k; 110 layers begin with 0.01 for about
    400 iterations."""
    train = recipe(name)
    assert abs(train.epochs * CIFAR_STEPS - 64_000) < CIFAR_STEPS
    steps = [0, 31_500, 32_300, 47_500, 48_300, 63_900]
    first = 0.01 if name == "resnet110_cifar" else 0.1
    assert [train.rate(step, CIFAR_STEPS) for step in steps] == [first, 0.1, 0.01, 0.01, 0.001, 0.001]
    warm = sum(train.rate(step, CIFAR_STEPS) != 0.1 for step in range(1000))
    assert warm == (390 if name == "resnet110_cifar" else 0)


@pytest.mark.parametrize(
    ("name", "batch_size", "base", "iterations", "decay"),
    [
        ("alexnet_two_tower", 128, 0.01, 90 * 1_281_167 // 128, 5e-4),  # section 5: roughly 90 cycles
        ("vgg_a", 256, 0.01, 370_000, 5e-4),  # section 3.1
        ("vgg_d", 256, 0.01, 370_000, 5e-4),
        ("resnet50", 256, 0.1, 600_000, 1e-4),  # section 3.4
        ("plain34", 256, 0.1, 600_000, 1e-4),
        ("resnet152_keras", 256, 0.1, 600_000, 1e-4),
        ("squeezenet1_0", 512, 0.04, 170_000, 2e-4),  # forresti/SqueezeNet: 85,000 of 1,024
    ],
)
def test_imagenet_recipes(name: str, batch_size: int, base: float, iterations: int, decay: float):
    train = recipe(name)
    assert train.data.name == "imagenet2012" and train.data.validation == "validation"
    assert (train.batch_size, train.rate(0, IMAGENET_STEPS)) == (batch_size, base)
    assert train.epochs * 1_281_167 / batch_size == pytest.approx(iterations, rel=0.01)
    assert (train.penalty.factor, train.optimizer.momentum) == (decay, 0.9)


@pytest.mark.parametrize("name", ["alexnet_two_tower", "vgg_a"])
def test_rates_divided_by_ten_three_times(name: str):
    """Krizhevsky et al. 2012, section 5; Simonyan and Zisserman 2014, section 3.1."""
    found = [recipe(name).rate(10**5, IMAGENET_STEPS, drops) for drops in range(5)]
    assert found == pytest.approx([1e-2, 1e-3, 1e-4, 1e-5, 1e-5])


def test_one_weird_trick():
    """Krizhevsky 2014, section 5: times 250^(-1/3) at 25, 50 and 75 % of 90 epochs."""
    train, steps = recipe("alexnet"), 1_281_167 // 128
    found = [train.rate(int(share * 90 * steps) + 1, steps) for share in (0.1, 0.25, 0.5, 0.75)]
    assert found == pytest.approx([0.01 * 250 ** (-k / 3) for k in range(4)], rel=1e-3)


def test_resnext_divides_three_times():
    """Xie et al. 2016, section 4, and train.lua of facebookresearch/ResNeXt: floor((epoch - 1) / 30)."""
    train = recipe("resnext50_32x4d")
    found = [train.rate(epoch * IMAGENET_STEPS, IMAGENET_STEPS) for epoch in range(train.epochs)]
    assert found == pytest.approx([0.1 * 0.1 ** (epoch // 30) for epoch in range(100)])
    assert train.optimizer.nesterov and train.penalty.biases and train.penalty.norms


# -- watching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("monitor", MONITORS)
def test_losses_fall_and_accuracies_rise(monitor: str):
    lower_is_better = monitor in ("loss", "val_loss")
    assert improved(monitor, 0.4, 0.5) == lower_is_better
    assert improved(monitor, 0.5, 0.4) != lower_is_better
    assert improved(monitor, 0.4, None)
    assert not improved(monitor, 0.4, 0.4)
    assert not any(improved(monitor, value, best) for value in (math.nan, math.inf, -math.inf) for best in (0.4, None))


def test_an_improvement_is_at_least_min_delta():
    assert [improved("val_loss", value, 1.0, min_delta=0.25) for value in (0.75, 0.76)] == [True, False]
    assert [improved("val_accuracy", value, 0.5, min_delta=0.25) for value in (0.75, 0.74)] == [True, False]


def watched(rule: Plateau | EarlyStopping, values: list[float]) -> list[int]:
    """How often patience had run out after each value; the state is written and read in between."""
    watch, found = Watch(), []
    for value in values:
        watch = Watch(**json.loads(json.dumps(dataclasses.asdict(watch), allow_nan=False))).update(rule, value)
        found.append(watch.ran_out)
    return found


def test_a_plateau_drops_after_each_patience_without_improvement():
    rule = Plateau(base=0.1, patience=2, min_delta=0.01)
    values = [0.5, 0.505, 0.6, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7]
    assert watched(rule, values) == [0, 0, 0, 0, 1, 1, 2, 2, 2]


def test_early_stopping_counts_epochs_without_improvement():
    rule = EarlyStopping(patience=3, monitor="val_loss")
    assert watched(rule, [1.0, 1.1, 1.2, 0.9, 0.9, math.nan, 0.91]) == [0, 0, 0, 0, 0, 0, 1]


# -- layers to start from ------------------------------------------------------------------------------------------


def test_a_prefix_does_not_split_a_number():
    init = InitFrom(run="run", layers=("stage1", "conv3_", "fc"))
    names = ["stage1.block1.conv1", "stage10.block1.conv1", "conv3_1", "conv31", "fc6", "stage2.conv1"]
    assert [init.asks_for(name) for name in names] == [True, False, True, False, True, False]
    assert InitFrom(run="run").asks_for("anything")


def test_the_longest_prefix_decides():
    values = (("stage1", 1), ("*", 2), ("stage1.block2", 3), ("fc", 4))
    names = ["stage1.block1.conv1", "stage1.block2.conv1", "stage1.block20.conv1", "stage10.conv1", "fc", "stem"]
    assert [by_prefix(values, name, 0) for name in names] == [1, 3, 1, 2, 4, 2]
    assert by_prefix(values[:1], "stem", 0) == 0


def test_layers_train_at_the_learning_rate_without_a_multiplier():
    recipe = Train(data=Digits(), trainable=(("stem", False),), learning_rate_multipliers=(("stage", 0.1),))
    names = ("stem", "stage1.block1.conv1", "fc")
    assert [recipe.trains(name) for name in names] == [False, True, True]
    assert [recipe.rate_multiplier(name) for name in names] == [1.0, 0.1, 1.0]


def test_prefixes_survive_the_resolved_spec(tmp_path):
    changes = {"train.trainable": {"*": False, "dense": True}, "train.learning_rate_multipliers": {"dense": 0.5}}
    path = tmp_path / "again.yaml"
    path.write_text(archspec.load(SPECS / "digits.yaml", changes).to_yaml())
    assert archspec.load(path).train.trainable == (("*", False), ("dense", True))
    assert archspec.load(path).train.learning_rate_multipliers == (("dense", 0.5),)


def test_early_stopping_by_another_rule_counts_from_the_last_improvement():
    values = [0.5, 0.6, 0.6, 0.55, 0.6]
    assert unimproved(EarlyStopping(patience=4), values) == Watch(best=0.6, waited=3)
    assert unimproved(EarlyStopping(patience=3), values) == Watch(best=0.6, waited=3, ran_out=1)
    assert unimproved(EarlyStopping(patience=2), [*values, 0.7]) == Watch(best=0.7)


# -- batch_size: auto ------------------------------------------------------------------------------------------------


def test_an_automatic_batch_has_no_number_before_a_training():
    train = Train(data=Digits(), batch_size="auto")
    assert train.is_automatic and train.oversized_batch("digits", 1) is None
    with pytest.raises(ValueError, match="batch_size is auto, which the start of a training replaces by a number"):
        train.rate(0, 10)


@pytest.mark.parametrize(
    ("fitting", "parts", "expected"),
    [(1000, 1, 512), (1024, 1, 1024), (1000, 4, 512), (1000, 3, 768), (5, 8, 8), (0, 1, 1), (17, 2, 16)],
)
def test_an_automatic_batch_is_a_power_of_two_in_each_part(fitting, parts, expected):
    assert automatic_batch(fitting, parts) == expected


@given(fitting=st.integers(0, 10**7), parts=st.integers(1, 1000))
def test_no_larger_automatic_batch_fits(fitting, parts):
    batch = automatic_batch(fitting, parts)
    assert batch % parts == 0 and (batch // parts).bit_count() == 1
    assert batch <= max(fitting, parts) < 2 * batch or fitting < parts == batch


@pytest.mark.parametrize(
    ("pictures", "most"),
    [(5, 5), (10, 8), (255, 8), (320, 10), (1_437, 44), (50_000, 1024), (1_281_167, 1024), (32_767, 1023)],
)
def test_an_epoch_keeps_its_steps_with_an_automatic_batch(pictures, most):
    assert sensible_batch(pictures) == most
