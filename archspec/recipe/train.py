"""The `train` section as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from archspec.fields.base import FieldError
from archspec.fields.choices import Tagged
from archspec.fields.containers import MapOf, Union
from archspec.fields.records import Count, Record, record_of
from archspec.fields.scalars import Boolean, Choice, Number, Text
from archspec.recipe.augment_list import Augmentations
from archspec.recipe.batch_size import AUTO, BatchSize
from archspec.recipe.data import Source, SourceForm
from archspec.recipe.distribution import DISTRIBUTE, Auto, Distribute, Towers
from archspec.recipe.fine_tuning import INIT_FROM, InitFrom, by_prefix
from archspec.recipe.monitor import MONITORS, Monitor
from archspec.recipe.normalisation import NormalisationName
from archspec.recipe.numbers import NonNegative, Positive, Precision, Seed, Share
from archspec.recipe.optimizers import OPTIMIZERS, Optimizer, Sgd
from archspec.recipe.resizing import Mode, Resizing
from archspec.recipe.schedules import SCHEDULES, Constant, Schedule, Training
from archspec.wording import counted

__all__ = ["L2", "MONITORS", "TRAIN", "EarlyStopping", "Train"]


@dataclass(frozen=True, kw_only=True)
class L2:
    """The papers' weight decay: `factor / 2 * sum(w ** 2)` in the loss, over kernels and, if set, over biases and the
    scales and offsets of normalisations.

    Example:
        weight_decay: {factor: 1e-4, norms: true}

    Attributes:
        factor: the weight decay of the papers.
        biases: whether biases are decayed.
        norms: whether scales and offsets of normalisations are decayed.
    """

    factor: NonNegative
    biases: bool = False
    norms: bool = False


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stops training after `patience` epochs without an improvement of at least `min_delta`.

    Example:
        early_stopping: {patience: 10, monitor: val_loss}

    Attributes:
        patience: epochs without an improvement before the end.
        min_delta: the smallest change of the monitor that counts.
    """

    patience: Count
    monitor: Monitor = "val_accuracy"
    min_delta: NonNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """When the state of a training is saved, so that it can be resumed: every `steps` steps or `minutes` minutes, and
    at the end of each epoch. The last `keep` checkpoints stay on disk, and the best one by the monitor `best`.

    Example:
        checkpoints: {minutes: 5, keep: 3}

    Attributes:
        steps: steps between two checkpoints within an epoch; null for none.
        minutes: minutes between two checkpoints within an epoch; null for none.
        keep: the number of checkpoints that stay on disk.
        best: the monitor that decides which epoch is the best.
    """

    steps: Count | None = None
    minutes: Annotated[float | None, Union((Number(above=0),), optional=True)] = 10.0
    keep: Count = 2
    best: Monitor = "val_accuracy"


TRAINABLE = MapOf(Text(), Boolean(), "a mapping from layer names to true or false", keys_have_dots=True)
MULTIPLIERS = MapOf(Text(), Number(above=0), "a mapping from layer names to numbers", keys_have_dots=True)
CLASS_WEIGHTS = MapOf(Text(), Number(above=0), "a mapping from classes to numbers", keys_have_dots=True)
CLASS_WEIGHT = Union((Choice(("balanced",)), CLASS_WEIGHTS), optional=True)
EARLY_STOPPING = Union((record_of(EarlyStopping, "early_stopping"),), optional=True)


@dataclass(frozen=True, kw_only=True)
class Train:
    """How to train: data, optimisation and length.

    Attributes:
        data: the source of pictures and labels.
        batch_size: pictures in a step, over all replicas. `auto` is replaced by a number when a training starts: the
            largest power of two whose step fits the free memory, at most 1,024 and a 32nd of the training pictures.
        epochs: passes over the training pictures; a last batch that is not full is dropped.
        optimizer: the rule that turns gradients into steps.
        learning_rate: a schedule, or one rate.
        weight_decay: the papers' L2 penalty: a factor for kernels alone, or with its fields for more.
        clip_norm: the global norm that gradients are scaled down to.
        accumulate: the number of parts in which a batch goes through the network, one after another, to save memory.
        rematerialize: whether to save memory by computing the activations inside segments of the network again for the
            gradient, instead of keeping them (gradient checkpointing, Chen et al. 2016, arXiv:1604.06174). A step takes
            up to a third longer. The weights and files of a run are the same with and without it.
        ema: the share that a moving average of the weights keeps at each step, less in the first steps; the average is
            evaluated and saved.
        label_smoothing: the share of each label that is spread over all classes.
        class_weight: factors for the loss of a picture, by the name of its class, 1 for classes that are not named; or
            `balanced`: in inverse proportion to the pictures of each class, with a mean of 1 over all pictures.
        sampler: `balanced` draws every class equally often in each epoch, which is as long as without; pictures of
            small classes are repeated.
        augment: augmentations of training pictures, in order.
        resize: how pictures of other proportions than the network's are brought to its size in evaluation, prediction
            and serving, and in training without a crop: `crop` cuts the centre out, `stretch` changes the proportions,
            `pad` adds black.
        eval_resize: pixels of the shorter side of validation pictures before the centre crop; by default 256/224 of
            the network's.
        normalisation: what pixels are normalised by: the mean and deviation of the training `data`, or those that
            weights to start from expect: `torchvision` (torchvision's and most of timm's), `inception` (from -1 to 1)
            or `unit` (from 0 to 1).
        cache: `auto` keeps pictures in memory if they fit into half of what is free.
        init_from: weights to start from.
        trainable: whether layers train, by prefixes of their names; the longest prefix decides, and `*` covers every
            layer. Other layers are frozen, including the statistics of their batch normalisations.
        learning_rate_multipliers: factors for the learning rates of layers, by prefixes likewise.
        distribute: the devices and machines to train on.
        synchronized_batch_norm: whether batch statistics are computed over all replicas.
        early_stopping: when to stop before the last epoch.
        checkpoints: when to save the state.
        precision: the number format of the activations; weights are float32 throughout. With `float32_fast`,
            activations are float32 too, and convolutions and matrix products may be computed in bfloat16 by CPUs that
            can, or in TF32 by GPUs. It holds for the training; what is saved is a float32 network.
        xla: `auto` compiles where that was measured to be faster: on one GPU without a strategy.
        seed: the seed of everything random in a training.
        deterministic: whether every run on the same machine gives the same numbers bit by bit, at some cost in speed.
    """

    data: Annotated[Source, SourceForm()]
    batch_size: BatchSize = 128
    epochs: Count = 10
    optimizer: Annotated[Optimizer, Tagged("optimizer", OPTIMIZERS, article="an")] = Sgd()  # noqa: RUF009 (it is frozen)
    learning_rate: Annotated[float | Schedule, Union((Number(above=0), Tagged("schedule", SCHEDULES)))] = 0.1
    weight_decay: Annotated[float | L2, Union((Number(min=0), record_of(L2, "weight_decay")))] = 0.0
    clip_norm: Positive | None = None
    accumulate: Count = 1
    rematerialize: bool = False
    ema: Share | None = None
    label_smoothing: Share = 0.0
    class_weight: Annotated[Literal["balanced"] | tuple[tuple[str, float], ...] | None, CLASS_WEIGHT] = None
    sampler: Literal["shuffled", "balanced"] = "shuffled"
    augment: Annotated[tuple[Any, ...], Augmentations()] = ()
    resize: Mode = "crop"
    eval_resize: Count | None = None
    normalisation: NormalisationName = "data"
    cache: Literal["auto", "off"] = "auto"
    init_from: Annotated[InitFrom | None, INIT_FROM] = None
    trainable: Annotated[tuple[tuple[str, bool], ...], TRAINABLE] = ()
    learning_rate_multipliers: Annotated[tuple[tuple[str, float], ...], MULTIPLIERS] = ()
    distribute: Annotated[Distribute, Tagged("strategy", DISTRIBUTE)] = Auto()  # noqa: RUF009 (it is frozen)
    synchronized_batch_norm: bool = False
    early_stopping: Annotated[EarlyStopping | None, EARLY_STOPPING] = None
    checkpoints: Checkpoints = Checkpoints()
    precision: Precision = "float32"
    xla: Literal["auto", "on", "off"] = "auto"
    seed: Seed = 0
    deterministic: bool = False

    def __post_init__(self) -> None:
        if self.rematerialize and isinstance(self.distribute, Towers):
            raise FieldError(
                "rematerialize",
                "activations are not computed again where towers have devices of their own (distribute.towers); keep "
                "one of the two, or use accumulate to save memory",
            )
        if self.eval_resize is not None and self.resize != "crop":
            raise FieldError(
                "eval_resize",
                f"eval_resize={self.eval_resize} is the length of the shorter side before a centre crop, and "
                f"resize: {self.resize} crops nothing; keep one of the two",
            )
        if self.class_weight == "balanced" and self.sampler == "balanced":
            raise FieldError(
                "sampler",
                "class_weight: balanced and sampler: balanced together count small classes twice; keep one of the two",
            )
        if self.xla == "on" and isinstance(self.distribute, Towers):
            raise FieldError("xla", "XLA compiles for one device, and distribute: towers uses several; leave it auto")
        decay = getattr(self.optimizer, "decay", 0.0)
        if decay and self.penalty.factor:
            name = type(self.optimizer).__name__.lower()
            raise FieldError(
                "weight_decay",
                f"{name} decays weights itself (decay={decay:g}), in addition to this penalty in the loss; keep one "
                f"of the two, weight_decay: 0 or {{{name}: {{decay: 0}}}}",
            )

    @property
    def is_automatic(self) -> bool:
        """Whether the start of a training chooses the batch size."""
        return self.batch_size == AUTO

    @property
    def global_batch(self) -> int:
        """Pictures in a step, over all replicas.

        Raises:
            ValueError: the batch size is `auto`, and no training has chosen one yet.
        """
        if self.batch_size == AUTO:
            raise ValueError("batch_size is auto, which the start of a training replaces by a number")
        return self.batch_size

    def rate(self, step: int, steps_per_epoch: int, drops: int = 0) -> float:
        """The learning rate of a step, counted from 0 (`archspec.recipe.schedules.Schedule.rate`)."""
        training = Training(batch_size=self.global_batch, steps_per_epoch=steps_per_epoch, epochs=self.epochs)
        return self.schedule.rate(step, training, drops)

    def oversized_batch(self, data: str, pictures: int) -> str | None:
        """Why a batch cannot be filled from so many training pictures of the data, or None."""
        if self.is_automatic or self.global_batch <= pictures:
            return None
        return f"a batch of {self.batch_size} is more than {data} has to train on, {counted(pictures, 'picture')}"

    def trains(self, layer: str) -> bool:
        """Whether a layer is trained, not frozen."""
        return by_prefix(self.trainable, layer, True)

    def rate_multiplier(self, layer: str) -> float:
        """The factor for a layer's learning rate."""
        return by_prefix(self.learning_rate_multipliers, layer, 1.0)

    @property
    def resizing(self) -> Resizing:
        """The evaluation transform."""
        return Resizing(self.resize, self.eval_resize)

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a schedule."""
        rate = self.learning_rate
        return Constant(base=rate) if isinstance(rate, float) else rate

    @property
    def penalty(self) -> L2:
        """The weight decay with all its fields."""
        decay = self.weight_decay
        return L2(factor=decay) if isinstance(decay, float) else decay


TRAIN: Record = record_of(Train, "train")
