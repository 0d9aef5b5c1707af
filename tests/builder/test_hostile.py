"""Files of less than a megabyte that claim gigabytes are read or refused with one line, in 5 s and 1.5 GB."""

import re
import signal

import pytest
import tensorflow as tf

import builder
from archspec.errors import UserError
from archspec.recipe.data import Npz
from archspec.recipe.resizing import Resizing
from builder import weights
from builder.data import load_data
from builder.data.decodable import decode_all
from builder.data.splits import Encoded
from builder.pictures.pixel_range import NONE
from builder.prediction.classifier import Classifier, classify
from builder.prediction.finding import Found
from builder.runs.names import MODEL
from tests.hostile import data, pictures
from tests.hostile import weights as weights_files
from tests.hostile.measuring import measured
from tests.hostile.special import MAKERS, READERS

SECONDS, MEGABYTES = 5, 1_500
LARGEST = 1 << 20


@pytest.fixture(scope="module")
def picture_files(tmp_path_factory):
    """The files that claim much, and a good one beside them."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in pictures.QUICK:
        (folder / name).write_bytes(pictures.CASES[name]())
    (folder / "good.png").write_bytes(pictures.good())
    return sorted(folder.iterdir())


def one_line(text):
    assert "\n" not in text.strip()
    return text


@pytest.mark.parametrize("name", weights_files.CASES)
def test_weights(name, tmp_path):
    path = weights_files.CASES[name](tmp_path / name)
    assert path.stat().st_size < LARGEST
    with measured() as cost, pytest.raises(UserError) as caught:
        weights.require(weights.match("specs/digits.yaml", weights.read(path)))
    assert str(caught.value).startswith(f"{path}: ")
    assert len(caught.value.problems) == 1
    assert cost.seconds < SECONDS and cost.megabytes < MEGABYTES


@pytest.mark.parametrize("name", data.CASES)
def test_data(name, tmp_path):
    path = data.CASES[name](tmp_path / name)
    assert path.stat().st_size < LARGEST
    with measured() as cost, pytest.raises(UserError, match=re.escape(f"train.data: {path}: ")) as caught:
        load_data(Npz(path=str(path)), (8, 8, 3))
    one_line(str(caught.value))
    assert cost.seconds < SECONDS and cost.megabytes < MEGABYTES


def test_pictures_that_are_predicted(picture_files):
    """Each is classified, or has an error of one line; the good one among them is classified in any case."""
    classifier = Classifier(
        (16, 16, 3), Resizing(), ("a", "b"), NONE, lambda some: tf.fill((len(some), 2), 0.5).numpy()
    )
    with measured() as cost:
        answers = list(classify(classifier, [Found(str(path)) for path in picture_files], say=lambda line: None))
    assert all(path.stat().st_size < LARGEST for path in picture_files)
    assert cost.seconds < SECONDS * len(picture_files) and cost.megabytes < MEGABYTES
    assert [one.path for one in answers] == [str(path) for path in picture_files]
    refused = {one.path.rpartition("/")[2]: one_line(one.error) for one in answers if one.error}
    assert "good.png" not in refused
    assert refused["6,500 scans.jpg"] == "cannot be decoded: it is a JPEG of more than 64 scans; save it again"
    assert refused["1 GB of claims.jpg"].startswith("cannot be decoded: it has more than 178,956,970 pixels")
    assert "claims more than 33,554,432 pixels, and 32 for each of its bytes" in refused["large canvas.gif"]


def test_pictures_that_are_trained_on(picture_files):
    """What cannot be decoded is found before the training, with the reason."""
    paths = [path for path in picture_files if path.suffix in (".jpg", ".png", ".gif", ".bmp", ".webp")]
    names = tf.constant([str(path) for path in paths])
    split = Encoded(
        len(paths), lambda number: (tf.io.read_file(names[number]), tf.constant(0, tf.int64)), lambda n: paths[n].name
    )
    with measured() as cost:
        found = decode_all(split, lambda line: None)
    assert cost.megabytes < MEGABYTES
    reasons = {paths[number].name: reason for number, reason in zip(found["corrupt"], found["reasons"], strict=True)}
    assert "good.png" not in reasons
    assert reasons["6,500 scans.jpg"] == "it is a JPEG of more than 64 scans; save it again"
    assert {"1 GB of claims.jpg", "100,000,000 x 1.png", "large canvas.gif", "claims.bmp"} <= reasons.keys()


def test_a_model_of_somebody_else_in_a_run(run_dir, tmp_path):
    """`predict` and `evaluate` open the `model.keras` of a run that may be anybody's."""
    for name in ("spec.yaml", "environment.json"):
        (tmp_path / name).write_bytes((run_dir / name).read_bytes())
    for name in ("a layer of 10^9 units.keras", "unallocated array.keras"):
        weights_files.CASES[name](tmp_path / MODEL)
        with (
            measured() as cost,
            pytest.raises(UserError, match=r"model\.keras: is not loaded: it claims "),
        ):
            _ = builder.open_run(tmp_path).model
        assert cost.seconds < SECONDS and cost.megabytes < MEGABYTES


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_regular_file_is_refused_at_once(kind, name, tmp_path):
    path = tmp_path / name
    MAKERS[kind](path)
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it is still reading"))
    signal.alarm(20)
    try:
        with pytest.raises(UserError) as caught:
            READERS[name](path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    message = str(caught.value)
    assert str(path) in message
    assert any(words in message for words in {"directory": ("directory", "folder")}.get(kind, ("regular file",)))
