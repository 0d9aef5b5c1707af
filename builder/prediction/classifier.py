"""Classifying pictures by a trained run or an exported model: any number of them, in little memory."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from archspec.files import read_bytes
from archspec.recipe.resizing import Resizing
from archspec.wording import counted, first_few, printable
from builder.pictures.pixel_range import NAMED, PixelRange, Ranges
from builder.prediction.finding import Found
from builder.system.limits import MOST_PICTURE_BYTES
from builder.system.public_calls import warn
from builder.system.terminal import Say, silent

if TYPE_CHECKING:  # files and runs are looked up without TensorFlow
    import numpy as np

BATCH = 32
AHEAD = 4
"""The number of batches that are read while one goes through the network."""


@dataclass(frozen=True)
class Prediction:
    """What a picture shows.

    Attributes:
        path: the path of the file.
        classes: the names and probabilities, from 0 to 1, of the most probable classes, the highest first.
        error: why the file could not be read; None if it could.
    """

    path: str
    classes: tuple[tuple[str, float], ...] = ()
    error: str | None = None


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained network that classifies pictures.

    Attributes:
        shape: the shape of its input, (height, width, channels).
        resizing: the evaluation transform.
        class_names: the names of the classes, by label.
        pixel_range: the range of the pixels that it was trained on.
        probabilities: from pictures, uint8 (batch, *shape), to probabilities, float32 (batch, classes).
        darkest: the highest pixel of the darkest picture that it was trained on; 0 if it is not known.
    """

    shape: tuple[int, int, int]
    resizing: Resizing
    class_names: tuple[str, ...]
    pixel_range: PixelRange
    probabilities: Callable[[np.ndarray], np.ndarray]
    darkest: int = 0


def classify(classifier: Classifier, pictures: Iterable[Found], top: int = 5, say: Say = warn) -> Iterator[Prediction]:
    """Predicts the most probable classes of pictures, in order, after the evaluation transform.

    While a batch goes through the network, threads read the next few; no more than these are in memory.

    Args:
        classifier: from the function that `open_classifier` returns.
        pictures: from `builder.prediction.finding.find`.
        top: the number of classes in each prediction.
        say: takes lines at the end that count and name the pictures that were decoded at a smaller size, and those
            whose pixels were far outside the range that the network was trained on, each judged by itself.
    """
    return (one.prediction(classifier.class_names, top) for one in scored(classifier, pictures, say))


@dataclass(frozen=True, eq=False)
class Scored:
    """A picture that went through a network, or the reason why it did not.

    Attributes:
        path: the path of the file.
        picture: the network's input, uint8 (height, width, channels); None if the file could not be read.
        shares: the probabilities of the classes, float32 (classes,); None likewise.
        error: why the file could not be read; None if it could.
    """

    path: str
    picture: np.ndarray | None = None
    shares: np.ndarray | None = None
    error: str | None = None

    def prediction(self, class_names: Sequence[str], top: int) -> Prediction:
        """The most probable classes."""
        if self.shares is None:
            return Prediction(self.path, error=self.error)
        return Prediction(self.path, _highest(self.shares, class_names, top))


def scored(classifier: Classifier, pictures: Iterable[Found], say: Say = warn) -> Iterator[Scored]:
    """The pictures and the probabilities of their classes, in order; see `classify`."""
    import numpy as np

    pictures = iter(pictures)
    reduced: list[str] = []
    read = reader(classifier, reduced.append)
    ranges = Ranges(classifier.pixel_range, classifier.darkest)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        ahead: deque[tuple[Found, Future[Any]]] = deque()

        def fill() -> None:
            for file in islice(pictures, AHEAD * BATCH - len(ahead)):
                ahead.append((file, threads.submit(read, file)))

        fill()
        while ahead:
            some = [
                (file, future.result()) for file, future in (ahead.popleft() for _ in range(min(BATCH, len(ahead))))
            ]
            fill()
            good = [picture for _, picture in some if not isinstance(picture, str)]
            shares = iter(classifier.probabilities(np.stack(good)) if good else ())
            for file, picture in some:
                if isinstance(picture, str):
                    yield Scored(file.path, error=picture)
                else:
                    ranges.add(file.path, PixelRange(int(picture.min()), int(picture.max())))
                    yield Scored(file.path, picture, next(shares))
    if reduced:
        names = ", ".join(first_few([printable(path) for path in sorted(reduced)], NAMED))
        which = f"{len(reduced):,} of {counted(ranges.count, 'picture')} ({names})"
        say(
            f"{which} {'was' if len(reduced) == 1 else 'were'} decoded at half the size, as JPEGs of so many pixels are"
        )
    for line in ranges.warnings():
        say(line)


def _highest(shares: np.ndarray, names: Sequence[str], top: int) -> tuple[tuple[str, float], ...]:
    order = (-shares).argsort(kind="stable")[:top].tolist()
    return tuple((names[index], float(shares[index])) for index in order)


def reader(classifier: Classifier, note: Say = silent) -> Callable[[Found], np.ndarray | str]:
    """A function from a picture to the network's input, uint8 (height, width, channels), or to the reason why it cannot
    be read. Several threads may call it at once. The paths of pictures that are decoded at a smaller size go to `note`,
    from any of the threads."""
    import tensorflow as tf

    from builder.pictures.headers import LARGE, why_refused
    from builder.pictures.reading import UnreadablePicture, needs_turning, read_picture
    from builder.pictures.resizing import fitted, fitted_bytes, with_channels

    shape, resizing = classifier.shape, classifier.resizing

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def usual(contents: tf.Tensor) -> tf.Tensor:
        return fitted_bytes(contents, shape, resizing)

    @tf.function(input_signature=[tf.TensorSpec([None, None, shape[2]], tf.uint8)], autograph=False)
    def other(picture: tf.Tensor) -> tf.Tensor:
        return fitted(picture, shape, resizing)

    # Traced when first needed. Otherwise TensorFlow warns of those of several readers as if they were one function.
    traced_usual, traced_other = map(functools.cache, (usual.get_concrete_function, other.get_concrete_function))

    def read(file: Found) -> np.ndarray | str:
        if file.error:
            return file.error
        if file.pixels is not None:
            return traced_other()(with_channels(tf.constant(file.pixels), shape[2])).numpy()
        try:
            contents = read_bytes(file.path, MOST_PICTURE_BYTES)
        except OSError as problem:
            return f"cannot be read: {problem.strerror}"
        try:
            if contents and not needs_turning(contents):
                return traced_usual()(tf.constant(contents)).numpy()
        except tf.errors.OpError:
            pass  # Pillow may be able to read it
        try:
            picture = traced_other()(read_picture(contents, shape[2])).numpy()
            if why_refused(contents) == LARGE:
                note(file.path)
            return picture
        except UnreadablePicture as problem:
            return f"cannot be decoded: {problem}"
        except (MemoryError, tf.errors.ResourceExhaustedError):
            return "cannot be decoded: it needs more memory than there is"
        except tf.errors.OpError as problem:
            return f"cannot be decoded: {str(problem.message).splitlines()[0][:200]}"

    return read
