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

HeldOut = Annotated[float, Number(above=0, below=1)]
OnCorrupt = Literal["error", "skip"]


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Scikit-learn's digits: 1,797 real 8x8 pictures of handwritten digits, inside its wheel (Alpaydin and Kaynak 1998,
    UCI repository). A fixed fifth is held out."""


@dataclass(frozen=True, kw_only=True)
class Tfds:
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


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of JPEG, PNG, GIF or BMP pictures, one sub-folder a class.

    With `train/` and `validation/` (or `val/`) in it those are the two parts; otherwise a share `validation` of every
    class, chosen by `seed`, is held out. Pictures that cannot be decoded are an error, or skipped and listed.
    """

    path: str
    validation: HeldOut = 0.2
    seed: Seed = 0
    on_corrupt: OnCorrupt = "error"


@dataclass(frozen=True, kw_only=True)
class Npz:
    """A NumPy `.npz` file with `x_train`, `y_train`, `x_test` and `y_test` (as Keras's data sets have), or with `x` and
    `y`, of which a share `validation` of every class, chosen by `seed`, is held out.

    Pictures are uint8 (count, height, width[, channels]), labels whole numbers from 0.
    """

    path: str
    validation: HeldOut = 0.2
    seed: Seed = 0


DATA = {kind.__name__.lower(): record_of(kind, kind.__name__.lower()) for kind in (Digits, Tfds, Folder, Npz)}
Source = Digits | Tfds | Folder | Npz
