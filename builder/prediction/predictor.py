"""Predicting the classes of pictures in files, folders or arrays: the simple way in, for Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archspec.errors import argument_problem, file_problem, path_of
from builder.prediction.classifier import Prediction, classify
from builder.prediction.finding import Found, find
from builder.prediction.opening import open_classifier
from builder.runs.run import Run

if TYPE_CHECKING:
    import numpy as np

    Pictures = str | os.PathLike[str] | np.ndarray


def predict(
    source: str | os.PathLike[str] | Run, pictures: Pictures | Sequence[Pictures], top: int = 5
) -> list[Prediction]:
    """Predicts what pictures show, by a trained run or an exported SavedModel.

    Pictures may have any size: they go through the evaluation transform, as in validation. Files may have any format
    that TensorFlow or Pillow reads. For thousands of files, `builder.prediction.classifier.classify` keeps fewer
    results in memory.

    Args:
        source: a run or its directory, or the folder of a SavedModel (`exports/name/1`, or `exports/name` for its
            newest version).
        pictures: the path of a file or folder, an array, or several of these. An array is a picture, uint8 (height,
            width, channels) from 0 to 255, or a batch of them with one more dimension in front. Grey pictures, (...,
            1), suit a network that takes three channels.
        top: the number of classes in each prediction.

    Returns:
        A prediction for each picture, in order. One from an array has its number, from 0, for a path. If a file cannot
        be read, its prediction has an `error` instead of classes.

    Raises:
        UserError: the source is neither a run nor an export or is damaged, a path does not exist, a folder holds no
            pictures, an array is not a picture for this network, or `top` is below 1.
    """
    load = open_classifier(source)
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise argument_problem("top", f"expected a whole number of at least 1, got {top!r}")
    several = checked_pictures(pictures)  # before TensorFlow is imported
    classifier = load()
    found = list(found_pictures(several, classifier.shape[2]))
    return list(classify(classifier, found, top))


def checked_pictures(pictures: Pictures | Sequence[Pictures]) -> Sequence[Pictures]:
    """The pictures that a caller gives, as `predict` takes them, as a list of paths and arrays.

    Raises:
        UserError: paths that do not exist, or that lead to folders without pictures.
    """
    several = pictures if isinstance(pictures, Sequence) and not isinstance(pictures, str) else [pictures]
    paths = [one for one in several if not hasattr(one, "ndim")]
    expected = "a picture as a path, or as an array of uint8 (height, width, channels)"
    find(["" if path == "" else str(path_of(path, expected)) for path in paths])
    return several


def found_pictures(several: Sequence[Pictures], channels: int) -> Iterator[Found]:
    """The pictures of paths and arrays, for a network that takes so many channels; see `predict`.

    Raises:
        UserError: an array is not a picture for this network.
    """
    number = 0
    for one in several:
        if isinstance(one, str | os.PathLike):
            yield from find([os.fspath(one)])
            continue
        for picture in one if one.ndim == 4 else [one]:
            _check_array(picture, f"pictures[{number}]", channels)
            yield Found(str(number), pixels=picture)
            number += 1


def _check_array(picture: np.ndarray, name: str, channels: int) -> None:
    accepted = (1, 3) if channels == 3 else (channels,)
    if picture.dtype != "uint8" or picture.ndim != 3 or picture.shape[2] not in accepted or 0 in picture.shape:
        expected = f"uint8 (height, width, {channels}), from 0 to 255"
        raise file_problem(name, f"is {picture.dtype} {picture.shape}; expected {expected}")
