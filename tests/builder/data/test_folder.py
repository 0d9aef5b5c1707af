"""A folder of pictures: its parts, its formats, and the errors for wrong folders."""

import errno
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import archspec
from archspec.recipe import Train
from archspec.recipe.data import Folder
from builder.data import load_data
from builder.data.batches import validation_batches
from builder.data.decodable import look_again
from builder.pictures import headers
from builder.pictures.resizing import decoded
from builder.prediction.finding import find
from tests.builder.data.conftest import cut, write
from tests.hostile.pictures import claiming, png_header

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


def test_transparent_parts_are_put_on_white_and_such_pictures_are_named(tree):
    icon = np.zeros((40, 40, 4), np.uint8)
    icon[10:30, 10:30, 3] = 255
    for name in ("a", "b", "c", "d"):
        write(tree / "eel" / f"{name}.png", icon)
    write(tree / "eel" / "opaque.png", np.full((40, 40, 4), 255, np.uint8))
    said = []
    data = load_data(Folder(path=str(tree)), SHAPE, say=said.append)
    assert said == [
        f"4 of the 29 pictures of {tree} have transparent parts, which are put on white, or black where a picture "
        f"shows nothing else than white: {tree}/eel/a.png; {tree}/eel/b.png; {tree}/eel/c.png; and 1 more"
    ]
    number = names(data.train).index(os.path.relpath(tree / "eel" / "b.png"))
    picture = decoded(data.train.read(number)[0], 3).numpy()
    assert (picture[15, 15] == 0).all() and (picture[0] == 255).all()


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


@pytest.fixture
def twins(tmp_path):
    """Two folders whose files have the same names, sizes and times, and other pixels."""
    for root, least in (("first", 20), ("second", 180)):
        for name in ("a", "b"):
            for number in range(4):
                path = tmp_path / root / name / f"{number}.bmp"
                write(path, np.full((12, 12, 3), least + 10 * number, np.uint8))
                os.utime(path, ns=(10**18, 10**18))
    return tmp_path / "first", tmp_path / "second"


def test_another_folder_of_the_same_names_and_sizes_has_its_own_statistics(twins):
    first, second = (load(root) for root in twins)
    assert first.normalisation.mean[0] < 60 and second.normalisation.mean[0] > 180
    assert first.fingerprint != second.fingerprint and second.pixel_range == (180, 210)


def test_pictures_changed_in_place_have_statistics_of_their_own(twins):
    first, second = twins
    before = load(first)
    for path in first.glob("*/*.bmp"):
        changed = second / path.relative_to(first)
        path.write_bytes(changed.read_bytes())  # the same file, with the same size
        os.utime(path, ns=(10**18, 10**18))  # and time
    assert load(first).normalisation == load(second).normalisation != before.normalisation
    assert load(first).fingerprint == load(second).fingerprint != before.fingerprint


def test_a_folder_that_was_moved_is_the_same_data(twins, tmp_path):
    first = load(twins[0])
    shutil.copytree(twins[0], tmp_path / "copy")
    assert load(tmp_path / "copy").fingerprint == first.fingerprint


def test_one_changed_picture_changes_the_fingerprint_though_it_is_not_in_the_sample(twins, monkeypatch):
    monkeypatch.setattr("builder.data.statistics.ENCODED", 1)
    first = load(twins[0])
    last = twins[0] / "b" / "3.bmp"
    last.write_bytes((twins[1] / "b" / "3.bmp").read_bytes())
    assert load(twins[0]).fingerprint != first.fingerprint


# -- what is used, and what is not -------------------------------------------------------------------------------------


def loaded(root, **fields):
    """The data, and the lines that were said."""
    lines = []
    data = load_data(Folder(path=str(root), **fields), SHAPE, say=lines.append)
    return data, [line.replace(str(root), "ROOT") for line in lines]


def test_folders_inside_a_class_belong_to_it(tree):
    for number, path in enumerate(sorted((tree / "cat").iterdir())):
        below = tree / "cat" / ("2023", "2024/may")[number % 2]
        below.mkdir(parents=True, exist_ok=True)
        path.rename(below / path.name)
    data, lines = loaded(tree)
    assert data.train_count + data.validation_count == 24 and lines == []
    assert sum(name.count("cat/20") for name in names(data.train) + names(data.validation)) == 8


def test_all_endings_of_pictures_are_used_as_prediction_uses_them(tree):
    for number, ending in enumerate((".jpe", ".jfif", ".JPEG", ".webp")):
        path = tree / "cat" / f"more{ending}"
        write(tree / "cat" / "more.jpg", cut(30 + number))
        if ending == ".webp":
            Image.fromarray(cut(40)).save(path)
        else:
            (tree / "cat" / "more.jpg").rename(path)
    (tree / "cat" / "more.jpg").unlink()
    data, lines = loaded(tree)
    used = {os.path.abspath(name) for name in names(data.train) + names(data.validation)}
    assert len(used) == 28 and lines == []
    assert used == {os.path.abspath(found.path) for found in find([str(tree)])}


def test_links_are_followed_and_what_is_not_used_is_counted_and_named(tree, tmp_path):
    tree.rename(tmp_path / "store")
    for path in sorted((tmp_path / "store").glob("*/*.jpg")):
        link = tree / path.parent.name / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    shutil.copytree(tmp_path / "store" / "cat", tmp_path / "more")
    (tree / "eel" / "more").symlink_to(tmp_path / "more")
    for number in range(12, 24, 3):
        (tmp_path / "store" / "cat" / f"{number:02}.jpg").unlink()
    (tree / "dog" / "around").symlink_to("..")
    (tree / "dog" / "notes.txt").write_text("")
    (tree / "dog" / ".hidden").write_text("")
    os.mkfifo(tree / "dog" / "pipe.jpg")
    write(tree / "beside.jpg", cut(0))
    data, lines = loaded(tree)
    assert data.train_count + data.validation_count == 28
    assert lines == [
        "8 of 36 files in ROOT are not used: 1 picture outside the folders of classes (beside.jpg), 4 dangling links "
        "(cat/12.jpg, cat/15.jpg, cat/18.jpg, and 1 more), 1 circular link (dog/around), 1 file that is no picture by "
        "its name (dog/notes.txt), 1 special file (dog/pipe.jpg)"
    ]


def test_folders_beside_the_parts_are_named(tree, tmp_path):
    root = tmp_path / "parts"
    for part in ("train", "val", "test"):
        shutil.copytree(tree, root / part)
    assert loaded(root)[1] == ["1 folder beside train/ and val/ in ROOT is not used: test"]


def test_skipped_pictures_are_counted_and_named(tree):
    (tree / "cat" / "00.jpg").write_bytes(b"")
    data, lines = loaded(tree, on_corrupt="skip")
    assert data.train_count + data.validation_count == 23
    assert lines == ["1 of the 24 pictures of ROOT is left out (on_corrupt: skip): ROOT/cat/00.jpg: it is empty"]


def test_a_class_of_dangling_links_alone_says_so(tree):
    for path in (tree / "dog").iterdir():
        path.unlink()
        path.symlink_to("nowhere.jpg")
    assert problem(tree).splitlines() == [
        "train.data: ROOT/dog: there are no pictures in this class (.jpg .jpeg .jpe .jfif .png .gif .bmp .webp); add "
        "some, or delete the folder",
        "      8 of 8 files in ROOT/dog are not used: 8 dangling links (01.jpg, 04.jpg, 07.jpg, and 5 more)",
    ]


def test_a_class_whose_name_is_not_utf8_is_refused(tree):
    os.rename(tree / "dog", os.fsencode(tree) + b"/th\xe9")
    assert problem(tree) == (
        r"train.data: ROOT/th\xe9: the name of this class is not UTF-8; rename the folder (convmv -f latin1 -t utf8 "
        "does so for a whole tree)"
    )


def test_a_picture_whose_name_is_not_utf8_can_be_named(tree):
    os.rename(tree / "dog" / "01.jpg", os.fsencode(tree) + b"/dog/\xe9.jpg")
    data = load(tree)
    assert rf"{tree}/dog/\xe9.jpg" in {
        split.name(number) for split in (data.train, data.validation) for number in range(split.count)
    }


def test_pictures_that_claim_too_much_are_refused_before_they_are_decoded(tree):
    path = tree / "cat" / "00.jpg"
    path.write_bytes(claiming(path.read_bytes(), 16_320, 12_240))
    (tree / "dog" / "wide.png").write_bytes(png_header(100_000_000, 1))
    assert problem(tree).splitlines()[1:] == [
        f"      ROOT/{name}: {headers.LARGE}" for name in ("cat/00.jpg", "dog/wide.png")
    ]
    assert load(tree, on_corrupt="skip").train_count > 0


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
        "      ROOT/dog/01.jpg: it is no JPEG, PNG, GIF, BMP or WebP",
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
            (tree / "cat" / "x.heic").write_bytes(b"ftypheic")
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
            "ROOT/fox: there are no pictures in this class (.jpg .jpeg .jpe .jfif .png .gif .bmp .webp); "
            "add some, or delete the folder",
        ),
        ("no classes", "ROOT: expected a sub-folder for each class, with its pictures in it; it has none"),
        ("one picture", "ROOT/fox: there is 1 picture, and at least 2 are needed to hold one out"),
        ("another format", "ROOT/cat/x.heic: this format cannot be read; convert it to JPEG or PNG"),
        (
            "train alone",
            "ROOT has train/, but no validation/, val/, valid/, test/ or testing/; add one, or hold out a share of the "
            "pictures with path: ROOT/train",
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


@pytest.mark.parametrize("names", [("Train", "Test"), ("training", "valid"), ("train", "val")])
def test_the_two_splits_have_many_names(names, tmp_path):
    for name in names:
        for label in ("cat", "dog"):
            (tmp_path / name / label).mkdir(parents=True)
            for number in range(2):
                Image.fromarray(np.full((8, 8, 3), number + len(name), np.uint8)).save(
                    tmp_path / name / label / f"{number}.png"
                )
    data = load_data(Folder(path=str(tmp_path)), (8, 8, 3))
    assert (data.class_names, data.train_count, data.validation_count) == (("cat", "dog"), 4, 4)


def test_classes_inside_one_folder_are_pointed_at(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / "data" / label).mkdir(parents=True)
    with pytest.raises(
        archspec.UserError, match=f"has one folder, .* if the classes are inside it, give path: {tmp_path / 'data'}"
    ):
        load_data(Folder(path=str(tmp_path)), (8, 8, 3))
