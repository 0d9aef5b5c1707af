"""JPEGs of more pixels than TensorFlow decodes, as some phones make them: decoded at half their size."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from archspec.recipe.data import Folder
from archspec.recipe.resizing import Resizing
from builder.data import load_data
from builder.data.pipeline import validation_pictures
from builder.data.samples import pictures_of
from builder.pictures.crops import cropped_bytes
from builder.pictures.headers import LARGE, why_refused
from builder.pictures.pixel_range import ANY
from builder.pictures.reading import read_picture
from builder.pictures.resizing import decoded, fitted
from builder.prediction.classifier import Classifier, classify
from builder.prediction.finding import find
from builder.system.limits import MOST_PIXELS

WIDTH, HEIGHT = 16_320, 12_240
SHAPE = (16, 16, 1)
LEFT, RIGHT = 40, 200


@pytest.fixture(scope="module")
def contents():
    """200 megapixels of grey, dark on the left. The bytes after its end make the file as large as a photograph's."""
    picture = Image.new("L", (WIDTH, HEIGHT), RIGHT)
    picture.paste(LEFT, (0, 0, WIDTH // 2, HEIGHT))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=50)
    return out.getvalue() + bytes(7_000_000)


@pytest.fixture(scope="module")
def folder(contents, tmp_path_factory):
    root = tmp_path_factory.mktemp("phone") / "pictures"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (20, 20), 9).save(root / name / f"{number}.png")
    (root / "cat" / "phone.jpg").write_bytes(contents)
    return root


def assert_halves(picture):
    """Dark on the left, bright on the right, as the picture is."""
    middle = picture.shape[1] // 2
    assert abs(picture[:, : middle - 1].astype(int) - LEFT).max() <= 2
    assert abs(picture[:, middle + 1 :].astype(int) - RIGHT).max() <= 2


def test_prediction_decodes_them_at_half_the_size_and_serving_refuses_them(contents):
    assert WIDTH * HEIGHT > MOST_PIXELS and why_refused(contents) == LARGE
    picture = read_picture(contents, 1)
    assert picture.shape == (HEIGHT // 2, WIDTH // 2, 1)
    assert_halves(picture)
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoded(tf.constant(contents), 1, is_turned=True)


@pytest.mark.parametrize("size", [4, 4000])
def test_windows_are_decoded_at_half_the_size_at_least(contents, size):
    """The smaller one would else be decoded whole, which the decoder refuses."""
    window = [HEIGHT // 2, WIDTH // 2 - size // 2, size, size]
    picture = cropped_bytes(tf.constant(contents), tf.constant(window), SHAPE).numpy()
    assert picture.shape == SHAPE and picture[8, 0, 0] < picture[8, -1, 0]


def test_training_and_validation_take_them_and_say_so(folder):
    lines = []
    data = load_data(Folder(path=str(folder)), SHAPE, say=lines.append)
    assert lines == [
        f"1 of the 5 pictures of {folder} has more than 178,956,970 pixels, to be decoded at half the size: "
        f"{folder}/cat/phone.jpg"
    ]
    number, split = next(
        (number, split)
        for split in (data.train, data.validation)
        for number in range(split.count)
        if split.name(number).endswith("phone.jpg")
    )
    picture = decoded(split.read(tf.constant(number))[0], 1, is_checked=True)
    assert picture.shape == (HEIGHT // 2, WIDTH // 2, 1)
    assert_halves(fitted(picture, SHAPE).numpy())
    assert len(validation_pictures(data, [0, 1], Resizing())) == 2
    assert len(pictures_of(split, SHAPE, Resizing(), 9).encoded) == split.count - 1  # a served model would refuse it


def test_classification_says_so(folder):
    given, lines = [], []

    def probabilities(pictures):
        given.extend(pictures)
        return np.ones((len(pictures), 2), np.float32) / 2

    classifier = Classifier(SHAPE, Resizing(), ("cat", "dog"), ANY, probabilities)
    list(classify(classifier, find([str(folder / "cat" / "phone.jpg")]), say=lines.append))
    assert_halves(given[0])
    assert lines == [
        f"1 of 1 picture ({folder}/cat/phone.jpg) was decoded at half the size, as JPEGs of so many pixels are"
    ]
