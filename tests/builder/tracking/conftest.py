"""A tracker that remembers what it was sent, and a run that grows."""

import shutil

import pytest

from builder.runs.directory import locked
from builder.runs.metrics import read_metrics, write_metrics
from builder.tracking import sending


class Memory:
    """A tracker that keeps everything, and fails when it is told to."""

    place = "memory"

    def __init__(self):
        self.rows, self.ends, self.files, self.states, self.contents, self.failures = [], [], {}, [], [], []

    def epochs(self):
        return {int(row["epoch"]) for row in self.rows}

    def add(self, rows, ended):
        if self.failures:
            raise self.failures.pop(0)
        self.rows += rows
        self.ends += ended

    def add_files(self, files):
        self.files |= files

    def close(self, state):
        self.states.append(state)


@pytest.fixture
def memory(monkeypatch):
    tracker = Memory()
    monkeypatch.setattr(sending, "check_installed", lambda name: None)
    monkeypatch.setattr(sending, "open_tracker", lambda name, content: tracker.contents.append(content) or tracker)
    return tracker


@pytest.fixture
def growing(run_dir, tmp_path, monkeypatch):
    """A copy of a run that seems to be trained: an epoch ends whenever it is waited for, and after the last epoch the
    training ends. What `events` holds for a moment happens instead."""
    directory, events = tmp_path / "growing", {}
    shutil.copytree(run_dir, directory)
    rows = read_metrics(directory / "metrics.csv")
    write_metrics(directory / "metrics.csv", rows[:1])
    model = (directory / "model.keras").read_bytes()
    (directory / "model.keras").unlink()
    lock = locked(directory)
    lock.__enter__()
    shown = [1]

    def sleep(seconds):
        event = events.pop(shown[0], None)
        if event is not None:
            raise event
        shown[0] += 1
        if shown[0] <= len(rows):
            write_metrics(directory / "metrics.csv", rows[: shown[0]])
        else:
            (directory / "model.keras").write_bytes(model)
            lock.__exit__(None, None, None)

    monkeypatch.setattr(sending.time, "sleep", sleep)
    return directory, events
