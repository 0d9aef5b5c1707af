"""What is sent of a run, and when."""

import json
import shutil
from pathlib import Path

import pytest

from archspec.errors import UserError
from builder.runs.finding import is_run
from builder.runs.run import open_run
from builder.tracking.content import content_of, files_of, key_of
from builder.tracking.sending import send
from builder.tracking.tracker import TrackerError


def said(*arguments, **options):
    """The lines that sending says."""
    lines = []
    send(*arguments, say=lines.append, **options)
    return lines


def contents(directory):
    return {path: path.read_bytes() for path in Path(directory).rglob("*") if path.is_file()}


def test_a_run_is_sent_once(run_dir, memory):
    before = contents(run_dir)
    lines = said(run_dir, "mlflow")
    assert lines == [f"{run_dir} to memory", "3 epochs of 3 sent"]
    assert [row["epoch"] for row in memory.rows] == [1, 2, 3] and memory.states == ["finished"]
    assert memory.ends == sorted(memory.ends) and memory.ends[0] > memory.contents[0].started > 1.7e9
    assert said(run_dir, "mlflow")[1] == "all of 3 epochs were there already"
    assert len(memory.rows) == 3 and memory.contents[0] == memory.contents[1]
    assert contents(run_dir) == before


def test_what_is_sent_is_what_others_may_see(run_dir):
    run = open_run(run_dir)
    content, files = content_of(run), files_of(run)
    assert content.name == "digits/short" and content.project == "digits" and content.group == ""
    assert content.params["train.learning_rate.cosine.base"] == "0.1" and content.params["train.epochs"] == "3"
    assert content.tags["network.parameters"] == "1994" or int(content.tags["network.parameters"]) > 1000
    assert {"python", "package.keras", "seed", "data", "data.fingerprint", "network.macs"} <= content.tags.keys()
    assert (
        list(files)[:2] == ["spec.yaml", "environment.json"] and {"learning_curve.png", "metrics.csv"} <= files.keys()
    )
    assert not any(name.endswith((".keras", ".safetensors", ".npz")) for name in files)
    text = str(content) + "".join(files[name].decode() for name in ("spec.yaml", "environment.json"))
    assert str(run_dir.parent) not in text and "command" not in json.loads(files["environment.json"])


def test_the_key_stays_when_a_run_moves_or_is_extended(run_dir, tmp_path):
    key = key_of(open_run(run_dir))
    shutil.copytree(run_dir, tmp_path / "moved")
    spec, environment = tmp_path / "moved" / "spec.yaml", tmp_path / "moved" / "environment.json"
    spec.write_text(spec.read_text().replace("epochs: 3", "epochs: 5\n  cache: off"))
    content = json.loads(environment.read_text())
    content["spec"]["train.epochs"], content["resumed"] = "5", [{"started": "now"}]
    environment.write_text(json.dumps(content))
    assert key_of(open_run(tmp_path / "moved")) == key
    content["seed"] = 1
    environment.write_text(json.dumps(content))
    assert key_of(open_run(tmp_path / "moved")) != key


def test_evaluations_and_drawings_are_sent(run_dir, tmp_path):
    directory = tmp_path / "run"
    shutil.copytree(run_dir, directory)
    there = ["evaluation/centre/confusion.png", "evaluation/centre/evaluation.json", "network.svg", "README.md"]
    others = ["evaluation/centre/pictures.csv", "checkpoints/drawing.png", ".hidden.png"]
    for name in there + others:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(name)
    files = files_of(open_run(directory))
    assert [files[name].decode() for name in there] == there and not files.keys() & set(others)


def test_a_run_is_followed_to_its_end(growing, memory):
    directory, _ = growing
    assert said(directory, "wandb", follow=True) == [
        f"{directory} to memory",
        "sent epoch 1",
        "sent epoch 2",
        "sent epoch 3",
        "3 epochs of 3 sent",
    ]
    assert [row["epoch"] for row in memory.rows] == [1, 2, 3] and memory.states == ["finished"]


def test_a_growing_run_is_sent_as_it_is(growing, memory):
    directory, _ = growing
    lines = said(directory, "mlflow")
    assert lines[1:] == ["1 epoch of 1 sent; it is being trained: --follow sends the rest as it comes"]
    assert memory.states == ["running"]


def test_a_tracker_that_is_gone_for_a_while_is_tried_again(growing, memory):
    directory, _ = growing
    memory.failures = [TrackerError("no route to host"), TrackerError("no route to host")]
    lines = said(directory, "mlflow", follow=True)
    assert lines[1:3] == ["no route to host; trying again until the training ends", "sent epochs 1 to 3"]
    assert memory.states == ["finished"]


def test_a_tracker_that_is_gone_is_an_error(run_dir, memory):
    memory.failures = [TrackerError("no route to host")]
    message = (
        "--to mlflow: MLflow cannot be reached, or refuses: no route to host; the same command sends what is missing"
    )
    with pytest.raises(UserError, match=f"^{message}$"):
        send(run_dir, "mlflow", say=lambda line: None)


def test_ctrl_c_ends_it(growing, memory):
    directory, events = growing
    events[2], lines = KeyboardInterrupt(), []
    with pytest.raises(KeyboardInterrupt):
        send(directory, "mlflow", follow=True, say=lines.append)
    assert lines[-1] == "stopped; the training does not notice, and the same command sends what is missing"
    assert [row["epoch"] for row in memory.rows] == [1, 2] and memory.states == ["running"]


def test_a_run_that_was_stopped_is_said_to_be(run_dir, tmp_path, memory):
    shutil.copytree(run_dir, tmp_path / "run", ignore=shutil.ignore_patterns("model.keras"))
    assert said(tmp_path / "run", "mlflow", project="mine")[1] == "3 epochs of 3 sent; it was stopped before its end"
    assert memory.states == ["stopped"] and memory.contents[0].project == "mine"


def test_the_trials_of_a_search_are_sent(run_dir, tmp_path, memory):
    search = tmp_path / "search"
    for trial in ("0001", "0002"):
        shutil.copytree(run_dir, search / "trials" / trial / "run-1")
    shutil.copy(run_dir / "spec.yaml", search)
    assert is_run(search / "trials" / "0001" / "run-1")
    said(search, "mlflow")
    assert [content.name for content in memory.contents] == ["search/0001/run-1", "search/0002/run-1"]
    assert {content.group for content in memory.contents} == {"search"}
    with pytest.raises(UserError, match=r"search: is a search, and --follow follows one run: name that of a trial, "):
        send(search, "mlflow", follow=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "nothing: there is no such run"),
        ("empty", "empty: is not the directory of a run: it has no spec.yaml and no checkpoints/"),
        ("search", "search: is a search without a trial that has begun"),
    ],
)
def test_what_is_no_run_is_refused(name, message, tmp_path, monkeypatch, memory):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "search" / "trials").mkdir(parents=True)
    (tmp_path / "search" / "spec.yaml").write_text("")
    with pytest.raises(UserError, match=f"^{message}"):
        send(name, "mlflow")


def test_a_missing_package_is_named(run_dir, monkeypatch):
    monkeypatch.setattr("builder.tracking.tracker.find_spec", lambda name: None)
    message = r"--to wandb: needs the package wandb: install it with pip install 'convspec\[wandb\]'"
    with pytest.raises(UserError, match=f"^{message}$"):
        send(run_dir, "wandb")
