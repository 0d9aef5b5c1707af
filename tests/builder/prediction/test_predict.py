"""Predictions of a trained run and of an export: those of validation, of many files, with errors where they belong."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from archspec import load
from archspec.errors import FileError, UserError
from archspec.recipe.resizing import Resizing
from builder.evaluation.evaluator import evaluate, open_runs
from builder.evaluation.scheme import Scheme
from builder.exports.inference import endpoints, network_of
from builder.pictures import headers
from builder.pictures.resizing import fitted_bytes
from builder.prediction.classifier import AHEAD, BATCH, classify, reader
from builder.prediction.finding import Found, find
from builder.prediction.opening import open_classifier
from builder.prediction.output import write
from builder.runs.comparison import flat
from builder.runs.run import open_run
from tests.forked import python
from tests.hostile.pictures import claiming, png_header

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def classifier(runs):
    return open_classifier(str(runs / "photo_run"))()


def predicted(classifier, *paths, top=5):
    return list(classify(classifier, find([str(path) for path in paths]), top))


def test_validation_pictures_get_what_the_evaluation_says(classifier, runs, tmp_path):
    evaluate(open_runs([str(runs / "photo_run")]), Scheme(), tmp_path, say=lambda line: None)
    with (tmp_path / "pictures.csv").open() as file:
        expected = list(csv.DictReader(file))
    found = predicted(classifier, *(runs / row["picture"] for row in expected), top=1)
    assert [one.path for one in found] == [str(runs / row["picture"]) for row in expected]
    assert [one.classes[0][0] for one in found] == [row["predicted"] for row in expected]
    shares = [float(row["probability"]) for row in expected]
    assert [one.classes[0][1] for one in found] == pytest.approx(shares, abs=1e-5)


@pytest.mark.parametrize("mode", ["stretch", "pad"])
def test_pictures_are_resized_as_the_run_was_trained(runs, tmp_path, mode):
    shutil.copytree(runs / "photo_run", tmp_path / "run")
    spec, environment = tmp_path / "run" / "spec.yaml", tmp_path / "run" / "environment.json"
    spec.write_text(spec.read_text().replace("  batch_size: 8", f"  batch_size: 8\n  resize: {mode}"))
    content = json.loads(environment.read_text())
    environment.write_text(json.dumps({**content, "spec": flat(load(spec).to_yaml())}))
    classifier = open_classifier(str(tmp_path / "run"))()
    Image.fromarray(load_sample_images().images[0][:60, :200]).save(tmp_path / "wide.png")
    expected = fitted_bytes(tf.constant((tmp_path / "wide.png").read_bytes()), (16, 16, 3), Resizing(mode)).numpy()
    assert np.array_equal(reader(classifier)(Found(str(tmp_path / "wide.png"))), expected)
    signatures, _ = endpoints(network_of(open_run(tmp_path / "run")))
    served = signatures["serve_bytes"](picture_bytes=tf.constant([(tmp_path / "wide.png").read_bytes()]))
    plain = signatures["serving_default"](pictures=tf.constant(expected[np.newaxis], tf.float32))
    assert np.allclose(served["probabilities"], plain["probabilities"], atol=1e-6)
    with pytest.raises(UserError) as caught:
        evaluate(tmp_path / "run", Scheme("ten"), say=lambda line: None)
    assert str(caught.value) == (
        f"--crops ten: resizes the shorter side, and this network was trained with resize: {mode}; test it without "
        "crops and scales, or all the same with --set train.resize=crop"
    )


def test_files_that_claim_too_much_are_reported_and_the_others_are_classified(classifier, tmp_path):
    Image.new("RGB", (40, 30), (204, 0, 0)).save(tmp_path / "good.jpg")
    (tmp_path / "claim.jpg").write_bytes(claiming((tmp_path / "good.jpg").read_bytes(), 65_500, 65_500))
    (tmp_path / "wide.png").write_bytes(png_header(100_000_000, 1))
    claim, good, wide = predicted(classifier, tmp_path)
    assert claim.error == wide.error == f"cannot be decoded: {headers.LARGE}" and good.classes


def test_links_to_folders_are_followed(classifier, runs, tmp_path):
    (tmp_path / "linked").symlink_to(runs / "photos" / "china")
    assert len(predicted(classifier, tmp_path)) == 30


def test_folders_are_searched_in_order_and_probabilities_add_up(classifier, runs):
    found = predicted(classifier, runs / "photos")
    names = sorted(str(path) for path in (runs / "photos").glob("*/*.jpg"))
    assert [one.path for one in found] == names and len(names) == 60 > BATCH
    for one in found:
        assert sum(share for _, share in one.classes) == pytest.approx(1, abs=1e-5)
        assert one.classes[0][1] >= one.classes[1][1]


def test_no_more_files_are_read_than_a_few_batches_ahead(classifier, runs):
    path = str(next((runs / "photos").glob("*/*.jpg")))
    taken = 0

    def many():
        nonlocal taken
        for _ in range(5000):
            taken += 1
            yield Found(path)

    results = classify(classifier, many())
    for count in range(1, 3 * BATCH):
        next(results)
        assert taken <= count + (AHEAD + 1) * BATCH
    results.close()


def export(directory, run):
    """A SavedModel as tools/export.py writes it, of a network that answers with fixed probabilities."""

    class Answers(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 16, 16, 3), tf.float32, "pictures")])
        def serve(self, pictures):
            red = tf.reduce_mean(pictures[..., 0], (1, 2)) / 255
            return {"probabilities": tf.stack([1 - red, red], 1)}

    answers = Answers()
    tf.saved_model.save(answers, str(directory), {"serving_default": answers.serve})
    for name in ("spec.yaml", "environment.json"):
        shutil.copy(run / name, directory / "assets" / name)


def test_an_export_is_asked_for_its_newest_version(runs, tmp_path):
    for version in ("2", "10"):
        export(tmp_path / "photos" / version, runs / "photo_run")
    (tmp_path / "photos" / "2" / "saved_model.pb").write_bytes(b"damaged")
    picture = tmp_path / "red.png"
    Image.new("RGB", (40, 30), (204, 0, 0)).save(picture)
    (one,) = predicted(open_classifier(str(tmp_path / "photos"))(), picture)
    assert one.classes == (("flower", pytest.approx(0.8, abs=1e-3)), ("china", pytest.approx(0.2, abs=1e-3)))
    with pytest.raises(FileError, match=r"/2: is damaged, or no SavedModel"):
        open_classifier(str(tmp_path / "photos" / "2"))()


def test_dangling_links_are_reported_and_pipes_do_not_block(classifier, tmp_path):
    Image.new("RGB", (40, 30), (204, 0, 0)).save(tmp_path / "good.png")
    (tmp_path / "gone.png").symlink_to("nothing.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "around").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.png")
    gone, good, loop, pipe = predicted(classifier, tmp_path)
    assert gone.error == "cannot be read: No such file or directory"
    assert good.path == f"{tmp_path}/good.png" and good.classes
    assert loop.error == "cannot be read: Too many levels of symbolic links"
    assert pipe.error == "cannot be read: it is not a regular file"


def test_an_export_that_cannot_answer_is_reported(runs, tmp_path):
    export(tmp_path, runs / "photo_run")
    environment = tmp_path / "assets" / "environment.json"
    environment.write_text(environment.read_text().replace('"flower"', '"flower", "tree"'))
    with pytest.raises(FileError, match=r"predicts 2 classes, and assets/ names 3; export it again"):
        open_classifier(str(tmp_path))()
    (tmp_path / "saved_model.pb").unlink()
    (tmp_path / "export.json").write_text("{}")
    for path in (tmp_path, tmp_path.parent):  # a version, and the folder of versions
        with pytest.raises(FileError, match="is an export without a SavedModel; "):
            open_classifier(str(path))


# -- the tool --------------------------------------------------------------------------------------------------------


def run(*arguments, status=0):
    command = [python(), ROOT / "tools" / "predict.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout, result.stderr


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, runs):
    """A folder with two pictures, a damaged one, and a file that is none by its name."""
    folder = tmp_path_factory.mktemp("mixed")
    Image.new("RGB", (40, 30), (9, 90, 190)).save(folder / "a.jpg")
    (folder / "b.jpg").write_bytes(b"\xff\xd8\xff broken")
    Image.new("CMYK", (30, 40), (200, 0, 0, 90)).save(folder / "c.tif")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_damaged_picture_is_reported_and_the_others_are_classified(runs, mixed):
    output, errors = run(runs / "photo_run", mixed, "--json", status=1)
    first, second, third = json.loads(output)
    assert [Path(one["picture"]).name for one in (first, second, third)] == ["a.jpg", "b.jpg", "c.tif"]
    assert second["error"].startswith("cannot be decoded: ") and "classes" not in second
    assert {one["class"] for one in third["classes"]} == {"china", "flower"}
    assert f"{mixed}/b.jpg: cannot be decoded: " in errors and errors.endswith("1 could not be read\n")


def test_csv_has_a_row_for_each_picture_and_class(classifier, mixed):
    out, errors = io.StringIO(), io.StringIO()
    assert write(classify(classifier, find([str(mixed)]), 1), out, errors, "csv") == 1
    head, a, b, c = csv.reader(io.StringIO(out.getvalue()))
    assert head == ["picture", "rank", "class", "probability", "error"]
    assert (a[0], a[1], a[4]) == (f"{mixed}/a.jpg", "1", "") and a[2] in ("china", "flower")
    assert 0.5 <= float(a[3]) <= 1
    assert b[0] == f"{mixed}/b.jpg" and b[1:4] == ["", "", ""] and b[4].startswith("cannot be decoded: ")
    assert c[0] == f"{mixed}/c.tif"


def test_text_has_a_line_for_each_picture(classifier, mixed):
    out, errors = io.StringIO(), io.StringIO()
    assert write(classify(classifier, find([str(mixed / "a.jpg")])), out, errors, "text") == 0
    assert re.fullmatch(r".*/a\.jpg  (china|flower) [\d.]+%  (china|flower) [\d.]+%\n", out.getvalue())
    assert write([], out := io.StringIO(), errors, "json") == 0 and json.loads(out.getvalue()) == []


def test_mistakes_end_with_status_2(runs, mixed, tmp_path):
    (tmp_path / "empty").mkdir()
    _, errors = run(runs / "photo_run", mixed / "a.jgp", status=2)
    assert errors == f"{mixed}/a.jgp: no such file or folder; did you mean 'a.jpg'?\n"
    _, errors = run(runs / "photo_run", tmp_path / "empty", status=2)
    assert errors.startswith(f"{tmp_path}/empty: has no pictures (.jpg .jpeg ")
    _, errors = run(runs / "photos", mixed, status=2)
    assert errors == f"{runs}/photos: is not the directory of a run: it has no spec.yaml and no checkpoints/\n"


def test_what_the_network_says_is_sorted(classifier, mixed):
    a, b, c = predicted(classifier, mixed)
    assert np.argsort([-share for _, share in a.classes]).tolist() == [0, 1]
    assert b.error and not b.classes and c.classes
