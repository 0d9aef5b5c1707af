"""Runs that were really trained, evaluated: the figures of training, the files, ensembles, and what is refused."""

import csv
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from archspec import UserError
from builder.evaluation.evaluator import evaluate, open_runs
from builder.evaluation.report import FILES
from builder.evaluation.scheme import Scheme
from builder.runs.run import open_run
from tests.forked import python

ROOT = Path(__file__).parents[3]


def quietly(directories, scheme=None, out=None, assignments=()):
    """The evaluation, and what it said."""
    lines = []
    opened = open_runs([str(path) for path in directories], assignments)
    return evaluate(opened, scheme or Scheme(), out, say=lines.append), "\n".join(lines)


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def best_epoch(run):
    return max(table(run / "metrics.csv"), key=lambda row: float(row["val_accuracy"]))


@pytest.fixture(scope="module")
def photos(runs):
    return quietly([runs / "photo_run"])


@pytest.mark.parametrize("name", ["one", "photo_run"])
def test_metrics_are_those_of_training(name, runs, tmp_path):
    """With label smoothing in `photo_run`, which the loss has too."""
    found, _ = quietly([runs / name], out=tmp_path)
    (one,) = found.members.values()
    expected = best_epoch(runs / name)
    assert one.top1 == pytest.approx(float(expected["val_accuracy"]), abs=1e-6)
    assert one.top5 == pytest.approx(float(expected["val_top5_accuracy"]), abs=1e-6)
    assert one.loss == pytest.approx(float(expected["val_loss"]), rel=1e-4)


def test_a_directory_or_an_open_run_and_a_name_of_crops_are_enough(runs, tmp_path):
    lines = []
    by_path = evaluate(runs / "one", "ten", tmp_path, say=lines.append)
    by_run = evaluate(open_run(runs / "one"), Scheme("ten"), tmp_path, say=lines.append)
    assert by_path.metrics == by_run.metrics == by_path.members[str(runs / "one")]
    assert by_path.confusion.sum() == by_path.metrics.pictures == 360
    assert [one.name for one in by_path.classes] == list("0123456789")
    assert by_path.directory == tmp_path


def test_the_files_agree(photos, runs):
    found, said = photos
    directory = runs / "photo_run" / "evaluation" / "centre"
    assert found.directory == directory and f"saved {directory}/:" in said
    names = ["classes.csv", "confusion.csv", "confusion.png", "evaluation.json", "mistakes.png", "pictures.csv"]
    assert sorted(path.name for path in directory.iterdir()) == names
    about = json.loads((directory / "evaluation.json").read_text())
    assert str(runs) not in "".join((directory / name).read_text() for name in names if not name.endswith(".png"))
    top1 = about["runs"]["photo_run"]["top1"]
    pictures = table(directory / "pictures.csv")
    right = [row["class"] == row["predicted"] for row in pictures]
    assert len(pictures) == 18 and np.mean(right) == pytest.approx(top1)
    assert all(re.fullmatch(rf"photos/{row['class']}/\d\d\.jpg", row["picture"]) for row in pictures)
    confusion = table(directory / "confusion.csv")
    assert sum(int(row[row["class"]]) for row in confusion) == sum(right)
    classes = table(directory / "classes.csv")
    assert [int(row["pictures"]) for row in classes] == [9, 9]
    for row, counts in zip(classes, confusion, strict=True):
        assert float(row["recall"]) == pytest.approx(int(counts[row["class"]]) / 9, abs=1e-6)
    recalls = [float(row["recall"]) for row in classes]
    assert about["macro"]["recall"] == found.macro.recall == pytest.approx(np.mean(recalls), abs=1e-6)
    assert f"means of 2 classes: recall {100 * found.macro.recall:.2f} %, precision " in said
    assert imread(directory / "confusion.png").shape[0] > 400 and imread(directory / "mistakes.png").shape[1] >= 780


def test_dense_evaluation_at_the_training_size_is_the_classifier(runs, photos, tmp_path):
    """Digits have the network's very size; photographs are wider than the crop, so only that it runs is tested."""
    plain, _ = quietly([runs / "one"], out=tmp_path)
    dense, _ = quietly([runs / "one"], Scheme("dense", (8,), flip=False), tmp_path)
    np.testing.assert_allclose(dense.log_probabilities, plain.log_probabilities, atol=1e-4)
    several, said = quietly([runs / "photo_run"], Scheme("dense", (16, 24)))
    assert "dense evaluation and mirror images, shorter side 16, 24" in said
    assert several.labels.tolist() == photos[0].labels.tolist()
    np.testing.assert_allclose(np.exp(several.log_probabilities).sum(1), 1, rtol=1e-5)
    assert several.directory == runs / "photo_run" / "evaluation" / "dense-16-24"


def test_several_scales_are_the_mean_of_each(runs, tmp_path):
    single = [
        np.exp(quietly([runs / "photo_run"], Scheme("ten", (side,)), tmp_path)[0].log_probabilities)
        for side in (18, 22)
    ]
    both, said = quietly([runs / "photo_run"], Scheme("ten", (18, 22)), tmp_path)
    np.testing.assert_allclose(np.exp(both.log_probabilities), np.mean(single, 0), atol=1e-5)
    assert "ten crops of 16x16, shorter side 18, 22" in said


def run(*arguments, status=0):
    """`tools/evaluate.py` as a user runs it."""
    command = [python(), ROOT / "tools" / "evaluate.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr if status else result.stdout


def test_an_ensemble_by_the_tool(runs, tmp_path):
    output = run(runs / "one", runs / "two", "--out", tmp_path / "both")
    one, two = (quietly([runs / name], out=tmp_path / name)[0] for name in ("one", "two"))
    mean = (np.exp(one.log_probabilities) + np.exp(two.log_probabilities)) / 2
    top1 = 100 * (mean.argmax(1) == one.labels).mean()
    singles = [100 * float(best_epoch(runs / name)["val_accuracy"]) for name in ("one", "two")]
    shown = [float(value) for value in re.findall(r"^\S*/(?:one|two) +([\d.]+)", output, re.MULTILINE)]
    assert shown == pytest.approx(singles, abs=0.006)
    assert float(re.search(r"^mean of probabilities +([\d.]+)", output, re.MULTILINE)[1]) == pytest.approx(
        top1, abs=0.006
    )
    gain = float(re.search(r"^mean of probabilities: ([+-][\d.]+) points over", output, re.MULTILINE)[1])
    assert gain == pytest.approx(top1 - max(singles), abs=0.011)
    assert re.search(r"^majority vote +[\d.]+ +- +-$", output, re.MULTILINE)
    about = json.loads((tmp_path / "both" / "evaluation.json").read_text())
    assert about["ensemble"]["mean of probabilities"]["top1"] == pytest.approx(top1 / 100)


def test_files_are_written_also_where_a_pipe_takes_no_more(runs, tmp_path):
    def closed(line):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        evaluate(open_runs([str(runs / "one")]), Scheme(), tmp_path, say=closed)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


# -- mistakes --------------------------------------------------------------------------------------------------------


def refused(*arguments, assignments=(), scheme=None):
    with pytest.raises(UserError) as caught:
        quietly(arguments, scheme, assignments=assignments)
    return str(caught.value)


def test_mistakes_end_with_status_2_before_tensorflow_is_imported(runs, tmp_path):
    errors = run(tmp_path / "nowhere", runs / "photo_run", status=2)
    assert errors.startswith(f"{tmp_path}/nowhere: there is no such run")
    assert "invalid choice: 'eleven'" in run(runs / "one", "--crops", "eleven", status=2)


def test_an_ensemble_has_one_set_of_classes_and_data(runs, tmp_path):
    message = f"has 2 classes, and {runs}/one has 10; the runs of an ensemble need the same data and classes"
    assert refused(runs / "one", runs / "photo_run") == f"{runs}/photo_run: {message}"
    assert refused(runs / "one", runs / "one") == f"{runs}/one: is named twice; an ensemble consists of different runs"
    shutil.copytree(runs / "two", tmp_path / "other")
    path = tmp_path / "other" / "environment.json"
    path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    assert "their fingerprints differ; the runs of an ensemble need" in refused(runs / "one", tmp_path / "other")
    assert "has changed since" in refused(tmp_path / "other") or "fingerprints differ" in refused(tmp_path / "other")


def test_a_run_without_a_model_or_with_a_damaged_one(runs, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "run")
    model = tmp_path / "run" / "model.keras"
    model.write_bytes(model.read_bytes()[:2000])
    assert f"{model}: is damaged" in refused(tmp_path / "run")
    model.unlink()
    assert f"{tmp_path}/run: has no model.keras" in refused(tmp_path / "run")


def test_a_spec_that_was_changed_since(runs, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "run")
    path = tmp_path / "run" / "spec.yaml"
    path.write_text(path.read_text().replace("width: 8", "width: 12"))
    message = refused(tmp_path / "run")
    assert "the spec was changed since" in message and "was 8, is 12" in message


def test_set_changes_the_data_and_never_the_network(runs):
    message = refused(runs / "one", assignments=["width=12"])
    assert message == f"--set: changes the network of {runs}/one, which is trained; set train fields only"
    other = f"train.data={{folder: {{path: {runs / 'photos'}}}}}"
    assert "photos has 2 classes" in refused(runs / "one", assignments=[other]) or "channels" in refused(
        runs / "one", assignments=[other]
    )


def test_what_is_refused_makes_no_folder(runs, tmp_path):
    with pytest.raises(UserError, match="--scales 12: expected at least 16"):
        quietly([runs / "photo_run"], Scheme("dense", (12,)), tmp_path / "new")
    (tmp_path / "file").touch()
    for out, expected in (("file", "is a file, expected a directory"), ("file/in", "cannot be written to: Not a dir")):
        with pytest.raises(UserError, match=expected):
            quietly([runs / "photo_run"], out=tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_scales_below_the_network_are_refused(runs):
    assert "--scales 12: expected at least 16" in refused(runs / "photo_run", scheme=Scheme("dense", (12,)))
