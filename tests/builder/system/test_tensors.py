"""Files of tensors: whole, or refused."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from builder.system.tensors import ChecksumDiffers, checksum, read_tensors, write_tensors

TENSORS = {
    "kernel": np.arange(12, dtype=np.float32).reshape(3, 4).T,
    "bias": np.zeros(3, np.float16),
    "seed": np.array([1, 2], np.uint32),
    "step": np.array(7),
    "none": np.zeros((0, 2), np.float32),
    "flag": np.array([True, False]),
}
METADATA = {"progress": '{"step": 7}', "epoch": "1"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("tensors") / "a.safetensors"
    write_tensors(path, TENSORS, METADATA)
    return path


def test_what_is_written_is_read(written):
    tensors, metadata = read_tensors(written)
    assert metadata == METADATA and tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        np.testing.assert_array_equal(tensors[name], value)
    assert load_file(written).keys() == TENSORS.keys()  # any program reads it


def test_the_checksum_is_a_crc_32_of_all_that_is_in_it():
    text = b"[('epoch', '1')]" + b"bias <f2 (1,)" + b"\x00\x3c" + b"step <i4 ()" + b"\x07\0\0\0"
    tensors = {"step": np.array(7, "<i4"), "bias": np.ones(1, "<f2")}
    assert checksum(tensors, {"epoch": "1"}) == zlib.crc32(text)


@given(data=st.data())
def test_no_flipped_bit_goes_unnoticed(written, data):
    content = bytearray(written.read_bytes())
    position = data.draw(st.integers(0, 8 * len(content) - 1))
    content[position // 8] ^= 1 << position % 8
    path = written.with_name("flipped.safetensors")
    path.write_bytes(content)
    try:
        tensors, metadata = read_tensors(path)
    except (SafetensorError, OSError, ChecksumDiffers):
        return
    # A bit of the header that means nothing, such as one of the spaces at its end.
    assert metadata == METADATA and tensors.keys() == TENSORS.keys()
    assert all(np.array_equal(tensors[name], value) for name, value in TENSORS.items())


def test_a_file_without_a_checksum_is_refused(tmp_path):
    save_file({"bias": np.ones(1)}, tmp_path / "a.safetensors")
    with pytest.raises(ChecksumDiffers, match="its checksum does not match its contents"):
        read_tensors(tmp_path / "a.safetensors")
