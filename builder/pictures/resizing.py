"""The evaluation transform: from any picture to the network's input, the same in validation, in prediction and in an
exported model. It is pure TensorFlow, and sizes need not be known before it runs."""

from __future__ import annotations

import functools

import tensorflow as tf

from archspec.recipe.resizing import Resizing
from builder.pictures import gif, headers
from builder.pictures.orientation import upright
from builder.pictures.transparency import flattened, opaque

Shape = tuple[int, int, int]
CROP = Resizing()
"""The evaluation transform by default."""
COLOUR_TYPE = 25
"""The byte of a PNG that says whether it has colours and opacity."""
PALETTE = 256
"""The colours of a BMP of 8 bits, at most."""
BMP_WITH_MASK, BITFIELDS, OPACITY = 56, 3, 0xFF000000 - 2**32
"""The least size of the header of a BMP with opacity, its compression, and the mask, an int32."""
MARGIN = 256 / 224
"""The usual ratio of the resized side to the side of the crop (Krizhevsky et al. 2012, section 4.1)."""


def centre_crop(pictures: tf.Tensor, shape: Shape, resize: int | None = None) -> tf.Tensor:
    """Brings pictures of one size to the network's: resizes them, then crops the centre, as one operation.

    Resizing is bilinear, with antialiasing.

    Args:
        pictures: uint8 (height, width, channels) or (batch, height, width, channels); grey ones are repeated if the
            network takes three channels.
        shape: the network's input, (height, width, channels).
        resize: the length of the shorter side before the crop (a recipe's `eval_resize`); it is longer if the crop
            would not fit. By default it is 256/224 of the network's, and pictures of exactly the network's size are
            left as they are.

    Returns:
        uint8 of `shape`, with a batch dimension in front if `pictures` has one.
    """
    pictures = tf.convert_to_tensor(pictures)
    if resize is None and pictures.shape[-3:-1] == shape[:2]:
        return with_channels(pictures, shape[2])
    old = tf.shape(pictures)[-3:-1]
    new = _resized(tf.cast(old, tf.float32), shape, resize)
    offset = (new - shape[:2]) // 2
    return _placed(pictures, shape, tf.cast(new, tf.float32) / tf.cast(old, tf.float32), -tf.cast(offset, tf.float32))


def _placed(pictures: tf.Tensor, shape: Shape, scale: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
    """Pictures resized by a scale, float32 (2,), and moved by an offset in pixels of the result, in the frame of the
    network's input; what lies outside the picture is black."""
    placed = tf.raw_ops.ScaleAndTranslate(
        images=pictures if pictures.shape.rank == 4 else pictures[tf.newaxis],
        size=shape[:2],
        scale=scale,
        translation=offset,
        kernel_type="triangle",
        antialias=True,
    )
    placed = with_channels(tf.cast(tf.round(placed), tf.uint8), shape[2])
    return placed if pictures.shape.rank == 4 else placed[0]


def _resized(old: tf.Tensor, shape: Shape, resize: int | None) -> tf.Tensor:
    """The height and width, int32, to which a picture of size `old` is resized before the crop."""
    target = tf.constant(shape[:2], tf.float32)
    if resize is None:
        side = min(shape[:2])
        scale = tf.reduce_max(target / old) * (round(side * MARGIN) / side)
        scale = tf.where(tf.reduce_all(old == target), 1.0, scale)
    else:
        scale = tf.maximum(resize / tf.reduce_min(old), tf.reduce_max(target / old))
    return tf.cast(tf.maximum(tf.round(old * scale), target), tf.int32)


def fitted(pictures: tf.Tensor, shape: Shape, resizing: Resizing = CROP) -> tf.Tensor:
    """The evaluation transform: brings pictures of one size to the network's.

    Resizing is bilinear, with antialiasing. Pictures of exactly the network's size are left as they are, unless a side
    is given.

    Args:
        pictures: uint8 (height, width, channels) or (batch, height, width, channels); grey ones are repeated if the
            network takes three channels.
        shape: the network's input, (height, width, channels).
        resizing: a recipe's.

    Returns:
        uint8 of `shape`, with a batch dimension in front if `pictures` has one.
    """
    if resizing.mode == "crop":
        return centre_crop(pictures, shape, resizing.side)
    pictures = tf.convert_to_tensor(pictures)
    target = tf.constant(shape[:2], tf.float32)
    old = tf.cast(tf.shape(pictures)[-3:-1], tf.float32)
    if resizing.mode == "stretch":
        return _placed(pictures, shape, target / old, tf.zeros(2))
    new = tf.clip_by_value(tf.round(old * tf.reduce_min(target / old)), 1.0, target)
    return _placed(pictures, shape, new / old, tf.floor((target - new) / 2))


def fitted_bytes(
    contents: tf.Tensor, shape: Shape, resizing: Resizing = CROP, is_turned: bool = False, is_checked: bool = False
) -> tf.Tensor:
    """Decodes JPEG, PNG, GIF, BMP or WebP files and brings them to the network's size; see `decoded` and `fitted`.

    Args:
        contents: the bytes of a file, a scalar string, or a batch of them, (batch,).
        shape, resizing: see `fitted`.
        is_turned, is_checked: see `decoded`.

    Returns:
        uint8 of `shape`, with a batch dimension in front if `contents` has one.
    """

    def transform(one: tf.Tensor) -> tf.Tensor:
        return fitted(decoded(one, shape[2], is_turned, is_checked), shape, resizing)

    if contents.shape.rank == 0:
        return transform(contents)
    return tf.map_fn(transform, contents, fn_output_signature=tf.TensorSpec(shape, tf.uint8))


def decoded(contents: tf.Tensor, channels: int, is_turned: bool = False, is_checked: bool = False) -> tf.Tensor:
    """One encoded picture as uint8 (height, width, channels).

    The first frame of a GIF is taken. Grey is repeated if three channels are wanted, and colours become grey if one is.
    Palettes become the colours they stand for. Transparent parts are put on a background
    (`builder.pictures.transparency`), unless four channels are wanted.

    Fails with `tf.errors.InvalidArgumentError` for a file that is damaged, or that `builder.pictures.headers` refuses.

    Args:
        contents: the bytes of a JPEG, PNG, GIF, BMP or WebP file.
        channels: the channels of the result.
        is_turned: whether JPEGs are turned as their Exif metadata say, as a served model does. Training and validation
            take pixels as they are stored, as is usual for ImageNet.
        is_checked: whether the header is known to be in order, as it is once `builder.data.decodable` has seen it. Then
            a JPEG of too many pixels is decoded at half its size.
    """
    contents = contents if is_checked else headers.checked(contents)

    def jpeg() -> tf.Tensor:
        def at(scale: int) -> tf.Tensor:
            return tf.io.decode_jpeg(contents, min(channels, 3), ratio=scale)

        if is_checked:
            picture = tf.cond(headers.is_reduced(contents), lambda: at(headers.REDUCTION), lambda: at(1))
        else:
            picture = at(1)
        return opaque(picture) if channels == 4 else picture

    def other() -> tf.Tensor:
        if channels == 1:
            return tf.cond(is_plain_grey(contents), lambda: tf.io.decode_png(contents, 1), coloured)
        return coloured()

    def coloured() -> tf.Tensor:
        picture = decoded_colours(contents)
        return opaque(picture) if channels == 4 else grey(flattened(picture)) if channels == 1 else flattened(picture)

    def grey(picture: tf.Tensor) -> tf.Tensor:
        is_grey = tf.reduce_all(picture == picture[..., :1])
        return tf.cond(is_grey, lambda: picture[..., :1], lambda: tf.image.rgb_to_grayscale(picture))

    picture = tf.ensure_shape(tf.cond(tf.image.is_jpeg(contents), jpeg, other), (None, None, channels))
    return upright(picture, contents) if is_turned else picture


@tf.function(autograph=False)  # traced once, and not by each graph that decodes pictures: that takes a second
def decoded_colours(contents: tf.Tensor) -> tf.Tensor:
    """A PNG, GIF, BMP or WebP as uint8 (height, width, 3), or 4 with opacity."""

    def png_or_webp() -> tf.Tensor:
        channels = 0  # those of the file, as TensorFlow neither adds nor removes the opacity of a WebP
        webp = functools.partial(tf.io.decode_image, contents, channels, expand_animations=False)
        return tf.cond(headers.is_webp(contents), webp, png)

    def png() -> tf.Tensor:
        with_opacity, without = (functools.partial(tf.io.decode_png, contents, channels) for channels in (4, 3))
        return tf.cond(has_opacity(contents), with_opacity, without)  # four channels take half as long again

    def gif_or_other() -> tf.Tensor:
        return tf.cond(gif.is_gif(contents), lambda: gif.decoded(contents), png_or_webp)

    picture = tf.cond(headers.is_bmp(contents), lambda: decoded_bmp(contents)[0], gif_or_other)
    return tf.ensure_shape(picture, (None, None, None))


def has_opacity(contents: tf.Tensor) -> tf.Tensor:
    """Whether a PNG may have transparent parts by what precedes its pixels: its colour type, or a chunk tRNS (W3C,
    Portable Network Graphics, sections 11.2.1 and 11.3.1.1)."""
    head = tf.strings.split(contents, "IDAT", maxsplit=1)[0]
    colour_type = tf.strings.substr(contents, COLOUR_TYPE, 1)
    return (colour_type == b"\4") | (colour_type == b"\6") | tf.strings.regex_full_match(head, r"(?s)\C*tRNS\C*")


def is_plain_grey(contents: tf.Tensor) -> tf.Tensor:
    """Whether a file is a PNG of greys without opacity."""
    is_grey = tf.strings.regex_full_match(tf.strings.substr(contents, 0, COLOUR_TYPE + 1), r"(?s)\C{12}IHDR\C{9}\x00")
    return is_grey & ~has_opacity(contents)


@tf.function(autograph=False)
def is_stored_grey(contents: tf.Tensor) -> tf.Tensor:
    """Whether a PNG, GIF, BMP or WebP is grey by its file: a PNG by its colour type (W3C, Portable Network Graphics,
    section 11.2.1), a BMP by its palette."""

    def png() -> tf.Tensor:
        colour_type = tf.strings.substr(contents, COLOUR_TYPE, 1)
        return (tf.strings.substr(contents, 1, 3) == b"PNG") & ((colour_type == b"\0") | (colour_type == b"\4"))

    return tf.cond(headers.is_bmp(contents), lambda: decoded_bmp(contents)[1], png)


def decoded_bmp(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A BMP as uint8 (height, width, 3), or 4 with opacity; and whether it has a palette of greys alone.

    TensorFlow's decoder returns the numbers of a palette's colours as if they were shades of grey. Of 32 bits, the last
    eight are opacity only if the header has a mask for it (BITMAPV4HEADER, bV4AlphaMask).
    """
    stored = tf.io.decode_bmp(contents)

    def of_palette() -> tuple[tf.Tensor, tf.Tensor]:
        start, count = (_whole_number(contents, position) for position in (14, 46))  # the header's size, the colours
        count = tf.where((count < 1) | (count > PALETTE), PALETTE, count)
        entries = tf.io.decode_raw(tf.strings.substr(contents, 14 + start, 4 * count), tf.uint8)
        colours = tf.reshape(entries, (-1, 4))[:, 2::-1]  # blue, green, red, unused
        return tf.gather(colours, tf.cast(stored[..., 0], tf.int32)), tf.reduce_all(colours[:, :1] == colours)

    def of_colours() -> tuple[tf.Tensor, tf.Tensor]:
        size, compression = _whole_number(contents, 14), _whole_number(contents, 30)
        has_mask = (size >= BMP_WITH_MASK) & (compression == BITFIELDS)
        has_opacity = tf.cond(has_mask, lambda: _whole_number(contents, 66) == OPACITY, lambda: tf.constant(False))
        return tf.cond(has_opacity, lambda: stored, lambda: stored[..., :3]), tf.constant(False)

    return tf.cond(tf.shape(stored)[2] == 1, of_palette, of_colours)


def _whole_number(contents: tf.Tensor, position: int) -> tf.Tensor:
    """The little-endian whole number in four bytes, int32."""
    return tf.io.decode_raw(tf.strings.substr(contents, position, 4), tf.int32)[0]


def with_channels(pictures: tf.Tensor, channels: int) -> tf.Tensor:
    """Repeats grey pictures (..., 1) to more channels; others are returned as they are."""
    grey = pictures.shape[-1] == 1 and channels > 1
    return tf.repeat(pictures, channels, axis=-1) if grey else pictures
