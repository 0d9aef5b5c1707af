"""Runs in MLflow's store in a folder, read by MLflow itself."""

import json
import shutil

import pytest

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'convspec[mlflow]'")

from archspec.errors import UserError  # noqa: E402
from builder.runs.metrics import COLUMNS, read_metrics  # noqa: E402
from builder.tracking import mlflow_tracker  # noqa: E402
from builder.tracking.sending import send  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:The filesystem tracking backend:FutureWarning")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)


def only_run(client, project="digits"):
    experiment = client.get_experiment_by_name(project)
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def histories(client, run):
    return {
        name: [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
    }


def test_a_run_is_there_once(run_dir, store):
    rows = read_metrics(run_dir / "metrics.csv")
    for _ in range(2):
        send(run_dir, "mlflow", say=lambda line: None)
        run = only_run(store)
        assert run.info.status == "FINISHED" and run.info.run_name == "digits/short"
        expected = {
            name: [(row["epoch"], pytest.approx(row[name])) for row in rows] for name in COLUMNS if name != "epoch"
        }
        assert histories(store, run) == expected
    assert run.data.params["train.learning_rate.cosine.base"] == "0.1"
    assert run.data.params["model.layers.0.conv.kernel"] == "3"
    assert run.data.tags["data"] == "digits" and run.data.tags["seed"] == "0"
    environment = json.loads((run_dir / "environment.json").read_text())
    assert run.data.tags["package.keras"] == environment["packages"]["keras"]
    names = {one.path for one in store.list_artifacts(run.info.run_id)}
    assert {"spec.yaml", "environment.json", "metrics.csv", "learning_curve.png"} <= names
    first = store.get_metric_history(run.info.run_id, "loss")[0].timestamp
    assert run.info.start_time < first < run.info.start_time + 1e6


def test_an_epoch_that_was_sent_in_part_is_completed(run_dir, store, monkeypatch):
    monkeypatch.setattr(mlflow_tracker, "MOST", 4)
    log_batch, calls = mlflow.MlflowClient.log_batch, []

    def failing(self, run_id, metrics=(), **others):
        calls.extend(metrics)
        if len(calls) > 12:
            raise OSError("no route to host")
        return log_batch(self, run_id, metrics=metrics, **others)

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "log_batch", failing)
        with pytest.raises(UserError, match="MLflow cannot be reached, or refuses: no route to host"):
            send(run_dir, "mlflow", say=lambda line: None)
    assert 0 < sum(map(len, histories(store, only_run(store)).values())) == 12
    lines = []
    send(run_dir, "mlflow", say=lines.append)
    assert lines[-1] == "2 epochs of 3 sent"
    assert {len(history) for history in histories(store, only_run(store)).values()} == {3}


def test_a_run_that_was_extended_says_so(run_dir, store, tmp_path):
    send(run_dir, "mlflow", say=lambda line: None)
    directory = tmp_path / "run"
    shutil.copytree(run_dir, directory)
    (directory / "spec.yaml").write_text((directory / "spec.yaml").read_text().replace("epochs: 3", "epochs: 5"))
    environment = json.loads((directory / "environment.json").read_text())
    environment["spec"]["train.epochs"] = "5"
    (directory / "environment.json").write_text(json.dumps(environment))
    send(directory, "mlflow", say=lambda line: None)
    data = only_run(store).data
    assert (data.params["train.epochs"], data.tags["changed.train.epochs"]) == ("3", "5")


def test_a_server_that_cannot_be_reached_is_an_error(run_dir, monkeypatch, store):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"--to mlflow: MLflow cannot be reached, or refuses: .*127\.0\.0\.1"):
        send(run_dir, "mlflow", say=lambda line: None)
