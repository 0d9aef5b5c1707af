"""Searches as a user runs them to their end, and what they leave."""

import re
import shutil
from pathlib import Path

import keras
import pytest

import archspec
import builder
from builder.sweep.tuners.journal import NAME
from tests.builder.sweep.searches import ROOT, table, write

pytestmark = pytest.mark.usefixtures("forked_servers")


def test_the_files_of_a_search(finished):
    _, directory, found, said = finished
    rows = table(directory)
    assert [row["trial"] for row in rows] == ["0001", "0002", "0003"]
    assert {row["state"] for row in rows} == {"completed"}
    for row in rows:
        model = keras.saving.load_model(directory / "trials" / row["trial"] / "run-1/model.keras")
        trainable = sum(variable.numpy().size for variable in model.trainable_weights)
        assert trainable == int(row["trainable_parameters"]) <= 1500
        assert float(row["objective"]) == float(row["val_accuracy"])
    best = max(rows, key=lambda row: float(row["objective"]))
    assert found.best.trial.id == best["trial"]
    assert found.complete
    assert any(
        re.match(r"2 of 3 trials done  best val_accuracy 0\.\d{4} \(000.\)(  \d+ resampled)?  ETA", s) for s in said
    )
    for name in ("parallel_coordinates", "pareto", "learning_curves", "times"):
        assert (directory / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert {path.stem for path in (directory / "pareto").glob("*.yaml")} >= {best["trial"]}


def test_the_best_is_a_spec_that_reproduces_its_metric(finished, tmp_path):
    from builder.training.trainer import train

    _, directory, found, _ = finished
    spec = archspec.load(directory / "best.yaml")
    assert spec.search is None
    train(spec, tmp_path / "run", say=lambda line: None)
    (again,) = [one for one in map(float, column(tmp_path / "run", "val_accuracy")) if one == found.best.objective][-1:]
    assert max(map(float, column(tmp_path / "run", "val_accuracy"))) == again


def column(run, name):
    header, *rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    return [row[header.index(name)] for row in rows]


def test_a_finished_search_trains_nothing_more_and_repairs_its_table(finished, tmp_path):
    spec, directory, _, _ = finished
    copy = tmp_path / "search"
    shutil.copytree(directory, copy)
    with (copy / "trials.csv").open("a") as file:
        file.write('0004,1,comp"')
    with (copy / NAME).open("ab") as file:
        file.write(b'{"event": "cre\x00')
    logs = {path: path.read_text() for path in copy.glob("trials/*/*.log")}
    builder.tune(archspec.load(spec), copy, resume=True, say=lambda line: None)
    assert table(copy) == table(directory)
    assert {path: path.read_text() for path in copy.glob("trials/*/*.log")} == logs


def test_executions_have_different_seeds(tmp_path):
    tuner = {"random_search": {"max_trials": 1, "executions_per_trial": 2}}
    found = builder.tune(archspec.load(write(tmp_path, 1, tuner=tuner)), tmp_path / "search", say=lambda line: None)
    first, second = table(tmp_path / "search")
    assert (first["seed"], second["seed"]) == ("0", "1")
    assert first["val_loss"] != second["val_loss"]
    assert found.best.objective == pytest.approx((float(first["objective"]) + float(second["objective"])) / 2)


def test_nothing_within_a_latency(tmp_path):
    spec = archspec.load(write(tmp_path, space={"width": {"choice": [2, 3]}}, budget={"latency_ms": 1e-6}))
    with pytest.raises(archspec.SpecError, match=r"nothing is inside the budget; .*2 latency_ms"):
        builder.tune(spec, tmp_path / "search", say=lambda line: None)


def test_the_python_of_the_documentation(tmp_path, monkeypatch, capsys):
    (tmp_path / "specs").mkdir()
    write(tmp_path, 1, tuner={"random_search": {"max_trials": 1}}).rename(tmp_path / "specs/digits.yaml")
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/search.md").read_text(), re.M | re.S)
    exec("\n".join(code), {})
    best = table("runs/search")[0]
    assert f"{float(best['objective'])} {{'width': {best['width']}" in capsys.readouterr().out
    assert list(Path("runs/kt").iterdir())
