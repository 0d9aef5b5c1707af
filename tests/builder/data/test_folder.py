"""A folder of pictures: its parts, its formats, and the errors for wrong folders."""

import errno
import os
import shutil

import numpy as np
import pytest

import archspec
from archspec.recipe import Train
from archspec.recipe.data import Folder
from builder.data import load_data
from builder.data.batches import validation_batches
from builder.data.decodable import look_again
from tests.builder.data.conftest import cut, write

SHAPE = (32, 32, 3)


def load(path, shape=SHAPE, **fields):
    return load_data(Folder(path=str(path), **fields), shape)


def names(split):
    return [os.path.relpath(split.name(number)) for number in range(split.count)]


def problem(path, shape=SHAPE, **fields):
    with pytest.raises(archspec.UserError) as caught:
        load(path, shape, **fields)
    return str(caught.value).replace(str(path), "ROOT")


def validation_pictures(data):
    batches = validation_batches(data, Train(data=Folder(path=""), batch_size=1), 1).as_numpy_iterator()
    return np.concatenate([pictures for pictures, _, _ in batches])


def test_a_share_of_every_class_is_held_out(tree):
    data = load(tree)
    assert data.class_names == ("cat", "dog", "eel") and data.shape == SHAPE
    assert (data.train_count, data.validation_count) == (18, 6)
    train, validation = names(data.train), names(data.validation)
    assert len(set(train) | set(validation)) == 24
    labels = [int(data.validation.read(number)[1]) for number in range(6)]
    assert labels == [0, 0, 1, 1, 2, 2]
    assert [data.class_names[label] for label in labels] == [name.split(os.sep)[-2] for name in validation]


def test_the_seed_chooses_what_is_held_out_and_new_pictures_move_few(tree):
    first = set(names(load(tree).validation))
    assert set(names(load(tree).validation)) == first
    assert set(names(load(tree, seed=1).validation)) != first
    write(tree / "cat" / "new.jpg", cut(100))
    assert len(set(names(load(tree).validation)) - first) <= 1


def test_train_and_validation_folders_are_the_parts(tree, tmp_path):
    for part, validation in (("validation", "validation"), ("val", "val")):
        root = tmp_path / f"parts_{part}"
        shutil.copytree(tree, root / "train")
        shutil.copytree(tree / "dog", root / validation / "dog")
        data = load(root)
        assert (data.train_count, data.validation_count) == (24, 8)
        assert [int(data.validation.read(number)[1]) for number in range(8)] == [1] * 8


def test_formats_and_colours_of_all_kinds_become_three_channels(tmp_path):
    picture = cut(0, (40, 40))
    grey = np.repeat(picture[..., :1], 3, -1)
    clear = np.concatenate([picture, np.full((40, 40, 1), 7, np.uint8)], -1)
    root = tmp_path / "kinds"
    for name, content in (
        ("0.png", picture),
        ("1.bmp", picture),
        ("2.png", clear),
        ("3.png", picture[..., :1]),
        ("4.png", clear[..., ::3]),  # grey, and transparency
        ("5.PNG", picture),
    ):
        path = root / "validation" / "all" / name
        write(path.with_suffix(path.suffix.lower()), content)
        path.with_suffix(path.suffix.lower()).rename(path)
    write(root / "train" / "all" / "a.jpg", picture)
    data = load(root, (40, 40, 3))
    assert data.validation.size == (40, 40)
    shown = validation_pictures(data)
    for number, expected in enumerate([picture, picture, picture, grey, grey, picture]):
        assert np.array_equal(shown[number], expected), number


def test_grey_pictures_suit_a_network_of_one_channel(tmp_path):
    for number in range(4):
        write(tmp_path / "a" / f"{number}.jpg", cut(number)[..., :1])
        write(tmp_path / "b" / f"{number}.png", cut(number)[..., :1])
    assert validation_pictures(load(tmp_path, (32, 32, 1))).shape == (2, 32, 32, 1)
    write(tmp_path / "b" / "colour.png", cut(9))
    expected = "train.data: the pictures of ROOT have 3 channels, and the network takes 1 channel; "
    assert problem(tmp_path, (32, 32, 1)) == expected + "set the channels of model.input to 3"
    assert "and the network takes 4" in problem(tmp_path, (32, 32, 4))


def test_fingerprints_change_with_the_pictures(tree):
    first = load(tree)
    assert load(tree).fingerprint == first.fingerprint and load(tree).normalisation == first.normalisation
    write(tree / "cat" / "00.jpg", cut(50))
    assert load(tree).fingerprint != first.fingerprint


# -- corrupt pictures --------------------------------------------------------------------------------------------------


@pytest.fixture
def spoilt(tree):
    """Spoils some files: one cut short, one that is no picture, one empty, and a good one named like another format."""
    first = tree / "cat" / "00.jpg"
    first.write_bytes(first.read_bytes()[:-400])
    (tree / "dog" / "01.jpg").write_text("<html>not found</html>")
    (tree / "dog" / "04.jpg").write_bytes(b"")
    write(tree / "eel" / "fine.png", cut(3))
    (tree / "eel" / "fine.png").rename(tree / "eel" / "fine.jpg")
    return tree


def test_corrupt_pictures_are_named(spoilt):
    assert problem(spoilt).splitlines() == [
        "train.data: 3 of the 25 pictures of ROOT cannot be decoded; repair or delete them, or leave them out with "
        "on_corrupt: skip",
        "      ROOT/cat/00.jpg: it is cut short or damaged",
        "      ROOT/dog/01.jpg: it is no JPEG, PNG, GIF or BMP",
        "      ROOT/dog/04.jpg: it is empty",
    ]


def test_corrupt_pictures_may_be_skipped(spoilt):
    data = load(spoilt, on_corrupt="skip")
    assert data.train_count + data.validation_count == 22
    assert len(data.skipped) == 3 and any(line.endswith("04.jpg: it is empty") for line in data.skipped)
    left = names(data.train) + names(data.validation)
    assert not [name for name in left if name.endswith(("00.jpg", "01.jpg", "04.jpg"))]
    assert not look_again(data.train) and not look_again(data.validation)
    assert validation_pictures(data).shape[0] == data.validation_count


def test_a_class_left_empty_by_skipping_is_reported(tree):
    for path in (tree / "dog").iterdir():
        path.write_bytes(b"")
    told = problem(tree, on_corrupt="skip")
    assert "train.data: ROOT: no picture of class dog is left to train on" in told and "it is empty" in told


def test_pictures_are_checked_once_until_they_change(tree, cache, monkeypatch):
    load(tree)
    monkeypatch.setattr("builder.data.decodable.decode_all", lambda *arguments: pytest.fail("looked again"))
    load(tree)
    monkeypatch.undo()
    os.environ["XDG_CACHE_HOME"] = str(cache)
    (tree / "cat" / "03.jpg").write_bytes(b"\xff\xd8\xff")
    assert "03.jpg: it is cut short or damaged" in problem(tree)


def test_loading_works_without_a_writable_cache(tree, cache, monkeypatch):
    (cache / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "file"))
    assert load(tree).train_count == 18


def test_more_than_ten_corrupt_pictures_are_counted(tree):
    for path in tree.glob("*/*.jpg"):
        path.write_bytes(b"")
    assert problem(tree).splitlines()[-1] == "      and 14 more"
    assert "train.data: ROOT has no picture that can be decoded" in problem(tree, on_corrupt="skip")


# -- wrong folders -----------------------------------------------------------------------------------------------------


def change(tree, what):
    match what:
        case "empty class":
            (tree / "fox").mkdir()
        case "no classes":
            for name in ("cat", "dog", "eel"):
                shutil.rmtree(tree / name)
        case "one picture":
            write(tree / "fox" / "0.jpg", cut(0))
        case "another format":
            (tree / "cat" / "x.webp").write_bytes(b"RIFF")
        case "train alone":
            (tree / "train").mkdir()
            for name in ("cat", "dog", "eel"):
                (tree / name).rename(tree / "train" / name)
        case "another class":
            change(tree, "train alone")
            write(tree / "val" / "cta" / "0.jpg", cut(0))


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (
            "empty class",
            "ROOT/fox: there are no pictures in this class (.jpg .jpeg .png .gif .bmp); add some, or delete the folder",
        ),
        ("no classes", "ROOT: expected a sub-folder for each class, with its pictures in it; it has none"),
        ("one picture", "ROOT/fox: there is 1 picture, and at least 2 are needed to hold one out"),
        ("another format", "ROOT/cat/x.webp: this format cannot be read; convert it to JPEG or PNG"),
        (
            "train alone",
            "ROOT has train/, but neither validation/ nor val/; add one, or hold out a share of the pictures with "
            "path: ROOT/train",
        ),
        ("another class", "ROOT/val/cta: there is no such class in ROOT/train; did you mean 'cat'?"),
    ],
)
def test_a_wrong_folder_says_what_is_wrong(what, expected, tree):
    change(tree, what)
    assert problem(tree) == f"train.data: {expected}"


def test_a_folder_that_is_not_there(tmp_path):
    expected = "train.data: ROOT: there is no such folder; relative paths start at the current directory"
    assert problem(tmp_path / "nowhere") == expected
    (tmp_path / "file").write_text("")
    assert problem(tmp_path / "file") == "train.data: ROOT: this is no folder"


def test_a_folder_that_may_not_be_read(tree, monkeypatch):
    scandir = os.scandir

    def forbidden(path):  # as the system does for users other than root
        if os.fspath(path).endswith("cat"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert problem(tree) == "train.data: ROOT/cat: cannot be read: Permission denied"
