"""Augmentations that only move pixels along the axes, crops and flips, for a whole batch at once.

Each row and column of the result is taken from one of the picture's, counted from a first one upwards or downwards. A
crop and the flips around it are composed on these two numbers, and the pixels are then moved once for each axis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from archspec.recipe.augment import HorizontalFlip, RandomCrop, VerticalFlip
from builder.augment.arithmetic import index

ROWS, COLUMNS = 1, 2
"""The axes of a batch of pictures."""


class Source(NamedTuple):
    """Where the lines of an axis, its rows or its columns, are taken from.

    Attributes:
        length: the number of lines.
        first: the line, of the picture with its border, that becomes the first one, int32 (batch,).
        step: 1 or -1, int32 (batch,): the distance to the source of the next line.
    """

    length: int
    first: tf.Tensor
    step: tf.Tensor

    def shifted(self, lines: tf.Tensor) -> Source:
        """The source after each picture is moved up or left by a number of lines, int32 (batch,)."""
        return self._replace(first=self.first + self.step * lines)

    def mirrored(self, chosen: tf.Tensor) -> Source:
        """The source after the pictures that are chosen, bool (batch,), are mirrored."""
        last = self.first + self.step * (self.length - 1)
        return self._replace(first=tf.where(chosen, last, self.first), step=tf.where(chosen, -self.step, self.step))

    @property
    def lines(self) -> tf.Tensor:
        """The source of each line, int32 (batch, length)."""
        return self.first[:, tf.newaxis] + self.step[:, tf.newaxis] * tf.range(self.length)


Sources = dict[int, Source]
"""The source of each axis."""


class Move(NamedTuple):
    """How a crop or a flip is carried out.

    Attributes:
        apply: from (options, the sources so far, its numbers) to the new sources.
        numbers: the random numbers that a picture takes.
    """

    apply: Callable[[Any, Sources, tf.Tensor], Sources]
    numbers: int


def random_crop(options: RandomCrop, sources: Sources, numbers: tf.Tensor) -> Sources:
    """Adds a border and crops the picture's own size. Its two numbers say how far down and how far right."""
    starts = index(numbers, 2 * options.pad + 1) - options.pad
    return {axis: source.shifted(starts[:, axis - ROWS]) for axis, source in sources.items()}


def horizontal_flip(options: HorizontalFlip, sources: Sources, numbers: tf.Tensor) -> Sources:
    """Mirrors the pictures whose number is below the probability."""
    return {**sources, COLUMNS: sources[COLUMNS].mirrored(numbers[:, 0] < options.probability)}


def vertical_flip(options: VerticalFlip, sources: Sources, numbers: tf.Tensor) -> Sources:
    """Mirrors top to bottom the pictures whose number is below the probability."""
    return {**sources, ROWS: sources[ROWS].mirrored(numbers[:, 0] < options.probability)}


MOVES = {
    RandomCrop: Move(random_crop, 2),
    HorizontalFlip: Move(horizontal_flip, 1),
    VerticalFlip: Move(vertical_flip, 1),
}
"""The augmentations that only move pixels."""
FLIPS = {HorizontalFlip: COLUMNS, VerticalFlip: ROWS}
"""The axis of each flip."""


def runs(augmentations: Sequence[Any]) -> list[list[Any]]:
    """Some of MOVES, in order, in parts of at most one crop each, as each crop has a border of its own."""
    found: list[list[Any]] = [[]]
    for options in augmentations:
        if isinstance(options, RandomCrop) and any(isinstance(one, RandomCrop) for one in found[-1]):
            found.append([])
        found[-1].append(options)
    return found


def mover(run: Sequence[Any]) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A function of pictures, uint8 (batch, height, width, channels), of which all but the batch must be known, and of
    the run's numbers, float32 (batch, count), to the pictures after one of `runs`."""
    crop = next((options for options in run if isinstance(options, RandomCrop)), None)
    if crop is None:
        return tf.function(functools.partial(_flipped, run), jit_compile=True, autograph=False)
    gather = tf.function(functools.partial(_gathered, crop), jit_compile=True, autograph=False)

    def move(pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        # Not compiled with the gather, in which XLA would compute the lines again for each pixel: up to five times as
        # long.
        return gather(pictures, *_lines(run, crop, pictures, numbers))

    return move


def _flipped(run: Sequence[Any], pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Pictures after flips alone: XLA reverses whole pictures and selects among them in a third of the time that a
    gather of their columns takes."""
    for number, options in enumerate(run):
        chosen = (numbers[:, number] < options.probability)[:, tf.newaxis, tf.newaxis, tf.newaxis]
        pictures = tf.where(chosen, tf.reverse(pictures, [FLIPS[type(options)]]), pictures)
    return pictures


def _lines(run: Sequence[Any], crop: RandomCrop, pictures: tf.Tensor, numbers: tf.Tensor) -> list[tf.Tensor]:
    """The rows and the columns, of pictures with the crop's border, that pixels are taken from."""
    count, used = tf.shape(pictures)[0], 0
    first, step = tf.fill([count], crop.pad), tf.ones([count], tf.int32)
    sources = {axis: Source(pictures.shape[axis], first, step) for axis in (ROWS, COLUMNS)}
    for options in run:
        move = MOVES[type(options)]
        sources = move.apply(options, sources, numbers[:, used : used + move.numbers])
        used += move.numbers
    return [sources[axis].lines for axis in (ROWS, COLUMNS)]


def _gathered(crop: RandomCrop, pictures: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Pictures made of some rows and columns of those with the crop's border."""
    border = [crop.pad, crop.pad]
    padded = tf.pad(pictures, [[0, 0], border, border, [0, 0]], constant_values=crop.fill)
    # Not `tf.slice`: XLA would treat the corner as a constant, and compile again for each of its values.
    return tf.gather(tf.gather(padded, rows, axis=ROWS, batch_dims=1), columns, axis=COLUMNS, batch_dims=1)
