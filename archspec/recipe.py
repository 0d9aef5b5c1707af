"""The `train` section: how a network is trained. Typed here, carried out in `builder`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from archspec.forms import FieldError, Integer, ListOf, MapOf, Number, Union
from archspec.schema import Count, Record, Tagged, record_of

NonNegative = Annotated[float, Number(min=0)]
Positive = Annotated[float, Number(above=0)]
Share = Annotated[float, Number(min=0, below=1)]


# -- data ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Scikit-learn's digits: 1,797 real 8x8 pictures of handwritten digits, inside its wheel (Alpaydin and Kaynak 1998,
    UCI repository). A fixed fifth is held out."""


@dataclass(frozen=True, kw_only=True)
class Tfds:
    """A data set of tensorflow-datasets by name, with the splits to train and validate on."""

    name: str
    train: str = "train"
    validation: str = "test"


DATA = {"digits": record_of(Digits, "digits"), "tfds": record_of(Tfds, "tfds")}


# -- optimisation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Stochastic gradient descent."""

    momentum: Share = 0.9
    nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980)."""

    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7


OPTIMIZERS = {"sgd": record_of(Sgd, "sgd"), "adam": record_of(Adam, "adam")}


@dataclass(frozen=True, kw_only=True)
class Constant:
    """One rate throughout, after `warmup` epochs of a linear rise from 0."""

    base: Positive
    warmup: NonNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """`base`, then the given rates from the given epochs on: `drop: {82: 0.01, 123: 0.001}`."""

    base: Positive
    drop: Annotated[
        tuple[tuple[int, float], ...],
        MapOf(Integer(min=1), Number(above=0), "a mapping from epochs to rates ({82: 0.01})"),
    ]
    warmup: NonNegative = 0.0

    def __post_init__(self) -> None:
        epochs = [epoch for epoch, _ in self.drop]
        if epochs != sorted(set(epochs)):
            raise FieldError("drop", "the epochs of the drops must rise")


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """`base` falling to `final` along half a cosine by the last epoch (Loshchilov, Hutter 2016, arXiv:1608.03983)."""

    base: Positive
    final: NonNegative = 0.0
    warmup: NonNegative = 0.0


SCHEDULES = {
    "constant": record_of(Constant, "constant"),
    "step": record_of(Step, "step"),
    "cosine": record_of(Cosine, "cosine"),
}


# -- augmentation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RandomCrop:
    """Pads `pad` zeros on every side and crops the picture's own size at random (He et al. 2015, section 4.2)."""

    pad: Annotated[int, Integer(min=1, max=1000)]


@dataclass(frozen=True, kw_only=True)
class HorizontalFlip:
    """Mirrors half of the pictures."""


AUGMENTATIONS = {
    "random_crop": record_of(RandomCrop, "random_crop"),
    "horizontal_flip": record_of(HorizontalFlip, "horizontal_flip"),
}


@dataclass(frozen=True, kw_only=True)
class Train:
    """How to train: data, optimisation and length. `batch_size` is global, `weight_decay` is the papers' L2 penalty:
    the gradient of each convolution and dense kernel gains weight_decay times the kernel."""

    data: Annotated[Any, Tagged("a data source", DATA)]
    batch_size: Count = 128
    epochs: Count = 10
    optimizer: Annotated[Any, Tagged("an optimizer", OPTIMIZERS)] = Sgd()
    learning_rate: Annotated[Any, Union((Number(above=0), Tagged("a schedule", SCHEDULES)))] = 0.1
    weight_decay: NonNegative = 0.0
    label_smoothing: Share = 0.0
    augment: Annotated[tuple[Any, ...], ListOf(Tagged("an augmentation", AUGMENTATIONS), "list of augmentations")] = ()
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    seed: Annotated[int, Integer(min=0, max=2**31 - 1)] = 0

    @property
    def schedule(self) -> Constant | Step | Cosine:
        """The learning rate as a schedule."""
        rate = self.learning_rate
        return Constant(base=rate) if isinstance(rate, float) else rate


TRAIN: Record = record_of(Train, "train")
