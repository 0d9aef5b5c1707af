"""`tools/fashion_mnist.py` converts the four files into one, completely or not at all."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
GENERATOR = np.random.default_rng(0)
PICTURES = {part: GENERATOR.integers(0, 256, (count, 28, 28), np.uint8) for part, count in (("train", 3), ("t10k", 2))}
LABELS = {part: np.arange(len(pictures), dtype=np.uint8) for part, pictures in PICTURES.items()}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for part, pictures in PICTURES.items():
        for kind, magic, values in (("images-idx3", 0x803, pictures), ("labels-idx1", 0x801, LABELS[part])):
            header = np.array([magic, *values.shape], ">u4").tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))
    return folder


def run(source, out):
    command = [sys.executable, ROOT / "tools" / "fashion_mnist.py", "--source", source, "--out", out]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def test_all_pictures_and_labels_are_there(source, tmp_path):
    out = tmp_path / "new" / "fashion.npz"
    assert run(source, out) == (0, f"saved {out}: 3 + 2 pictures\n", "")
    with np.load(out) as file:
        for name, part in (("train", "train"), ("test", "t10k")):
            np.testing.assert_array_equal(file[f"x_{name}"], PICTURES[part])
            np.testing.assert_array_equal(file[f"y_{name}"], LABELS[part])
    assert list(out.parent.iterdir()) == [out]


def test_a_part_of_a_file_is_refused_and_what_was_there_stays(source, tmp_path):
    out = tmp_path / "fashion.npz"
    out.write_bytes(b"before")
    path = source / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))
    assert run(source, out) == (2, "", f"{path}: is no IDX file of 3 dimensions, or a part of one\n")
    assert out.read_bytes() == b"before"


def test_a_missing_source_is_reported(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    assert run(tmp_path, tmp_path / "out.npz") == (2, "", f"{path}: cannot be read: No such file or directory\n")


def test_an_unwritable_output_is_reported(source, tmp_path):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out.npz"
    expected = f"{out}: cannot be written: File exists; what was there is whole\n"
    assert run(source, out) == (2, "", expected)
