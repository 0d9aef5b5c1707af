"""Runs of W&B in its offline mode, read from what it writes for `wandb sync`."""

import json
import socket
import struct

import pytest

wandb = pytest.importorskip("wandb", reason="W&B is not installed: pip install 'convspec[wandb]'")

from archspec.errors import UserError  # noqa: E402
from builder.runs.metrics import COLUMNS, read_metrics  # noqa: E402
from builder.tracking.sending import send  # noqa: E402

BLOCK = 32768
HEAD, TAIL = 7, (1, 4)
"""The bytes before each part of a record, and the kinds of parts that end one, of LevelDB's log format."""


@pytest.fixture
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "wandb"
    wandb.teardown()


def records(path):
    """The records that W&B has written to a file, of LevelDB's log format."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, record = path.read_bytes(), HEAD, b""
    while at + HEAD <= len(data):
        if (left := BLOCK - at % BLOCK) < HEAD:
            at += left
            continue
        size, kind = struct.unpack("<HB", data[at + 4 : at + HEAD])
        record += data[at + HEAD : at + HEAD + size]
        at += HEAD + size
        if kind in TAIL:
            yield Record.FromString(record)
            record = b""


def test_a_run_is_there_once(run_dir, offline):
    lines = []
    for _ in range(2):
        send(run_dir, "wandb", say=lines.append)
        (folder,) = offline.glob("offline-run-*")
        (path,) = folder.glob("*.wandb")
        found = list(records(path))
        history = [
            {item.nested_key[0]: json.loads(item.value_json) for item in one.history.item}
            for one in found
            if one.WhichOneof("record_type") == "history"
        ]
        rows = read_metrics(run_dir / "metrics.csv")
        assert [{name: row[name] for name in COLUMNS} for row in history] == rows
        assert [row["_step"] for row in history] == [1, 2, 3]
    assert lines[0].startswith(f"{run_dir} to wandb/offline-run-") and lines[0].endswith(", for wandb sync")
    (run,) = [one.run for one in found if one.WhichOneof("record_type") == "run"]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["train.learning_rate.cosine.base"] == 0.1 and config["train.data"] == "digits"
    assert config["run.seed"] == 0 and {"run.package.keras", "run.network.macs"} <= config.keys()
    assert (run.project, run.display_name) == ("digits", "digits/short")
    assert {"spec.yaml", "metrics.csv", "learning_curve.png"} <= {one.name for one in (folder / "files").iterdir()}
    written = path.read_bytes()
    assert str(run_dir).encode() not in written and not run.host
    assert len(socket.gethostname()) < 5 or socket.gethostname().encode() not in written


def test_without_a_login_it_says_so(run_dir, offline, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(UserError, match="--to wandb: Weights & Biases cannot be reached, or refuses: No API key"):
        send(run_dir, "wandb", say=lambda line: None)
