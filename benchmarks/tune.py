"""A sweep against keras-tuner alone: the same space, budget and number of trials. And what a process a trial costs."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Row, seconds, show

TRIALS = int(os.environ.get("TRIALS", "6"))
EPOCHS = int(os.environ.get("EPOCHS", "3"))
SPEC = "specs/digits.yaml"


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder))


def _run(folder: Path) -> None:
    epochs = f"train.epochs={EPOCHS}"
    said: list[str] = []
    plain = ("benchmarks/plain_keras_tuner.py", TRIALS, EPOCHS, folder / "plain")
    theirs = seconds(lambda: said.append(_process(*plain)))
    match = re.search(r"RESULT (\d+) (\d+)", said[0])
    searches, aborted = match.groups() if match else ("?", "?")
    sweep, command = folder / "sweep", ("tools/tune.py", SPEC, "--trials", TRIALS, "--set", epochs, "--run-dir")
    ours = seconds(lambda: _process(*command, sweep))
    pair = seconds(lambda: _process(*command, folder / "pair", "--workers", 2))
    alone = seconds(
        lambda: _process("tools/train.py", sweep / "best.yaml", "--run-dir", folder / "alone", "--set", epochs)
    )
    with (sweep / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    largest = max(int(row["trainable_parameters"]) for row in rows)
    best = max(float(row["objective"]) for row in rows)
    note = f"{len(rows)} trials, largest {largest:,}, best {best:.4f}; keras-tuner: {aborted} of {searches} aborted"
    rows_shown = [
        Row("one trial at a time", f"{ours:.1f} s", f"{theirs:.1f} s", theirs / ours, note=note),
        Row("--workers 2", f"{pair:.1f} s", f"{theirs:.1f} s", theirs / pair, 1.5),
    ]
    show(f"Search over specs/digits.yaml, {TRIALS} trials of {EPOCHS} epochs", rows_shown, "keras-tuner")
    best_row = max(rows, key=lambda row: float(row["objective"]))
    print(f"\nprocess of the best trial: {float(best_row['wall_seconds']):.1f} s")
    print(f"the same spec trained alone, start-up of the process included: {alone:.1f} s")
    print(f"of which training and validation: {float(best_row['seconds']):.1f} s in the sweep")
    print(f"start-up of the process that trials are forked from, once a sweep: {seconds(_start):.1f} s")


def _start() -> None:
    """That process until it could fork; with its input closed it ends there."""
    command = [sys.executable, "-m", "builder.sweep.child"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _process(*arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return result.stdout


if __name__ == "__main__":
    run()
