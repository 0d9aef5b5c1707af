"""A metric is known in one place: one more goes all the way from the spec to every output of a training."""

import os
import subprocess
import sys
from pathlib import Path

from archspec.recipe.monitor import METRICS

ROOT = Path(__file__).parents[3]

ONE_MORE = """
import sys
from importlib.machinery import SourceFileLoader

read = SourceFileLoader.get_data

def with_one_more(self, path):
    if path.endswith(".pyc") and "monitor." in path:
        raise OSError  # the source is to be read
    content = read(self, path)
    if not path.endswith("recipe/monitor.py"):
        return content
    assert content.count(b'"top5_accuracy": 5') == 1
    return content.replace(b'"top5_accuracy": 5', b'"top5_accuracy": 5, "top3_accuracy": 3')

SourceFileLoader.get_data = with_one_more
sys.dont_write_bytecode = True

from pathlib import Path
import archspec
from builder.runs.metrics import read_metrics
from builder.sweep.records import METRICS
from builder.training.trainer import train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = Path(sys.argv[1])
monitor = {
    "train.checkpoints.best": "val_top3_accuracy",
    "train.early_stopping": {"monitor": "val_top3_accuracy", "patience": 1},
}
spec = archspec.load("specs/digits.yaml", {"n": 1, "width": 4, "train.epochs": 1, **monitor})
result = train(spec, folder / "run", folder / "data", say=lambda line: None)
(row,) = read_metrics(folder / "run" / "metrics.csv")
for prefix in ("", "val_"):
    assert 0 < row[prefix + "accuracy"] < row[prefix + "top3_accuracy"] < row[prefix + "top5_accuracy"] < 1, row
    assert result.history[prefix + "top3_accuracy"] == [row[prefix + "top3_accuracy"]]
    assert prefix + "top3_accuracy" in METRICS
for name in ("train", "validation"):
    events = EventAccumulator(str(folder / "run" / "tensorboard" / name)).Reload()
    assert "top3_accuracy" in events.Tags()["tensors"]
print("all the way")
"""


def test_one_more_metric_goes_all_the_way(tmp_path):
    command = [sys.executable, "-c", ONE_MORE, tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert result.stdout == "all the way\n", result.stderr


def test_metrics_are_named_in_one_place():
    (name,) = (name for name in METRICS if name.startswith("top"))
    folders = (ROOT / "archspec", ROOT / "builder" / "runs", ROOT / "builder" / "training", ROOT / "builder" / "sweep")
    files = {path for folder in folders for path in folder.rglob("*.py") if path.parent.name != "vocabulary"}
    found = {path.name for path in files if name in path.read_text()}
    assert found == {"monitor.py"}
