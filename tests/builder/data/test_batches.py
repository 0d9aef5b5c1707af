"""Batches: an order that seed and epoch decide, whatever the step, the shard and the batch size; and every picture once
in validation."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.augment import HorizontalFlip, RandomCrop
from archspec.recipe.crops import RandomResizedCrop, ResizedCrop, ScaleJitter
from archspec.recipe.data import Digits, Folder
from builder.data import load_data, unreadable
from builder.data.batches import steps_per_epoch, training_batches, validation_batches
from tests.builder.data.conftest import cut, write

CROP_AND_FLIP = (RandomCrop(pad=2), HorizontalFlip())


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def digits():
    return load_data(Digits(), (8, 8, 1))


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Folders of 60 pictures in three classes: JPEGs of four sizes, and small PNGs of one."""
    roots = {"jpeg": tmp_path_factory.mktemp("jpeg"), "png": tmp_path_factory.mktemp("png")}
    for number in range(60):
        place = f"{number % 3}"
        write(roots["jpeg"] / place / f"{number}.jpg", cut(number))
        write(roots["png"] / place / f"{number}.png", cut(number, (20, 26)))
    return roots


def folder(roots, name):
    return load_data(Folder(path=str(roots[name])), (16, 16, 3))


def recipe(**fields):
    return Train(**{"data": Digits(), "batch_size": 96, "epochs": 3, **fields})


def flat(batches):
    pictures, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(pictures), np.concatenate(labels)


# -- training ----------------------------------------------------------------------------------------------------------


def test_seed_and_epoch_decide_everything(digits):
    first, labels = flat(training_batches(digits, recipe(augment=CROP_AND_FLIP), 96))
    tf.random.set_seed(123)  # another state of the process makes no difference
    again, labels_again = flat(training_batches(digits, recipe(augment=CROP_AND_FLIP), 96))
    assert np.array_equal(first, again) and np.array_equal(labels, labels_again)
    assert first.dtype == np.uint8 and labels.dtype == np.int64

    epochs = np.split(labels, 3)
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    assert not np.array_equal(labels, flat(training_batches(digits, recipe(seed=1), 96))[1])


def test_an_epoch_has_each_picture_at_most_once_in_full_batches(digits):
    batches = list(training_batches(digits, recipe(epochs=1), 96).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [96] * 14
    assert steps_per_epoch(digits, recipe()) == 14 and len(training_batches(digits, recipe(), 32, 40, (0, 3))) == 2
    drawn = Counter(picture.tobytes() for pictures, _ in batches for picture in pictures)
    assert drawn <= Counter(picture.tobytes() for picture in digits.train.pictures.numpy())


def test_what_an_epoch_leaves_out_changes(digits):
    epochs = np.split(flat(training_batches(digits, recipe(), 96))[0], 3)
    assert len({frozenset(picture.tobytes() for picture in epoch) for epoch in epochs}) == 3


def test_labels_stay_with_their_pictures(digits):
    known = {
        picture.tobytes(): label
        for picture, label in zip(*map(np.asarray, (digits.train.pictures, digits.train.labels)), strict=True)
    }
    pictures, labels = flat(training_batches(digits, recipe(epochs=1), 96))
    assert all(known[picture.tobytes()] == label for picture, label in zip(pictures, labels, strict=True))


KINDS = {
    "digits": ("digits", CROP_AND_FLIP),
    "digits cropped": ("digits", (RandomResizedCrop(), HorizontalFlip())),
    "sizes differ": ("jpeg", (HorizontalFlip(),)),
    "random resized crop": ("jpeg", (RandomResizedCrop(), HorizontalFlip())),
    "scale jitter": ("jpeg", (ScaleJitter(least=16, most=32), RandomCrop(pad=1))),
    "resized crop": ("jpeg", (ResizedCrop(side=20),)),
    "one small size": ("png", ()),
    "one small size, cropped": ("png", (RandomResizedCrop(), HorizontalFlip())),
}


def case(name, digits, roots, **fields):
    source, augmentations = KINDS[name]
    data = digits if source == "digits" else folder(roots, source)
    return data, recipe(augment=augmentations, batch_size=96 if source == "digits" else 12, **fields)


@pytest.mark.parametrize("name", KINDS)
def test_any_step_shard_and_batch_size_give_the_same_pictures(name, digits, roots):
    data, options = case(name, digits, roots)
    size, steps = options.batch_size, steps_per_epoch(data, options)
    whole, labels = flat(training_batches(data, options, size))
    assert len(whole) == 3 * steps * size and whole.shape[1:] == data.shape
    whole, labels = whole.reshape(-1, size, *data.shape), labels.reshape(-1, size)
    for step, (index, shards), parts in (
        (1, (0, 1), 2),
        (steps, (1, 2), 1),
        (steps - 1, (0, 2), 3),
        (2 * steps + 1, (2, 3), 2),
    ):
        rows = slice(index * size // shards, (index + 1) * size // shards)
        part, theirs = flat(training_batches(data, options, size // shards // parts, step, (index, shards)))
        assert np.array_equal(part, np.concatenate(whole[step:, rows]))
        assert np.array_equal(theirs, np.concatenate(labels[step:, rows]))


def test_a_pictures_augmentation_does_not_depend_on_the_recipes_batch_size(digits):
    small, large = (
        flat(training_batches(digits, recipe(epochs=1, augment=CROP_AND_FLIP, batch_size=size), size))[0]
        for size in (50, 200)
    )
    assert np.array_equal(small[: len(large)], large)


def test_decoding_into_memory_says_how_far_it_is(roots, monkeypatch):
    monkeypatch.setattr("builder.system.terminal.WATCHED_SECONDS", 0.0)
    lines = []
    data = load_data(Folder(path=str(roots["png"])), (16, 16, 3), say=lines.append)
    lines.clear()
    training_batches(data, recipe(epochs=1, batch_size=12), 12)
    assert lines == ["decoding the pictures into memory, once: 48 of 48"]


@pytest.mark.parametrize("name", ["sizes differ", "one small size", "one small size, cropped"])
def test_memory_makes_no_difference(name, digits, roots, monkeypatch):
    data, options = case(name, digits, roots)
    kept = flat(training_batches(data, options, 12))[0]
    assert data.train.decoded
    monkeypatch.setattr("builder.data.pipeline.free_memory", lambda: 20_000)
    again = case(name, digits, roots)[0]
    assert np.array_equal(kept, flat(training_batches(again, options, 12))[0])
    off, without = case(name, digits, roots, cache="off")
    assert np.array_equal(kept, flat(training_batches(off, without, 12))[0])
    assert not again.train.decoded and not off.train.decoded


def test_starting_late_reads_nothing_before(roots, tmp_path):
    data = folder(roots, "jpeg")
    options = recipe(augment=(RandomResizedCrop(),), batch_size=12, epochs=1)
    read = []
    original = data.train.read

    def recorded(number):
        tf.py_function(lambda number: read.append(int(number)), [number], [])
        return original(number)

    object.__setattr__(data.train, "read", recorded)
    late = flat(training_batches(data, options, 12, step=3))[0]
    assert len(late) == len(read) == 12


SCRIPT = """
import hashlib, json, sys
from archspec.recipe import Train
from archspec.recipe.augment import HorizontalFlip
from archspec.recipe.crops import RandomResizedCrop
from archspec.recipe.data import Folder
from builder.data.batches import training_batches
from builder.data import load_data
data = load_data(Folder(path=sys.argv[1]), (16, 16, 3))
recipe = Train(data=None, batch_size=12, epochs=2, augment=(RandomResizedCrop(), HorizontalFlip()))
digest = hashlib.sha256()
for pictures, labels in training_batches(data, recipe, 12).as_numpy_iterator():
    digest.update(pictures.tobytes() + labels.tobytes())
print(json.dumps([digest.hexdigest(), data.fingerprint]))
"""


def test_another_process_with_other_threads_makes_the_same_batches(roots):
    data = folder(roots, "jpeg")
    options = recipe(batch_size=12, epochs=2, augment=(RandomResizedCrop(), HorizontalFlip()))
    digest = hashlib.sha256()
    for pictures, labels in training_batches(data, options, 12).as_numpy_iterator():
        digest.update(pictures.tobytes() + labels.tobytes())

    path = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "TF_NUM_INTRAOP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", SCRIPT, str(roots["jpeg"])]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [digest.hexdigest(), data.fingerprint]


def test_a_batch_that_does_not_divide_is_refused(digits):
    with pytest.raises(ValueError, match="2 shards of 32 do not divide a batch of 96"):
        training_batches(digits, recipe(), 32, shard=(0, 2))
    with pytest.raises(ValueError, match="1437 pictures are less than one"):
        training_batches(digits, recipe(batch_size=2000), 2000)


def test_pictures_that_disappeared_since_they_were_checked_are_named(roots, tmp_path):
    for number in range(12):
        write(tmp_path / "moved" / str(number % 2) / f"{number}.jpg", cut(number))
    data = load_data(Folder(path=str(tmp_path / "moved")), (16, 16, 3))
    (tmp_path / "moved" / "0" / "4.jpg").unlink()
    options = recipe(augment=(RandomResizedCrop(),), batch_size=data.train_count, epochs=1)
    training, validation = training_batches(data, options, data.train_count), validation_batches(data, options, 5)
    with pytest.raises(tf.errors.OpError) as caught:
        list(training.map(lambda pictures, labels: labels).concatenate(validation.map(lambda *batch: batch[1])))
    lines = str(unreadable(data, caught.value)).splitlines()
    assert lines[0] == "train.data: pictures of moved cannot be read any more; resume once they are back"
    assert lines[1:] == [f"      {tmp_path}/moved/0/4.jpg: it cannot be read"]


# -- validation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "jpeg", "png"])
@pytest.mark.parametrize(("batch_size", "shards"), [(96, 1), (48, 1), (16, 3), (12, 2)])
def test_every_validation_picture_counts_once_in_full_batches(name, batch_size, shards, digits, roots):
    data = digits if name == "digits" else folder(roots, name)
    parts = [
        list(validation_batches(data, recipe(), batch_size, (i, shards)).as_numpy_iterator()) for i in range(shards)
    ]
    global_batches = -(-data.validation_count // 96)  # for any parts and shards, so that all replicas have equally many
    steps = global_batches * 96 // (batch_size * shards)
    assert [len(part) for part in parts] == [steps] * shards
    assert len(validation_batches(data, recipe(), batch_size, (0, shards))) == steps
    rows = [row for step in zip(*parts, strict=True) for row in step]
    assert all(pictures.shape == (batch_size, *data.shape) for pictures, _, _ in rows)
    pictures, labels, weights = (np.concatenate(column) for column in zip(*rows, strict=True))
    assert labels.dtype == np.int64 and weights.dtype == np.float32
    assert list(weights) == [1] * data.validation_count + [0] * (len(weights) - data.validation_count)
    once = recipe(batch_size=data.validation_count)
    ((whole, their_labels, _),) = validation_batches(data, once, once.batch_size).as_numpy_iterator()
    assert np.array_equal(pictures[weights > 0], whole) and np.array_equal(labels[weights > 0], their_labels)


def test_evaluation_may_resize_to_another_side(roots):
    data = folder(roots, "jpeg")
    (usual, _, _), (wider, _, _) = (
        next(validation_batches(data, recipe(eval_resize=side), 8).as_numpy_iterator()) for side in (None, 30)
    )
    assert not np.array_equal(usual, wider)
