"""From weights of elsewhere to predictions, without a training."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import archspec
import builder
from archspec import UserError
from archspec.errors import FileError
from builder import weights
from builder.pictures.normalisation import Normalisation
from builder.runs.names import CHECKPOINTS
from tests.builder.weights.test_checkpoints import module
from tests.builder.weights.torch_pickles import save_checkpoint

BLOCK = "kernel: 3, bias: false, norm: batch, activation: relu, padding: symmetric"
SPEC = f"""
name: net
model:
  input: [16, 16, 3]
  layers:
    - conv: {{filters: 8, {BLOCK}}}
    - residual: {{layers: [{{conv: {{filters: 8, {BLOCK}}}}}, {{conv: {{filters: 8, {BLOCK}}}}}]}}
    - conv: {{filters: 8, {BLOCK}}}
    - global_avg_pool
    - dense: 5
"""
NAMES = ("ant", "bee", "cat", "dog", "elk")
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
"""As torchvision's documentation gives them for pixels from 0 to 1."""


def matched(tensors=None):
    return weights.match(archspec.loads(SPEC), weights.read(tensors))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights, pictures in folders of four of the classes, and a run `net` of both."""
    root = tmp_path_factory.mktemp("imported")
    save_checkpoint(root / "net.pth", {"state_dict": module()})
    generator = np.random.default_rng(0)
    for name in NAMES[1:]:
        (root / "pictures" / name).mkdir(parents=True)
        for number in range(3):
            pixels = generator.integers(0, 256, (24, 20, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / "pictures" / name / f"{number}.png")
    weights.write_run(matched(root / "net.pth"), archspec.loads(SPEC), root / "net", NAMES, "torchvision")
    return root


def logits(root, pixels):
    """What the weights compute of pixels from 0 to 255, by hand up to the network."""
    network = builder.build(archspec.loads(SPEC), "portable")
    weights.apply(matched(root / "net.pth"), network)
    return np.asarray(network(((pixels / 255 - MEAN) / STD).astype("float32")))


def test_the_run_computes_what_the_weights_do(folder):
    run = builder.open_run(folder / "net")
    pixels = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    np.testing.assert_allclose(run.model(pixels.astype("float32")), logits(folder, pixels), rtol=1e-4, atol=1e-4)
    assert run.about.class_names == NAMES and run.is_imported
    assert not (folder / "net" / CHECKPOINTS).exists()
    for layer, role, values in matched(folder / "net.pth").tensors():
        name = {"mean": "moving_mean", "variance": "moving_variance"}.get(role, role)
        np.testing.assert_array_equal(run.weights[f"{layer}/{name}"], values)


def test_it_predicts(folder):
    pixels = np.random.default_rng(2).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    (one,) = builder.predict(folder / "net" / "model.keras", pixels, top=5)
    crop = builder.predict(folder / "net", pixels)[0]
    assert one == crop
    assert {name for name, _ in one.classes} == set(NAMES)


def test_it_is_evaluated_on_pictures_that_are_named(folder, tmp_path):
    """In a folder without splits, all pictures count, and classes are found by their names."""
    lines = []
    evaluation = builder.evaluate(folder / "net", data=folder / "pictures", out=tmp_path / "out", say=lines.append)
    assert sorted(evaluation.labels.tolist()) == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    paths = sorted((folder / "pictures").rglob("*.png"))
    answers = builder.predict(folder / "net", [str(path) for path in paths])
    right = np.mean([path.parent.name == answer.classes[0][0] for path, answer in zip(paths, answers, strict=True)])
    assert next(iter(evaluation.members.values())).top1 == pytest.approx(right)


def test_without_data_it_is_not_evaluated(folder):
    with pytest.raises(FileError) as error:
        builder.evaluate(folder / "net", say=lambda line: None)
    assert str(error.value) == (
        f"{folder / 'net'}: has no data of its own, as its weights were imported; name some with data"
    )


def test_it_is_exported_with_the_same_answers(folder, tmp_path):
    lines = []
    asked = ["saved_model", "litert-float32", "litert-int8"]
    with pytest.raises(builder.ExportFailed) as error:
        builder.export(folder / "net", asked, tmp_path / "exports", say=lines.append)
    assert str(error.value) == (
        "litert-int8: needs pictures that show the ranges of activations, and there are only random ones; name some "
        "with data\nthe others were exported: saved_model, litert-float32"
    )
    assert lines[0] == "the run keeps no pictures; the check is on random ones (data names others)"
    served = tf.saved_model.load(str(tmp_path / "exports" / "1")).signatures["serving_default"]
    pixels = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    expected = tf.nn.softmax(logits(folder, pixels))
    answers = served(pictures=tf.constant(pixels, tf.float32))["probabilities"]
    np.testing.assert_allclose(answers, expected, atol=1e-4)
    report = json.loads((tmp_path / "exports" / "1" / "export.json").read_text())
    assert report["check"]["kind"] == "random pictures" and report["check"]["accuracy"] is None


def test_pictures_that_are_named_show_the_ranges(folder, tmp_path):
    path = builder.export(
        folder / "net", ["litert-int8"], tmp_path / "out", say=lambda line: None, data=folder / "pictures"
    )
    report = json.loads((path / "export.json").read_text())
    assert report["check"]["pictures"] == 6 and report["check"]["kind"] == "pictures of pictures"
    assert report["formats"][0]["calibration"] == {"pictures": 6, "kind": "other pictures of pictures"}


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "normalisation", "expected"),
    [
        (NAMES[:3], "torchvision", "class_names: has 3 names, and net has 5 classes"),
        (NAMES, "imagenet", "normalisation: there is none named 'imagenet'; did you mean 'torchvision'?"),
        (NAMES, "clip", "normalisation: there is none named 'clip'; choose from torchvision, inception, unit"),
        (NAMES, Normalisation((0.5,), (0.5,)), "normalisation: is for 1 channel, and net takes 3 channels"),
    ],
)
def test_mistakes(folder, tmp_path, names, normalisation, expected):
    with pytest.raises(UserError) as error:
        weights.write_run(matched(folder / "net.pth"), archspec.loads(SPEC), tmp_path / "new", names, normalisation)
    assert str(error.value) == expected
    assert list(tmp_path.iterdir()) == []


def test_a_run_needs_all_weights(folder, tmp_path):
    spec = archspec.loads(SPEC)
    matching = weights.match(spec, weights.read(folder / "net.pth"), new_head=True)
    with pytest.raises(FileError, match="has not all weights of the network"):
        weights.write_run(matching, spec, tmp_path / "new", NAMES)


def test_a_directory_that_holds_something_is_kept(folder, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="is not empty"):
        weights.write_run(matched(folder / "net.pth"), archspec.loads(SPEC), tmp_path, NAMES)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_classes_that_the_network_lacks_are_named(folder, tmp_path):
    (tmp_path / "pictures").mkdir()
    for name in ("bee", "cow"):
        (tmp_path / "pictures" / name).mkdir()
        for number in range(2):
            Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "pictures" / name / f"{number}.png")
    with pytest.raises(UserError) as error:
        builder.evaluate(folder / "net", data=tmp_path / "pictures", say=lambda line: None)
    assert str(error.value) == (
        f"data: {tmp_path / 'pictures'} has classes that the network does not have: 'cow'; it knows 'ant', 'bee', "
        "'cat', and 2 more; rename or move their folders"
    )


# -- the names of normalisations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("torchvision", (np.array([[10.0, 200.0, 30.0]]) / 255 - MEAN) / STD),
        ("inception", np.array([[10.0, 200.0, 30.0]]) / 127.5 - 1),  # keras.applications.inception_v3
        ("unit", np.array([[10.0, 200.0, 30.0]]) / 255),
    ],
)
def test_normalisations_by_name(name, expected):
    layer = Normalisation.named(name, 3).layer()
    np.testing.assert_allclose(layer(np.array([[10.0, 200.0, 30.0]], np.float32)), expected, rtol=1e-5, atol=1e-5)
