"""NumPy files: both layouts, and the errors for others."""

import numpy as np
import pytest

import archspec
from archspec.recipe.data import Npz
from builder.data import load_data

GENERATOR = np.random.default_rng(0)
X = GENERATOR.integers(0, 256, (40, 6, 5, 3), np.uint8)
Y = np.repeat(np.arange(4), 10)


@pytest.fixture
def load(tmp_path):
    def load(shape=(6, 5, 3), **arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        return load_data(Npz(path=str(tmp_path / "a.npz")), shape)

    return load


@pytest.fixture
def problem(load, tmp_path):
    def problem(**arrays):
        with pytest.raises(archspec.UserError) as caught:
            load(**arrays)
        return str(caught.value).replace(str(tmp_path), "DIR")

    return problem


def test_keras_layout(load):
    data = load(x_train=X[:30], y_train=Y[:30, np.newaxis], x_test=X[28:32], y_test=Y[28:32, np.newaxis] % 3)
    assert np.array_equal(data.train.pictures, X[:30]) and np.array_equal(data.train.labels, Y[:30])
    assert np.array_equal(data.validation.pictures, X[28:32])
    assert data.class_names == ("0", "1", "2") and data.name == "a.npz"
    assert np.allclose(data.normalisation.mean, X[:30].mean((0, 1, 2))) and np.allclose(
        data.normalisation.std, X[:30].std((0, 1, 2))
    )


def test_a_share_of_every_class_is_held_out(load):
    data = load(x=X, y=Y.astype(np.uint8))
    assert np.array_equal(np.bincount(data.validation.labels), [2, 2, 2, 2])
    place = {picture.tobytes(): label for picture, label in zip(X, Y, strict=True)}
    for part in (data.train, data.validation):
        for picture, label in zip(part.pictures.numpy(), part.labels.numpy(), strict=True):
            assert place.pop(picture.tobytes()) == label
    assert not place


def test_grey_pictures_without_channels(load):
    assert load((6, 5, 1), x=X[..., 0], y=Y).train.pictures.shape == (32, 6, 5, 1)
    assert load((6, 5, 3), x=X[..., 0], y=Y).shape == (6, 5, 3)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        (
            {"images": X, "labels": Y},
            "expected the arrays x_train, y_train, x_val and y_val (or x_test and y_test), or x and y; it has images, "
            "labels",
        ),
        (
            {"x": X / 255, "y": Y},
            "x is float64; expected uint8, from 0 to 255 (numpy.round(x * 255).astype('uint8') where values are from 0 "
            "to 1)",
        ),
        (
            {"x": X[0, 0], "y": Y[:5]},
            "x is of shape (5, 3); expected (count, height, width) or (count, height, width, channels)",
        ),
        (
            {"x": X, "y": np.eye(4)[Y]},
            "y is of shape (40, 4); expected a label for each of the 40 pictures; for one-hot labels use "
            "numpy.argmax(y, 1)",
        ),
        ({"x": X, "y": Y[:30]}, "y is of shape (30,); expected a label for each of the 40 pictures"),
        ({"x": X, "y": Y - 1}, "y has -1; expected whole numbers from 0"),
        ({"x": X, "y": Y / 2}, "y is float64; expected whole numbers from 0"),
        (
            {"x": X, "y": Y + 10**12},
            "y has 1000000000003; expected whole numbers from 0, one for each class, below 1000000",
        ),
        (
            {"x": X, "y": Y + 1},
            "class 0 of 5 has no picture to train on; labels must be 0, 1, 2 and so on, each with pictures",
        ),
        ({"x": X[:31], "y": Y[:31]}, "class 3 has 1 picture, and at least 2 are needed to hold one out"),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, 1:], "y_test": Y},
            "the pictures of both splits must have one size, got x_train [40, 6, 5, 3] and x_test [40, 5, 5, 3]",
        ),
        (
            {"x": np.moveaxis(X, -1, 1), "y": Y},
            "x is of shape (40, 3, 6, 5), channels first as in PyTorch; expected (count, height, width, channels): "
            "numpy.moveaxis(x, 1, -1)",
        ),
        (
            {"x": X, "y": np.array(["cat", "dog"])[Y % 2]},
            "y is of texts; expected whole numbers from 0: class_names, y = numpy.unique(y, return_inverse=True), and "
            "save both",
        ),
        (
            {"x": X, "y": Y, "class_names": np.array(["a", "b"])},
            "class_names has 2, and the labels are 0 to 3; expected 4",
        ),
        (
            {"x": X, "y": Y, "class_names": np.array(["a", "b", "a", "c"])},
            "class_names has a name twice; expected a different one for each class",
        ),
        (
            {"x": X, "y": Y, "class_names": np.arange(4)},
            "class_names is int64 of shape (4,); expected a list of texts, one for each class",
        ),
        (
            {"x": np.array([[[None]]]), "y": np.array([0])},
            "it holds Python objects; write it with numpy.savez(path, x=pictures, y=labels)",
        ),
    ],
)
def test_wrong_arrays(arrays, expected, problem):
    assert problem(**arrays) == f"train.data: DIR/a.npz: {expected}"


def test_grey_pictures_with_their_channel_first_are_recognised(problem):
    found = problem(x=X[..., 0][:, np.newaxis], y=Y, shape=(6, 5, 1))
    assert "channels first as in PyTorch" in found
    assert "channels first as in PyTorch" in problem(x=np.moveaxis(X, -1, 1), y=Y, shape=(3, 6, 5))


def test_class_names_and_a_validation_part(tmp_path):
    names, labels = np.unique(np.array(["dog", "cat"])[Y % 2], return_inverse=True)
    arrays = {"x_train": X, "y_train": labels, "x_val": X[:6], "y_val": labels[:6]}
    np.savez(tmp_path / "a.npz", **arrays, x_test=X, y_test=labels, class_names=names)
    lines = []
    data = load_data(Npz(path=str(tmp_path / "a.npz")), (6, 5, 3), say=lines.append)
    assert data.class_names == ("cat", "dog") and data.validation_count == 6
    assert lines == [f"{tmp_path}/a.npz: not used: x_test, y_test"]


def test_the_fingerprint_is_of_all_pictures_and_labels(load, monkeypatch):
    monkeypatch.setattr("builder.data.statistics.IN_MEMORY", 1)
    other, swapped = X.copy(), Y.copy()
    other[7, 0, 0, 0] ^= 1
    swapped[[3, 13]] = swapped[[13, 3]]
    found = [load(x_train=x, y_train=y, x_test=X, y_test=Y) for x, y in ((X, Y), (other, Y), (X, swapped), (X, Y))]
    assert len({data.fingerprint for data in found}) == 3 and found[0].fingerprint == found[3].fingerprint


def test_colours_do_not_suit_a_network_of_one_channel(problem):
    expected = "train.data: the pictures of DIR/a.npz have 3 channels, and the network takes 1 channel; "
    assert problem(x=X, y=Y, shape=(6, 5, 1)) == expected + "set the channels of model.input to 3"


def file_problem(path):
    with pytest.raises(archspec.UserError) as caught:
        load_data(Npz(path=str(path)), (6, 5, 3))
    return str(caught.value).replace(str(path), "FILE")


def test_files_that_are_not_npz(tmp_path):
    write = "write it with numpy.savez(path, x=pictures, y=labels)"
    expected = "train.data: FILE: there is no such file; relative paths start at the current directory"
    assert file_problem(tmp_path / "nowhere.npz") == expected
    for number, content in enumerate([b"", b"text", b"PK\x03\x04 and more"]):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(content)
        assert file_problem(path) == f"train.data: FILE: it is no .npz file, or damaged; {write}"
    np.save(tmp_path / "one.npy", X)
    assert file_problem(tmp_path / "one.npy") == f"train.data: FILE: it is no .npz file, or damaged; {write}"
    np.savez(tmp_path / "cut.npz", x=X, y=Y)
    content = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[:200] + b"\0" + content[201:])
    assert file_problem(tmp_path / "cut.npz") == f"train.data: FILE: it is no .npz file, or damaged; {write}"
    assert file_problem(tmp_path) == "train.data: FILE: cannot be read: Is a directory"
