"""A flipped bit in a run's weights is found when the run is opened."""

import random
import shutil

import numpy as np
import pytest

from archspec import UserError
from builder.runs.run import open_run


@pytest.fixture
def copy(run_dir, tmp_path):
    return shutil.copytree(run_dir, tmp_path / "run")


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position // 8] ^= 1 << position % 8
    path.write_bytes(content)


def test_no_flipped_bit_of_the_model_goes_unnoticed(copy):
    """The archive has a checksum of each of its files."""
    path, drawn, refusals = copy / "model.keras", random.Random(0), []
    whole, expected = path.read_bytes(), [np.asarray(weight) for weight in open_run(copy).model.weights]
    for _ in range(20):
        path.write_bytes(whole)
        flip(path, drawn.randrange(8 * len(whole)))
        try:
            found = open_run(copy).model.weights
        except UserError as error:
            refusals.append(str(error))
        else:  # a bit that means nothing, such as one of a date
            assert all(np.array_equal(weight, value) for weight, value in zip(found, expected, strict=True))
    assert len(refusals) > 15
    assert all(text.startswith(f"{path}: is damaged, or no model of Keras: ") for text in refusals)


def test_a_flipped_bit_of_the_best_weights_is_reported(copy):
    path = copy / "checkpoints" / "best.safetensors"
    flip(path, 8 * path.stat().st_size - 1000)
    with pytest.raises(UserError) as caught:
        _ = open_run(copy).weights
    expected = (
        f"{path}: is damaged: its checksum does not match its contents; delete it, and the weights of model.keras"
    )
    assert str(caught.value).startswith(expected)
