"""The evaluations that a run's directory holds: what `builder.evaluate` wrote into it. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.runs.names import EVALUATION, EVALUATIONS
from builder.runs.run import Run
from builder.system.files import read_json


@dataclass(frozen=True)
class Evaluated:
    """One evaluation of a run.

    Attributes:
        views: what was averaged over, in words: `ten crops of 224x224, shorter side 256`.
        data: the name of the pictures' data set.
        is_own: whether they are the run's validation pictures.
        pictures: how many there were.
        top1, top5: shares of correct pictures, from 0 to 1; None where the measure has no meaning.
        loss: cross-entropy in nats; None likewise.
    """

    views: str
    data: str
    is_own: bool
    pictures: int
    top1: float
    top5: float | None
    loss: float | None


def evaluations(run: Run) -> tuple[list[Evaluated], list[str]]:
    """The evaluations in a run's directory, of its best epoch and of this run alone.

    Returns:
        The evaluations, those on the run's own validation pictures first; and the folders of those that are left out,
        each with the reason: they are of an earlier epoch, or damaged.
    """
    found, left_out = [], []
    best = run.best_row()
    epoch = None if best is None else int(best["epoch"])
    for path in sorted((run.directory / EVALUATIONS).glob(f"*/{EVALUATION}")):
        try:
            content = read_json(path)
            if len(content["runs"]) != 1:
                continue
            (measured,) = content["runs"].values()
            evaluated = _evaluated(run, content, measured)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            left_out.append(f"{_name(path)} is damaged")
            continue
        if measured.get("epoch") == epoch:
            found.append(evaluated)
        else:
            left_out.append(f"{_name(path)} is of epoch {measured.get('epoch')}, and the best one is now {epoch}")
    return sorted(found, key=lambda one: not one.is_own), left_out


def _evaluated(run: Run, content: Mapping[str, Any], measured: Mapping[str, Any]) -> Evaluated:
    data = content["data"]
    return Evaluated(
        views=str(content["scheme"]["views"]),
        data=str(data["name"]),
        is_own=data["fingerprint"] == run.about.fingerprint,
        pictures=int(data["validation"]),
        top1=float(measured["top1"]),
        top5=None if measured["top5"] is None else float(measured["top5"]),
        loss=None if measured["loss"] is None else float(measured["loss"]),
    )


def _name(path: Path) -> str:
    return f"{EVALUATIONS}/{path.parent.name}"
