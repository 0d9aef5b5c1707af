"""Where pictures and labels come from.

Pictures may have any size: they are brought to the network's by a crop of `train.augment`, or as for validation. Grey
ones are repeated where the network takes three channels; colours are never taken away, and transparency is left out.
Paths are relative to the current directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from archspec.fields.records import record_of
from archspec.fields.scalars import Number
from archspec.recipe.numbers import Seed
from archspec.wording import printable, quoted

HeldOut = Annotated[float, Number(above=0, below=1)]
OnCorrupt = Literal["error", "skip"]


TRAINING_PICTURES = {
    "cifar10": 50_000,
    "cifar100": 50_000,
    "mnist": 60_000,
    "fashion_mnist": 60_000,
    "imagenet2012": 1_281_167,
}
"""The training splits of data sets that papers use, from the catalogue of tensorflow-datasets."""


class DataSource:
    """What every source of pictures says of itself."""

    def label(self) -> str:
        """The source in a few words, such as `tfds cifar10`."""
        raise NotImplementedError

    def training_pictures(self) -> int | None:
        """How many pictures the training split has, where that is known without the data."""
        return None


@dataclass(frozen=True, kw_only=True)
class Digits(DataSource):
    """Scikit-learn's digits: 1,797 real 8x8 pictures of handwritten digits, inside its wheel (Alpaydin and Kaynak 1998,
    UCI repository). A fixed fifth is held out."""

    def label(self) -> str:
        return "digits"

    def training_pictures(self) -> int:
        return 1_437


@dataclass(frozen=True, kw_only=True)
class Tfds(DataSource):
    """A data set of tensorflow-datasets, `name[/config][:version]`, with the splits to train and validate on.

    Splits may be sliced, as TFDS does: `train[:90%]`. `data_dir` is where prepared data sets are kept; with
    `download: false` nothing is fetched. Pictures that cannot be decoded are an error, or skipped and listed.
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
    """A folder of JPEG, PNG, GIF or BMP pictures, one sub-folder a class.

    With `train/` and `validation/` (or `val/`) in it those are the two parts; otherwise a share `validation` of every
    class, chosen by `seed`, is held out. Pictures that cannot be decoded are an error, or skipped and listed.
    """

    path: str
    validation: HeldOut = 0.2
    seed: Seed = 0
    on_corrupt: OnCorrupt = "error"

    def label(self) -> str:
        return f"folder {quoted(printable(self.path))}"


@dataclass(frozen=True, kw_only=True)
class Npz(DataSource):
    """A NumPy `.npz` file with `x_train`, `y_train`, `x_test` and `y_test` (as Keras's data sets have), or with `x` and
    `y`, of which a share `validation` of every class, chosen by `seed`, is held out.

    Pictures are uint8 (count, height, width[, channels]), labels whole numbers from 0.
    """

    path: str
    validation: HeldOut = 0.2
    seed: Seed = 0

    def label(self) -> str:
        return f"npz {quoted(printable(self.path))}"


DATA = {kind.__name__.lower(): record_of(kind, kind.__name__.lower()) for kind in (Digits, Tfds, Folder, Npz)}
Source = Digits | Tfds | Folder | Npz
