"""The pictures of an export: those that every file is checked on, and others that calibrate what is quantised."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archspec.errors import UserError
from archspec.recipe.resizing import Resizing
from builder.data.samples import invented, kept, pictures_of
from builder.data.splits import Split, part_of
from builder.data.testing import data_to_test
from builder.exports.formats import Calibration
from builder.pictures.resizing import Shape
from builder.runs.names import PICTURES
from builder.runs.run import DataDiffer, Run
from builder.system.terminal import Say

RANDOM_PICTURES = 64
NO_RANGES = "needs pictures that show the ranges of activations, and there are only random ones; name some with --data"
ONE_PICTURE = "needs pictures besides those of the check, and there is only one; name more with --data"
CALIBRATION_PICTURES = 200
"""The most pictures that show the ranges of activations; LiteRT's own guide recommends a hundred or two."""


class Pictures(NamedTuple):
    """The pictures of an export.

    Attributes:
        check: those that every file is checked on.
        kind: what these are, in the plural.
        training: others, that show the ranges of activations; None if there are none.
        kind_of_training: what these are; without any, why.
    """

    check: Split
    kind: str
    training: Split | None
    kind_of_training: str


def to_export(run: Run, path: str | os.PathLike[str] | None, data_dir: Any, calibrates: bool, say: Say) -> Pictures:
    """The pictures of a run's data, or those that it keeps, or random ones; and says why it is not the first.

    Args:
        path: other data.
        calibrates: whether pictures for a calibration are needed. Where all are of one kind, each second one is taken
            for it, so that no picture is used for both.

    Raises:
        UserError: the data at the path cannot be used, or those of the run are others than it was trained on.
    """
    found = _found(run, path, data_dir, calibrates, say)
    return found if calibrates else found._replace(training=None)


def _found(run: Run, path: str | os.PathLike[str] | None, data_dir: Any, calibrates: bool, say: Say) -> Pictures:
    height, width, channels = run.spec.graph.input.shape
    shape = height, width, channels
    if path is not None:
        data = data_to_test(path, shape, run.about.class_names, say, "skip", skipping="of the check")
        kind = f"pictures of {data.name}"
        if data.train is data.validation:
            return _halved(data.validation, kind, calibrates)
        return Pictures(data.validation, kind, data.train, f"training {kind}")
    try:
        data = run.data(data_dir, say)
        kinds = [f"{one} pictures of {data.name}" for one in ("validation", "training")]
        return Pictures(data.validation, kinds[0], data.train, kinds[1])
    except DataDiffer:
        raise
    except UserError as error:
        source = getattr(run.recipe.data, "path", None)
        if source and Path(source).expanduser().exists():  # something is wrong with data that are there
            raise
        reason = error.problems[0].message
    found = kept(run.directory / PICTURES, shape, run.recipe.resizing)
    if found is not None:
        say(f"the data are not here ({reason}); the check is on the pictures that the run keeps")
        return _halved(found, "validation pictures that the run keeps", calibrates)
    why = "" if run.is_imported else f"the data are not here ({reason}), and "
    say(f"{why}the run keeps no pictures; the check is on random ones (--data names others)")
    return Pictures(invented(shape, RANDOM_PICTURES), "random pictures", None, NO_RANGES)


def _halved(split: Split, kind: str, calibrates: bool) -> Pictures:
    """The pictures of one split: all for the check, or each second one for a calibration."""
    numbers = np.arange(split.count)
    if not calibrates:
        return Pictures(split, kind, None, "")
    if len(numbers) < 2:
        return Pictures(split, kind, None, ONE_PICTURE)
    return Pictures(part_of(split, numbers[::2]), kind, part_of(split, numbers[1::2]), f"other {kind}")


def calibration(pictures: Pictures, shape: Shape, resizing: Resizing) -> Calibration:
    """Some of the pictures for a calibration, evenly spread, for a network whose input has a shape."""
    if pictures.training is None:
        return Calibration(np.zeros((0, *shape), np.uint8), "", pictures.kind_of_training)
    found = pictures_of(pictures.training, shape, resizing, CALIBRATION_PICTURES)
    return Calibration(found.evaluated, pictures.kind_of_training, "")
