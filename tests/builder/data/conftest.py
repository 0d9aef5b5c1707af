"""Files of real pictures, cut from the photographs in scikit-learn."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images

SIZES = [(60, 80), (80, 60), (50, 50), (64, 100)]


def cut(number, size=None):
    """A part of a photograph, uint8 (height, width, 3), different for each number."""
    photograph = load_sample_images().images[number % 2]
    height, width = size or SIZES[number % len(SIZES)]
    top, left = 7 * number % (427 - height), 13 * number % (640 - width)
    return photograph[top : top + height, left : left + width]


def write(path, picture):
    """Writes a picture in the format that the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encode = {".jpg": tf.io.encode_jpeg, ".png": tf.io.encode_png, ".bmp": bmp}[path.suffix]
    encoded = encode(picture)
    path.write_bytes(encoded if isinstance(encoded, bytes) else encoded.numpy())


def bmp(picture):
    """An uncompressed BMP file: rows from the bottom, blue before red, each row filled up to four bytes."""
    height, width, _ = picture.shape
    rows = picture[::-1, :, ::-1].reshape(height, width * 3)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()
    head = np.array([40, width, height], "<i4").tobytes() + np.array([1, 24], "<i2").tobytes()
    head += np.array([0, len(rows), 0, 0, 0, 0], "<i4").tobytes()
    return b"BM" + np.array([14 + len(head) + len(rows), 0, 14 + len(head)], "<i4").tobytes() + head + rows


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """A cache of facts about files that is not the user's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def tree(tmp_path):
    """A folder of 24 JPEGs of four sizes in three classes."""
    root = tmp_path / "pictures"
    for number in range(24):
        write(root / ("cat", "dog", "eel")[number % 3] / f"{number:02}.jpg", cut(number))
    return root
