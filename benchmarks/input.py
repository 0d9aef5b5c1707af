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
WORKERS = 2


def run() -> None:
    folder = jpegs(Path(tempfile.gettempdir()) / "convspec-benchmark-jpegs")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    source = Folder(path=str(folder / "pictures"))
    data = load_data(source, (CROP, CROP, 3))
    recipe = Train(
        data=source, batch_size=BATCH, epochs=EPOCHS, augment=(RandomResizedCrop(), HorizontalFlip()), cache="off"
    )
    ours = functools.partial(consume, training_batches(data, recipe, BATCH))
    rows = [row("Keras layers in tf.data", ours, functools.partial(consume, keras_batches(data)), 2.0)]
    arguments = (folder / "pictures" / "train", WORKERS, BATCH, EPOCHS, CROP)
    with torch_process("torch_loader.py", *arguments) as loader:
        if loader is not None:
            rows.append(row(f"torchvision, {WORKERS} workers", ours, loader, 2.5))
    show("JPEGs of 500x375: random resized crop of 224 and flip, images/s", rows, "other")
    if len(rows) == 1:
        print(f"torchvision was not measured: {NO_TORCH}")
    print("Keras has no random resized crop: its layers cut 224x224 without resizing, which is less work.")
    assert isinstance(data.train, Encoded)
    taken = seconds(functools.partial(decode_all, data.train, print))
    size_rows = [Row("looking at each JPEG once, before training", f"{PICTURES / taken:.0f} img/s", "")]
    size_rows.append(Row("32x32x3 from memory, batches of 128", f"{in_memory():,.0f} img/s", ""))
    show("Other rates", size_rows, "")


def row(name: str, ours: Callable[[], object], other: Callable[[], object], target: float) -> Row:
    count = PICTURES // BATCH * BATCH * EPOCHS
    our_seconds, other_seconds, ratio = in_turn(ours, other, ROUNDS)
    return Row(f"against {name}", f"{count / our_seconds:.0f}", f"{count / other_seconds:.0f}", ratio, target)


def consume(batches: tf.data.Dataset) -> None:
    for _ in batches:
        pass


def keras_batches(data: Data) -> tf.data.Dataset:
    """Sends the same pictures, as many times, shuffled, through Keras's preprocessing layers."""
    assert isinstance(data.train, Encoded)
    names = [data.train.name(number) for number in range(data.train.count)]
    labels = [int(data.train.read(tf.constant(number, tf.int64))[1]) for number in range(data.train.count)]
    crop, flip = keras.layers.RandomCrop(CROP, CROP), keras.layers.RandomFlip("horizontal")

    def decode(name: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = tf.io.decode_jpeg(tf.io.read_file(name), 3)
        return tf.ensure_shape(picture, (*SIZE, 3)), label

    def augment(pictures: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return flip(crop(pictures, training=True), training=True), labels

    dataset = tf.data.Dataset.from_tensor_slices((names, labels)).shuffle(PICTURES).repeat(EPOCHS)
    batches = dataset.map(decode, tf.data.AUTOTUNE).batch(BATCH, drop_remainder=True)
    return batches.map(augment, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


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
