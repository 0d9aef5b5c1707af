"""Reading and augmenting JPEGs: this project's batches, Keras layers in tf.data, and torchvision's DataLoader."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.augment import HorizontalFlip
from archspec.recipe.crops import RandomResizedCrop
from archspec.recipe.data import Digits, Folder
from benchmarks.asked import NO_TORCH, torch_process
from benchmarks.measure import Row, in_turn, seconds, show
from builder.data import Arrays, Data, load_data
from builder.data.batches import training_batches
from builder.data.decodable import decode_all
from builder.data.splits import Encoded
from builder.pictures.normalisation import Normalisation
from builder.pictures.pixel_range import ANY

PICTURES, EPOCHS, BATCH, ROUNDS = 512, 3, 64, 3
SIZE, CROP = (375, 500), 224
LARGE, LARGE_PICTURES, LARGE_BATCH = (3000, 4000), 16, 8
"""Height and width of a photograph of 12 megapixels, how many there are, and how many of them make a batch."""
WORKERS = 2


def run() -> None:
    temporary = Path(tempfile.gettempdir())
    folder = jpegs(temporary / "convspec-benchmark-jpegs")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    compared(folder / "pictures", "JPEGs of 500x375", BATCH, 2.0, 2.0)
    compared(photographs(temporary / "convspec-benchmark-photographs"), "JPEGs of 4000x3000", LARGE_BATCH, None, 4.0)
    print(
        "torchvision antialiases (Pillow); this project and Keras's side resize bilinearly without, as tf.image does."
    )
    data = load_data(Folder(path=str(folder / "pictures")), (CROP, CROP, 3))
    assert isinstance(data.train, Encoded)
    taken = seconds(functools.partial(decode_all, data.train, print))
    size_rows = [Row("looking at each JPEG once, before training", f"{PICTURES / taken:.0f} img/s", "")]
    size_rows.append(Row("32x32x3 from memory, batches of 128", f"{in_memory():,.0f} img/s", ""))
    show("Other rates", size_rows, "")


def compared(pictures: Path, what: str, batch: int, against_keras: float | None, against_torch: float) -> None:
    """Compares a random resized crop and flip of a folder's pictures; the last two are the targets."""
    source = Folder(path=str(pictures))
    data = load_data(source, (CROP, CROP, 3))
    recipe = Train(
        data=source, batch_size=batch, epochs=EPOCHS, augment=(RandomResizedCrop(), HorizontalFlip()), cache="off"
    )
    count = data.train_count // batch * batch * EPOCHS
    ours = functools.partial(consume, training_batches(data, recipe, batch))
    theirs = functools.partial(consume, keras_batches(data, batch))
    rows = [row("tf.data and Keras's flip", ours, theirs, against_keras, count)]
    with torch_process("torch_loader.py", pictures / "train", WORKERS, batch, EPOCHS, CROP) as loader:
        if loader is not None:
            rows.append(row(f"torchvision, {WORKERS} workers", ours, loader, against_torch, count))
    show(f"{what}: random resized crop of {CROP} and flip, images/s", rows, "other")
    if len(rows) == 1:
        print(f"torchvision was not measured: {NO_TORCH}")


def row(name: str, ours: Callable[[], object], other: Callable[[], object], target: float | None, count: int) -> Row:
    our_seconds, other_seconds, ratio = in_turn(ours, other, ROUNDS)
    return Row(f"against {name}", f"{count / our_seconds:.0f}", f"{count / other_seconds:.0f}", ratio, target)


def consume(batches: tf.data.Dataset) -> None:
    for _ in batches:
        pass


def keras_batches(data: Data, batch: int) -> tf.data.Dataset:
    """Sends the same pictures, as many times, shuffled, through tf.image's random resized crop and Keras's flip, as
    Keras itself has no such crop: TensorFlow's documentation of `sample_distorted_bounding_box` does it so."""
    assert isinstance(data.train, Encoded)
    names = [data.train.name(number) for number in range(data.train.count)]
    labels = [int(data.train.read(tf.constant(number, tf.int64))[1]) for number in range(data.train.count)]
    flip = keras.layers.RandomFlip("horizontal")

    def cropped(name: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = tf.io.decode_jpeg(tf.io.read_file(name), 3)
        begin, size, _ = tf.image.sample_distorted_bounding_box(
            tf.shape(picture),
            tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
            min_object_covered=0.0,
            aspect_ratio_range=(3 / 4, 4 / 3),
            area_range=(0.08, 1.0),
            max_attempts=10,
            use_image_if_no_bounding_boxes=True,
        )
        return tf.image.resize(tf.slice(picture, begin, size), (CROP, CROP)), label

    def flipped(pictures: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(tf.round(flip(pictures, training=True)), tf.uint8), labels

    dataset = tf.data.Dataset.from_tensor_slices((names, labels)).shuffle(len(names)).repeat(EPOCHS)
    batches = dataset.map(cropped, tf.data.AUTOTUNE).batch(batch, drop_remainder=True)
    return batches.map(flipped, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def in_memory() -> float:
    """Measures images/s of shuffled batches of CIFAR-like pictures in memory."""
    generator = np.random.default_rng(0)
    arrays = Arrays(
        tf.constant(generator.integers(0, 256, (50_000, 32, 32, 3), np.uint8)),
        tf.constant(generator.integers(0, 10, 50_000)),
    )
    data = Data("random", arrays, arrays, (32, 32, 3), tuple("0123456789"), Normalisation((0.0,), (1.0,)), ANY, "")
    batches = training_batches(data, Train(data=Digits(), batch_size=128, epochs=4), 128)
    consume(batches.take(10))
    return 4 * 390 * 128 / seconds(functools.partial(consume, batches))


def jpegs(folder: Path) -> Path:
    """Makes a folder of 500x375 JPEGs, cut from the photographs in scikit-learn, unless it exists."""
    done = folder / f"made-{PICTURES}"
    if not done.exists():
        for number, picture in enumerate(parts(PICTURES + 8)):
            part = "train" if number < PICTURES else "validation"
            path = folder / "pictures" / part / str(number % 2) / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tf.io.encode_jpeg(picture, quality=90).numpy())
        done.touch()
    return folder


def photographs(folder: Path) -> Path:
    """Makes a folder of JPEGs of 12 megapixels and about 3 MB, mosaics of mirrored photographs, unless it exists."""
    done = folder / f"made-{LARGE_PICTURES}"
    if not done.exists():
        from sklearn.datasets import load_sample_images

        tiles, generator = load_sample_images().images, np.random.default_rng(0)
        height, width, _ = tiles[0].shape

        def tile() -> np.ndarray:
            down, right = generator.choice([-1, 1], 2)
            return tiles[generator.integers(len(tiles))][::down, ::right]

        for number in range(LARGE_PICTURES + 2):
            mosaic = [[tile() for _ in range(-(-LARGE[1] // width))] for _ in range(-(-LARGE[0] // height))]
            photograph = np.concatenate([np.concatenate(line, 1) for line in mosaic])[: LARGE[0], : LARGE[1]]
            part = "train" if number < LARGE_PICTURES else "validation"
            path = folder / "pictures" / part / str(number % 2) / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tf.io.encode_jpeg(photograph, quality=90).numpy())
        done.touch()
    return folder / "pictures"


def parts(count: int) -> Iterator[tf.Tensor]:
    from sklearn.datasets import load_sample_images

    photographs, generator = load_sample_images().images, np.random.default_rng(0)
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        height = int(generator.integers(250, 428))
        width = height * SIZE[1] // SIZE[0]
        top, left = generator.integers(428 - height), generator.integers(641 - width)
        part = tf.image.resize(photograph[top : top + height, left : left + width], SIZE)
        yield tf.cast(tf.round(part), tf.uint8)
