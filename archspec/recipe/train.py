"""The `train` section as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from archspec.fields.base import FieldError
from archspec.fields.containers import MapOf, Union
from archspec.fields.records import Count, Record, Tagged, record_of
from archspec.fields.scalars import Boolean, Number, Text
from archspec.recipe.augment import Augmentations
from archspec.recipe.data import DATA, Source
from archspec.recipe.fine_tuning import INIT_FROM, InitFrom, by_prefix
from archspec.recipe.monitor import MONITORS, Monitor
from archspec.recipe.numbers import NonNegative, Positive, Seed, Share
from archspec.recipe.optimizers import OPTIMIZERS, Optimizer, Sgd
from archspec.recipe.schedules import SCHEDULES, Constant, Schedule, Training

__all__ = ["DISTRIBUTE", "L2", "MONITORS", "TRAIN", "EarlyStopping", "Train"]


@dataclass(frozen=True, kw_only=True)
class L2:
    """The papers' penalty, `factor / 2 * sum(w ** 2)` in the loss, over kernels and, if asked, biases and the scales
    and offsets of normalisations."""

    factor: NonNegative
    biases: bool = False
    norms: bool = False


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stops after `patience` epochs without an improvement of at least `min_delta`."""

    patience: Count
    monitor: Monitor = "val_accuracy"
    min_delta: NonNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """How often the state is saved, to resume from: every so many steps, or minutes, and at the end of each epoch. The
    last `keep` are kept, and the best by `best`."""

    steps: Count | None = None
    minutes: Annotated[float | None, Union((Number(above=0),), optional=True)] = 10.0
    keep: Count = 2
    best: Monitor = "val_accuracy"


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Workers where TF_CONFIG or Slurm tells of several, all GPUs of the machine where it has more than one, else one
    device."""


@dataclass(frozen=True, kw_only=True)
class Off:
    """One device, whatever the machine has."""


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """`replicas` GPUs of one machine, or as many logical CPU devices where it has no GPU; default: all GPUs."""

    replicas: Count | None = None


@dataclass(frozen=True, kw_only=True)
class MultiWorker:
    """Several processes, from TF_CONFIG, Slurm's variables or `--workers`."""


Distribute: TypeAlias = Auto | Off | Mirrored | MultiWorker
DISTRIBUTE = {
    "auto": record_of(Auto, "auto"),
    "off": record_of(Off, "off"),
    "mirrored": record_of(Mirrored, "mirrored"),
    "multi_worker": record_of(MultiWorker, "multi_worker"),
}


TRAINABLE = MapOf(Text(), Boolean(), "a mapping from layer names to true or false", keys_have_dots=True)
MULTIPLIERS = MapOf(Text(), Number(above=0), "a mapping from layer names to numbers", keys_have_dots=True)
EARLY_STOPPING = Union((record_of(EarlyStopping, "early_stopping"),), optional=True)


@dataclass(frozen=True, kw_only=True)
class Train:
    """How to train: data, optimisation and length.

    Attributes:
        batch_size: global, over all replicas.
        epochs: passes over the training pictures; a last batch that is not full is left out.
        weight_decay: the papers' L2 penalty: a factor, for kernels alone, or what `l2` spells out.
        clip_norm: gradients are scaled down to this global norm.
        accumulate: in how many parts, one after another, a batch goes through the network, where memory is short.
        ema: the share that a moving average of the weights keeps at each step (less in the first ones, see
            `builder.training.averaging.Ema`); it is what is evaluated and saved.
        eval_resize: the shorter side that validation pictures are resized to before the centre crop; by default 256/224
            of the network's.
        cache: `auto` keeps pictures in memory where they fit into half of what is free.
        init_from: weights to start from.
        trainable: by the beginning of layers' names, the longest deciding, whether they train; `*` is every layer. The
            others are frozen, the statistics of their batch normalisations too.
        learning_rate_multipliers: by the beginning of layers' names likewise, what their rate is multiplied by.
        synchronized_batch_norm: batch statistics over all replicas.
        xla: `auto` compiles where that was measured to be faster: on one GPU without a strategy.
        deterministic: the same numbers bit by bit in every run on the same machine, at some cost in speed.
    """

    data: Annotated[Source, Tagged("data source", DATA)]
    batch_size: Count = 128
    epochs: Count = 10
    optimizer: Annotated[Optimizer, Tagged("optimizer", OPTIMIZERS, article="an")] = Sgd()  # noqa: RUF009 (it is frozen)
    learning_rate: Annotated[float | Schedule, Union((Number(above=0), Tagged("schedule", SCHEDULES)))] = 0.1
    weight_decay: Annotated[float | L2, Union((Number(min=0), record_of(L2, "weight_decay")))] = 0.0
    clip_norm: Positive | None = None
    accumulate: Count = 1
    ema: Share | None = None
    label_smoothing: Share = 0.0
    augment: Annotated[tuple[Any, ...], Augmentations()] = ()
    eval_resize: Count | None = None
    cache: Literal["auto", "off"] = "auto"
    init_from: Annotated[InitFrom | None, INIT_FROM] = None
    trainable: Annotated[tuple[tuple[str, bool], ...], TRAINABLE] = ()
    learning_rate_multipliers: Annotated[tuple[tuple[str, float], ...], MULTIPLIERS] = ()
    distribute: Annotated[Distribute, Tagged("strategy", DISTRIBUTE)] = Auto()
    synchronized_batch_norm: bool = False
    early_stopping: Annotated[EarlyStopping | None, EARLY_STOPPING] = None
    checkpoints: Checkpoints = Checkpoints()
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    xla: Literal["auto", "on", "off"] = "auto"
    seed: Seed = 0
    deterministic: bool = False

    def __post_init__(self) -> None:
        decay = getattr(self.optimizer, "decay", 0.0)
        if decay and self.penalty.factor:
            name = type(self.optimizer).__name__.lower()
            raise FieldError(
                "weight_decay",
                f"{name} takes weights away itself (decay={decay:g}), beside this penalty in the loss; keep one of the "
                f"two, weight_decay: 0 or {{{name}: {{decay: 0}}}}",
            )

    def rate(self, step: int, steps_per_epoch: int, drops: int = 0) -> float:
        """The learning rate of a step, counted from 0 (`archspec.recipe.schedules.Schedule.rate`)."""
        training = Training(batch_size=self.batch_size, steps_per_epoch=steps_per_epoch, epochs=self.epochs)
        return self.schedule.rate(step, training, drops)

    def trains(self, layer: str) -> bool:
        """Whether a layer is trained, not frozen."""
        return by_prefix(self.trainable, layer, True)

    def rate_multiplier(self, layer: str) -> float:
        """What a layer's learning rate is multiplied by."""
        return by_prefix(self.learning_rate_multipliers, layer, 1.0)

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a schedule."""
        rate = self.learning_rate
        return Constant(base=rate) if isinstance(rate, float) else rate

    @property
    def penalty(self) -> L2:
        """The weight decay, spelt out."""
        decay = self.weight_decay
        return L2(factor=decay) if isinstance(decay, float) else decay


TRAIN: Record = record_of(Train, "train")
