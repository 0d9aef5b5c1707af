"""The sources of pictures and labels.

Pictures may have any size: a crop of `train.augment`, or else `train.resize`, brings them to the network's. Grey
pictures are repeated where the network takes three channels; colour is never removed, and transparent parts are
put on white.
Paths are relative to the current directory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Literal

from archspec.fields.choices import Tagged
from archspec.fields.records import record_of
from archspec.fields.scalars import Number
from archspec.recipe.numbers import Seed
from archspec.vocabulary.answers import Answer
from archspec.vocabulary.suggestions import meaning
from archspec.wording import closest, printable, quoted

HeldOut = Annotated[
    float, Number(above=0, below=1), "The share of every class that is held out, where there is no validation split."
]
SplitSeed = Annotated[Seed, "Seed of the choice of the pictures that are held out."]
OnCorrupt = Annotated[
    Literal["error", "skip"], "What happens where a picture cannot be decoded: an error, or it is skipped and listed."
]


TRAINING_PICTURES = {
    "cifar10": 50_000,
    "cifar100": 50_000,
    "mnist": 60_000,
    "fashion_mnist": 60_000,
    "imagenet2012": 1_281_167,
}
"""The training splits of data sets that papers use, from the catalogue of tensorflow-datasets."""


class DataSource:
    """The base of all sources of pictures."""

    def label(self) -> str:
        """The source in a few words, such as `tfds cifar10`."""
        raise NotImplementedError

    def training_pictures(self) -> int | None:
        """The number of pictures in the training split, if it is known without the data; else None."""
        return None


@dataclass(frozen=True, kw_only=True)
class Digits(DataSource):
    """Scikit-learn's digits: 1,797 real 8x8 pictures of handwritten digits, part of its package (Alpaydin and Kaynak
    1998, UCI repository), scaled to 0 to 255. A fixed fifth is held out for validation.

    Example:
        data: digits
    """

    def label(self) -> str:
        return "digits"

    def training_pictures(self) -> int:
        return 1_437


@dataclass(frozen=True, kw_only=True)
class Tfds(DataSource):
    """A data set of tensorflow-datasets, `name[/config][:version]`, with the splits to train and validate on.

    Splits may be sliced as in TFDS: `train[:90%]`. `data_dir` is the directory of prepared data sets; with
    `download: false` nothing is downloaded. Pictures that cannot be decoded are an error, or skipped and listed.

    Example:
        data: {tfds: {name: cifar10, validation: test}}

    Attributes:
        name: the data set, `name[/config][:version]`.
        train: the training split, whole or sliced: `train[:90%]`.
        validation: the validation split.
        data_dir: the directory of prepared data sets; by default that of TFDS.
        download: whether a data set that is not there is downloaded and prepared.
    """

    name: str
    train: str = "train"
    validation: str = "test"
    data_dir: str | None = None
    download: bool = True
    on_corrupt: OnCorrupt = "error"

    def label(self) -> str:
        return f"tfds {quoted(printable(self.name))}"

    def training_pictures(self) -> int | None:
        name = self.name.partition(":")[0].partition("/")[0]
        return TRAINING_PICTURES.get(name) if self.train == "train" else None


@dataclass(frozen=True, kw_only=True)
class Folder(DataSource):
    """A folder of JPEG, PNG, GIF, BMP or WebP pictures, one sub-folder per class, which may have sub-folders.

    If it holds `train/` and `validation/` (or `val/`, `valid/`, `test/`), these are the two splits; otherwise a
    share `validation` of every class, chosen by `seed`, is held out. Pictures that cannot be decoded are an error, or
    skipped and listed.

    Example:
        data: {folder: {path: pictures, validation: 0.1}}

    Attributes:
        path: the folder, relative to the current directory.
    """

    path: str
    validation: HeldOut = 0.2
    seed: SplitSeed = 0
    on_corrupt: OnCorrupt = "error"

    def label(self) -> str:
        return f"folder {quoted(printable(self.path))}"


@dataclass(frozen=True, kw_only=True)
class Npz(DataSource):
    """A NumPy `.npz` file with `x_train`, `y_train`, `x_val` and `y_val` (or `x_test` and `y_test`, as in Keras's data
    sets); or with `x` and `y`, from which a share `validation` of every class, chosen by `seed`, is held out.

    Pictures are uint8 (count, height, width[, channels]), labels whole numbers from 0, which an array `class_names` may
    name.

    Example:
        data: {npz: data/fashion_mnist.npz}

    Attributes:
        path: the file, relative to the current directory.
    """

    path: str
    validation: HeldOut = 0.2
    seed: SplitSeed = 0

    def label(self) -> str:
        return f"npz {quoted(printable(self.path))}"


DATA = {kind.__name__.lower(): record_of(kind, kind.__name__.lower()) for kind in (Digits, Tfds, Folder, Npz)}
Source = Digits | Tfds | Folder | Npz


class SourceForm(Tagged):
    """A source of pictures; where a path is written alone, the message says which source reads it."""

    def __init__(self) -> None:
        super().__init__("data source", DATA)

    def hint(self, tag: str) -> str:
        is_path = "/" in tag or "\\" in tag or os.path.exists(tag)
        if not is_path or "://" in tag:
            near = closest(tag, TRAINING_PICTURES)
            known = meaning("kinds", self.kind, tag, self.records) is not None or closest(tag, self.records)
            return super().hint(tag) if near is None or known else Answer(f"tfds: {near}").hint()
        return Answer(f"{'npz' if tag.endswith('.npz') else 'folder'}: {{path: {tag}}}").hint()
