"""Runs of MLflow, on a server, in a database or in a folder: wherever MLFLOW_TRACKING_URI says."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from builder.tracking.content import Content
from builder.tracking.tracker import State, TrackerError

SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
"""MLflow's environment variables where the user has not set them: a server is tried for seconds instead of minutes, and
a store in a folder, which MLflow refuses without the last one, is allowed, as it has to be asked for anyway."""
KEY = "convspec.run"
"""The tag that holds a run's key."""
STATUS: Mapping[State, str] = {"running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED"}
MOST = 100
"""The largest number of metrics, params or tags in a request: MLflow takes no more params and tags."""
LONGEST = {"params": 6000, "tags": 5000}
"""The largest number of characters in a value."""


@dataclass(frozen=True)
class MlflowRun:
    """A run of MLflow; see `builder.tracking.tracker.Tracker`."""

    client: Any
    run_id: str
    place: str

    def epochs(self) -> set[int]:
        with _reported():
            there = self._steps()
        return set.intersection(*there.values()) if there else set()

    def add(self, rows: Sequence[Mapping[str, float]], ended: Sequence[float]) -> None:
        from mlflow.entities import Metric

        with _reported():
            there = self._steps()
            metrics = [
                Metric(name, float(value), round(1000 * end), int(row["epoch"]))
                for row, end in zip(rows, ended, strict=True)
                for name, value in row.items()
                if name != "epoch" and int(row["epoch"]) not in there.get(name, ())
            ]
            for part in _parts(metrics):
                self.client.log_batch(self.run_id, metrics=part)

    def _steps(self) -> dict[str, set[int]]:
        """The epochs that each metric has. A process that was killed may have sent an epoch in part."""
        names = self.client.get_run(self.run_id).data.metrics
        return {name: {one.step for one in self.client.get_metric_history(self.run_id, name)} for name in names}

    def add_files(self, files: Mapping[str, bytes]) -> None:
        with _reported(), TemporaryDirectory() as folder:
            for name, content in files.items():
                path = PurePosixPath(name)
                with open(os.path.join(folder, path.name), "wb") as file:
                    file.write(content)
                parent = str(path.parent) if path.parent.name else None
                self.client.log_artifact(self.run_id, file.name, parent)

    def close(self, state: State) -> None:
        with _reported():
            if state == "running":
                self.client.update_run(self.run_id, STATUS[state])
            else:
                self.client.set_terminated(self.run_id, STATUS[state])


def open_run(content: Content) -> MlflowRun:
    """Opens the run with a key, or makes it; its params and tags are set.

    MLflow lets nobody change a param. One that has changed since it was sent, as the number of epochs of a run that was
    extended, is therefore given as the tag `changed.<its name>` too.

    Raises:
        TrackerError: MLflow cannot be reached, or does not take it.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.entities import Param, RunTag, ViewType

    with _reported():
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(content.project)
        number = experiment.experiment_id if experiment else client.create_experiment(content.project)
        found = client.search_runs([number], f"tags.`{KEY}` = '{content.key}'", ViewType.ACTIVE_ONLY, 1)
        run = found[0] if found else _made(client, number, content)
        params = {_name(name): value[: LONGEST["params"]] for name, value in content.params.items() if value}
        there = run.data.params
        new = [Param(name, value) for name, value in params.items() if name not in there]
        tags = _tags(content)
        tags |= {f"changed.{name}": value for name, value in params.items() if there.get(name, value) != value}
        for part in _parts(new):
            client.log_batch(run.info.run_id, params=part)
        for part in _parts([RunTag(name, value[: LONGEST["tags"]]) for name, value in tags.items()]):
            client.log_batch(run.info.run_id, tags=part)
        return MlflowRun(client, run.info.run_id, f"{mlflow.get_tracking_uri()}, run {run.info.run_id}")


def _made(client: Any, experiment: str, content: Content) -> Any:
    started = round(1000 * content.started) or None
    return client.create_run(experiment, started, {KEY: content.key}, content.name)


def _tags(content: Content) -> dict[str, str]:
    """The tags, with the names of those that MLflow shows in places of their own."""
    own = {"mlflow.note.content": content.description, "mlflow.source.git.commit": content.tags.get("git_commit", "")}
    own["convspec.search"] = content.group
    return {**content.tags, **{name: value for name, value in own.items() if value}}


def _name(path: str) -> str:
    """A path of a spec as a name that MLflow takes: `model.layers.0.conv` for `model.layers[0].conv`."""
    return re.sub(r"[^\w.\-/ :]", "_", re.sub(r"\[(\d+)\]", r".\1", path))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values, as many at once as a request may hold."""
    return (values[start : start + MOST] for start in range(0, len(values), MOST))


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Raises what MLflow says as an error of the tracker."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise TrackerError(str(error).strip().splitlines()[0]) from error
