"""Run directories: claimed once, never overwritten, written atomically."""

import csv
import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from archspec.errors import FileError, UserError
from builder.runs import directory as run_directory
from builder.runs.directory import claim, is_training, locked
from builder.runs.environment import git_commit
from builder.runs.metrics import COLUMNS, write_metrics
from builder.runs.run import open_run
from builder.system.files import replacing, write_json, write_text
from builder.training.board import Board


def test_a_run_without_a_directory_gets_one_named_by_the_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [claim(None, "net") for _ in range(3)]
    assert len(set(paths)) == 3
    for path in paths:
        assert re.fullmatch(r"runs/net/\d{8}-\d{6}(-\d)?", path.as_posix())
        assert [child.name for child in path.iterdir()] == ["checkpoints"]


def test_an_empty_directory_may_be_used_once(tmp_path):
    assert claim(tmp_path, "net") == tmp_path
    with pytest.raises(FileError, match="is not empty, and a run never overwrites another"):
        claim(tmp_path, "net")


def test_of_two_that_found_it_empty_one_gets_it(tmp_path, monkeypatch):
    claim(tmp_path / "run", "net")
    monkeypatch.setattr(
        run_directory, "check_free", lambda path: None
    )  # as if both had looked before either claimed it
    with pytest.raises(FileError, match="was taken by another run"):
        claim(tmp_path / "run", "net")


@pytest.mark.parametrize("inside", ["", "below/it"])
def test_a_file_cannot_hold_a_run(inside, tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    with pytest.raises(FileError, match="Not a directory"):
        claim(file / inside, "net")
    assert file.read_text() == "kept"


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "before")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(FileError, match=r"file\.txt: cannot be written: disk full; what was there is whole"):
        fail()
    assert [child.name for child in tmp_path.iterdir()] == ["file.txt"] and path.read_text() == "before"


def test_metrics_are_whole_after_every_row(tmp_path):
    path, written = tmp_path / "metrics.csv", []
    for epoch in (1, 2):
        written.append({**dict.fromkeys(COLUMNS, 0.1), "epoch": epoch})
        write_metrics(path, written)
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert [row["epoch"] for row in rows] == [str(number + 1) for number in range(epoch)]
        assert rows[-1]["val_loss"] == "0.1" and tuple(rows[-1]) == COLUMNS


def test_the_commit_is_that_of_a_checkout_or_none(tmp_path):
    assert git_commit(tmp_path) is None
    (tmp_path / ".git").mkdir()  # not a repository either
    assert git_commit(tmp_path) is None


def test_a_read_only_disk_is_reported(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(FileError, match=r"file\.txt: cannot be written: Read-only file system"):
        write_text(tmp_path / "file.txt", "text")


def test_a_run_directory_that_cannot_be_locked_is_reported(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(FileError, match="cannot be written: Is a directory"), locked(tmp_path):
        pass


def test_names_that_are_not_utf_8_are_kept(tmp_path):
    directory = tmp_path / os.fsdecode(b"run \xff")
    directory.mkdir()
    write_json(directory / "environment.json", {"command": [str(directory)]})
    assert json.loads((directory / "environment.json").read_text())["command"] == [str(directory)]
    row = {**dict.fromkeys(COLUMNS, 0.1), "epoch": 1}
    Board(directory / "tensorboard", [row])
    assert len(list(directory.rglob("events.*"))) == 2


def test_a_run_that_is_training_is_not_called_stopped(run_dir, tmp_path):
    directory = Path(shutil.copytree(run_dir, tmp_path / "run"))
    assert not is_training(directory) and not is_training(tmp_path)
    (directory / "model.keras").unlink()
    with locked(directory):
        assert is_training(directory)
        with pytest.raises(UserError) as caught:
            open_run(directory)
        (directory / "checkpoints" / "best.safetensors").unlink()
        with pytest.raises(UserError) as without_epoch:
            _ = open_run(directory, is_finished=False)._read_best()
    assert not is_training(directory)
    moment = "a process trains in it at this moment"
    assert str(caught.value) == f"{directory}: has no model.keras yet: {moment}, and writes it at its end"
    expected = f"{directory}: has no checkpoints/best.safetensors: no epoch of this run is completed yet; {moment}"
    assert str(without_epoch.value) == expected
