"""RandAugment, TrivialAugment and AugMix: operations on one picture, drawn from RandAugment's fourteen.

XLA compiles each kind of operation once, so operations that differ only in numbers share a kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from archspec.recipe.augment import AugMix, RandAugment, TrivialAugment
from builder.augment.arithmetic import grey, index, inside, to_float, to_pixels

Values = tuple[float, ...]
MAGNITUDES = 31
"""The magnitudes that TrivialAugment and AugMix draw from; in RandAugment's units they are 0 to 30."""
LONGEST_CHAIN = 3
"""The operations in a chain of AugMix, at most."""
MIXED = (
    "auto_contrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y", "translate_x", "translate_y",
)  # fmt: skip
"""The operations of AugMix (its section 3)."""


class Operation(NamedTuple):
    """A kind of operation, and the values it takes, at most six."""

    kind: str
    values: Values = ()


def operations(height: int, width: int, strength: float, sign: int) -> dict[str, Operation]:
    """The paper's operations by name, for pictures of a size.

    Args:
        height, width: the size of the picture.
        strength: from 0, which changes nothing, to 1, the end of AutoAugment's ranges (Cubuk et al. 2018,
            arXiv:1805.09501, table 6).
        sign: the direction, 1 or -1.
    """
    factor = 1 + sign * 0.9 * strength
    angle, shear, shift = (sign * strength * most for most in (math.radians(30), 0.3, 150 / 331))
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = width / 2, height / 2
    return {
        "identity": Operation("identity"),
        "auto_contrast": Operation("auto_contrast"),
        "equalize": Operation("equalize"),
        "rotate": Operation("move", (cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y)),
        "solarize": Operation("solarize", (256 * (1 - strength),)),
        "color": Operation("blend", (factor, 1 - factor, 0.0)),
        "posterize": Operation("posterize", (float(0xFF << round(4 * strength) & 0xFF),)),
        "contrast": Operation("blend", (factor, 0.0, 1 - factor)),
        "brightness": Operation("blend", (factor, 0.0, 0.0)),
        "sharpness": Operation("sharpen", (factor,)),
        "shear_x": Operation("move", (1.0, shear, 0.0, 0.0, 1.0, 0.0)),
        "shear_y": Operation("move", (1.0, 0.0, 0.0, shear, 1.0, 0.0)),
        "translate_x": Operation("move", (1.0, 0.0, shift * width, 0.0, 1.0, 0.0)),
        "translate_y": Operation("move", (1.0, 0.0, 0.0, 0.0, 1.0, shift * height)),
    }


def rand_augment(options: RandAugment, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The picture after as many operations as there are numbers. Each number selects an operation and its direction."""
    height, width, _ = picture.shape
    table = _ways(height, width, options.magnitude / 30)

    def layer(number: tf.Tensor, picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Not `numbers[number]`: XLA would treat the index as a constant, and compile again for each of its values.
        chosen = index(tf.gather(numbers, number), len(table))
        return number + 1, _applied(options, picture, table, chosen)

    return tf.while_loop(lambda number, _: number < options.layers, layer, (0, picture))[1]


def trivial_augment(options: TrivialAugment, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The picture after one operation. Its two numbers select the operation with its direction, and the magnitude."""
    height, width, _ = picture.shape
    table = [operation for magnitude in range(MAGNITUDES) for operation in _ways(height, width, magnitude / 30)]
    count = len(table) // MAGNITUDES
    return _applied(options, picture, table, count * index(numbers[1], MAGNITUDES) + index(numbers[0], count))


def aug_mix(options: AugMix, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """A weighted mean of the picture and of the results of several chains of operations.

    The first number says the share of the chains. Each chain has eight: its weight, its length, and for each of up to
    three operations which, with its direction, and the magnitude. With the paper's alpha of 1, shares are uniform
    numbers, and weights exponentially distributed ones that are divided by their sum.
    """
    height, width, _ = picture.shape
    strengths = [options.severity / 10 * (level + 1) / MAGNITUDES for level in range(MAGNITUDES)]
    table = [operation for strength in strengths for operation in _ways(height, width, strength, MIXED)]
    count = len(table) // MAGNITUDES
    chains = tf.reshape(numbers[1:], (options.width, 2 + 2 * LONGEST_CHAIN))
    weights = -tf.math.log(tf.clip_by_value(chains[:, 0], 1e-6, 1 - 1e-6))
    weights = numbers[0] * weights / tf.reduce_sum(weights)

    def step(number: tf.Tensor, current: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        chain, place = number // LONGEST_CHAIN, number % LONGEST_CHAIN
        drawn = tf.gather(chains, chain)
        which = index(tf.gather(drawn, 2 + 2 * place), count)
        magnitude = index(tf.gather(drawn, 3 + 2 * place), MAGNITUDES)
        chosen = count * magnitude + which
        before = tf.where(place == 0, picture, current)
        is_part = place <= index(drawn[1], LONGEST_CHAIN)
        after = tf.where(is_part, _applied(options, before, table, chosen), before)
        share = tf.where(place == LONGEST_CHAIN - 1, tf.gather(weights, chain), 0.0)
        return number + 1, after, total + share * to_float(after)

    steps = options.width * LONGEST_CHAIN
    start = (0, picture, (1 - numbers[0]) * to_float(picture))
    return to_pixels(tf.while_loop(lambda number, *_: number < steps, step, start)[2])


def _ways(height: int, width: int, strength: float, names: Sequence[str] = ()) -> list[Operation]:
    """Operations at a strength, each in both directions; all, or those with some names."""
    forth, back = (operations(height, width, strength, sign) for sign in (1, -1))
    return [way[name] for name in names or forth for way in (forth, back)]


def _applied(options: Any, picture: tf.Tensor, table: Sequence[Operation], chosen: tf.Tensor) -> tf.Tensor:
    """The picture after the operation with a number in a table."""
    kinds = tf.constant([list(KINDS).index(operation.kind) for operation in table])
    values = tf.constant([(*operation.values, *[0.0] * (6 - len(operation.values))) for operation in table])
    branches = [lambda kind=kind: kind(options, picture, tf.gather(values, chosen)) for kind in KINDS.values()]
    return tf.switch_case(tf.gather(kinds, chosen), branches)


# -- kinds -----------------------------------------------------------------------------------------------------------


def identity(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The picture as it is."""
    return picture


def move(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Takes each pixel from the one nearest to (a x + b y + c, d x + e y + f), or from the fill outside the picture."""
    height, width, channels = picture.shape
    rows = tf.range(height, dtype=tf.float32)[:, tf.newaxis] + 0.5
    columns = tf.range(width, dtype=tf.float32) + 0.5
    a, b, c, d, e, f = tf.unstack(values)
    x = tf.cast(tf.floor(a * columns + b * rows + c), tf.int32)
    y = tf.cast(tf.floor(d * columns + e * rows + f), tf.int32)
    known = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    source = tf.clip_by_value(y, 0, height - 1) * width + tf.clip_by_value(x, 0, width - 1)
    moved = tf.gather(tf.reshape(picture, (height * width, channels)), source)
    return tf.where(known[..., tf.newaxis], moved, tf.constant(options.fill, tf.uint8))


def blend(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """A weighted sum of the picture, its grey, and its mean grey."""
    own, greys, mean = tf.unstack(values[:3])
    pixels = to_float(picture)
    greyed = grey(pixels)
    return to_pixels(own * pixels + greys * greyed + mean * tf.reduce_mean(greyed))


def sharpen(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Moves pixels away from, or towards, a mean over 3x3 pixels in which the middle counts five times. The picture's
    edges are kept."""
    height, width, _ = picture.shape
    pixels = to_float(picture)
    padded = tf.pad(picture, [[1, 1], [1, 1], [0, 0]])
    around = [to_float(padded[y : y + height, x : x + width]) for y in range(3) for x in range(3)]
    smooth = (tf.add_n(around) + 4 * pixels) / 13
    smooth = tf.where(inside(picture.shape, 1, 1, height - 1, width - 1), smooth, pixels)
    return to_pixels(smooth + (pixels - smooth) * values[0])


def posterize(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Keeps only the highest bits."""
    return tf.bitwise.bitwise_and(picture, tf.cast(values[0], tf.uint8))


def solarize(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Inverts values that reach a threshold."""
    return tf.where(to_float(picture) < values[0], picture, 255 - picture)


def auto_contrast(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Stretches each channel to the range from 0 to 255."""
    least, most = (to_float(reduce(picture, (0, 1))) for reduce in (tf.reduce_min, tf.reduce_max))
    stretched = to_pixels((to_float(picture) - least) * (255 / tf.maximum(most - least, 1)))
    return tf.where(most > least, stretched, picture)


def equalize(options: Any, picture: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Spreads the values of each channel so that their histogram is flat, in whole numbers as Pillow does it."""
    height, width, channels = picture.shape
    entries = tf.cast(picture, tf.int32) + 256 * tf.range(channels)
    ones = tf.ones(height * width * channels, tf.int32)
    counts = tf.tensor_scatter_nd_add(tf.zeros(256 * channels, tf.int32), tf.reshape(entries, (-1, 1)), ones)
    counts = tf.reshape(counts, (channels, 256))
    highest = tf.gather(counts, tf.cast(tf.reduce_max(picture, (0, 1)), tf.int32), batch_dims=1)
    step = ((height * width - highest) // 255)[:, tf.newaxis]
    below = tf.cumsum(counts, 1, exclusive=True)
    spread = tf.minimum((below + step // 2) // tf.maximum(step, 1), 255)
    table = tf.cast(tf.where(step > 0, spread, tf.range(256)), tf.uint8)
    return tf.gather(tf.reshape(table, [-1]), entries)


KINDS = {
    function.__name__: function
    for function in (identity, move, blend, sharpen, posterize, solarize, auto_contrast, equalize)
}
