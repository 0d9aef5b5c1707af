"""A sweep against plain keras-tuner with the same space, budget and trials, and what a process per trial costs."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Row, quick, seconds, show

TRIALS = int(os.environ.get("TRIALS", "4" if quick() else "12"))
EPOCHS = int(os.environ.get("EPOCHS", "3"))
LONG_EPOCHS = int(os.environ.get("LONG_EPOCHS", "30" if quick() else "120"))
"""Takes about a minute with the spec's own network on two cores."""
LEAST = 0.91
"""A trial takes a tenth longer than training alone, at most."""
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
    rows = _rows(sweep)
    largest = max(int(row["trainable_parameters"]) for row in rows)
    best = max(float(row["objective"]) for row in rows)
    note = f"{len(rows)} trials, largest {largest:,}, best {best:.4f}; keras-tuner: {aborted} of {searches} aborted"
    rows_shown = [
        Row("one trial at a time", f"{ours:.1f} s", f"{theirs:.1f} s", theirs / ours, note=note),
        Row("--workers 2", f"{pair:.1f} s", f"{theirs:.1f} s", theirs / pair, 1.5),
    ]
    show(f"Search over specs/digits.yaml, {TRIALS} trials of {EPOCHS} epochs", rows_shown, "keras-tuner")
    _overhead(folder)


def _overhead(folder: Path) -> None:
    """Compares a trial of about a minute with training the same spec alone, including the start-up of that process.

    It is trained alone both before and after the sweep, as the machine's speed drifts.
    """
    epochs, sweep = f"train.epochs={LONG_EPOCHS}", folder / "long"
    space = ("search.space={train.seed: {choice: [0, 1]}}", "search.tuner=grid_search", epochs)

    def train(name: str) -> float:
        return seconds(lambda: _process("tools/train.py", SPEC, "--run-dir", folder / name, "--set", epochs))

    before = train("before")
    whole = seconds(lambda: _process("tools/tune.py", SPEC, "--run-dir", sweep, *(f"--set={one}" for one in space)))
    after = train("after")
    alone = (before + after) / 2
    rows = _rows(sweep)
    trial = sum(float(row["wall_seconds"]) for row in rows) / len(rows)
    trained = sum(float(row["seconds"]) for row in rows) / len(rows)
    target = None if quick() else LEAST  # a process takes as long to start when it trains for fewer epochs
    taken = {"process of a trial, from its start to its end": trial, "a sweep of two, halved": whole / 2}
    rows_shown = [Row(what, f"{ours:.1f} s", f"{alone:.1f} s", alone / ours, target) for what, ours in taken.items()]
    show(f"Overhead of a trial of {LONG_EPOCHS} epochs", rows_shown, "trained alone")
    print(f"\nalone, before the sweep and after: {before:.1f} and {after:.1f} s")
    print(f"of the trial, training and validation: {trained:.1f} s")
    print(f"start-up of the process that trials are forked from, once a sweep: {seconds(_start):.1f} s")


def _rows(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _start() -> None:
    """Starts the process that forks trials, which ends as soon as it is ready because its input is closed."""
    command = [sys.executable, "-m", "builder.sweep.processes.child"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _process(*arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return result.stdout


if __name__ == "__main__":
    run()
