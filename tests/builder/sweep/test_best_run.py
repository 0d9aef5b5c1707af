"""A search in the place of a run: it stands for its best trial."""

import json
import shutil
import subprocess

import numpy as np
import pytest

import builder
from archspec.errors import FileError
from tests.forked import python
from tests.processes import ROOT


def test_a_search_is_its_best_trial(finished, tmp_path):
    _, directory, found, _ = finished
    run = builder.open_run(directory)
    best = found.best
    assert run.directory == directory / "trials" / best.trial.id / "run-1"
    assert run.note.startswith(f"{directory} is a search; its best: Trial {best.trial.id}: val_accuracy ")
    lines = []
    evaluation = builder.evaluate(directory, out=tmp_path / "out", say=lines.append)
    assert lines[0] == run.note
    assert next(iter(evaluation.members.values())).top1 == pytest.approx(best.objective, abs=1e-4)
    picture = np.zeros((*run.spec.graph.input.shape,), np.uint8)
    assert builder.predict(directory, picture) == builder.predict(run, picture)
    lines = []
    builder.export(directory, ["keras"], tmp_path / "exports", say=lines.append)
    assert lines[0] == run.note


def test_a_search_that_was_moved(finished, tmp_path):
    copy = shutil.copytree(finished[1], tmp_path / "moved")
    assert builder.open_run(copy).directory.is_relative_to(copy)


def test_a_search_without_a_best_trial(finished, tmp_path):
    copy = shutil.copytree(finished[1], tmp_path / "search")
    run = builder.open_run(copy).directory
    shutil.rmtree(run)
    with pytest.raises(FileError) as error:
        builder.open_run(copy)
    assert str(error.value) == (
        f"{copy}: is a search, and its best trial, {run.relative_to(copy)}, is not there; name one of the runs in "
        f"{copy / 'trials'}"
    )
    again = f"python tools/tune.py --resume {copy}"
    for damaged in ("{", "[]", json.dumps({**json.loads((copy / "best.json").read_text()), "value": "high"})):
        (copy / "best.json").write_text(damaged)
        with pytest.raises(FileError) as error:
            builder.open_run(copy)
        assert str(error.value) == f"{copy / 'best.json'}: is damaged; {again} writes it again"
    (copy / "best.json").unlink()
    with pytest.raises(FileError) as error:
        builder.open_run(copy)
    assert str(error.value) == f"{copy}: is a search without best.json: no trial of it has finished yet"


def test_the_summary_of_a_search_is_that_of_its_best_trial(finished):
    _, directory, found, _ = finished
    shown = subprocess.run(
        [python(), ROOT / "tools" / "summary.py", "--json", directory], capture_output=True, text=True, timeout=60
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == f"{builder.open_run(directory).note}\n"
    assert json.loads(shown.stdout)["trainable_parameters"] == found.best.trial.trainable_parameters
