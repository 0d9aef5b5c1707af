"""The run that a path means: a run's own directory, its `model.keras`, or a search, whose best trial it is."""

from __future__ import annotations

import re
from pathlib import Path

from archspec.errors import file_problem
from archspec.files import read_text
from archspec.wording import did_you_mean
from builder.runs.directory import is_begun
from builder.runs.names import BEST_SPEC, CHECKPOINTS, EXPORT, MODEL, RUN_LINE, SPEC, TRIALS

BEST_RUN = re.compile(rf"^{RUN_LINE}(\S+)$", re.MULTILINE)


def find_run(path: Path) -> tuple[Path, str]:
    """The directory of the run that a path means, and which it is in words where that is not the path itself.

    Raises:
        FileError: it means no run, or a search without a finished trial.
    """
    if path.name == MODEL and path.is_file():
        path = path.parent
    if not path.is_dir():
        parent = path.parent
        beside = [other.name for other in parent.iterdir() if other.is_dir()] if parent.is_dir() else []
        what = "is a file, expected the directory of a run" if path.exists() else "there is no such run"
        raise file_problem(path, what + did_you_mean(path.name, beside, few=0))
    if (path / TRIALS).is_dir() and (path / SPEC).is_file():
        return _best_trial(path)
    if is_run(path):
        return path, ""
    found = [*path.glob(f"*/{CHECKPOINTS}"), *path.glob(f"*/{MODEL}")]
    inside = sorted({one.parent.name for one in found if is_run(one.parent)})
    if inside:
        raise file_problem(path, f"holds runs, and is none; name one of them: {', '.join(inside)}")
    if (path / EXPORT).is_file() or next(path.glob(f"*/{EXPORT}"), None):
        raise file_problem(path, f"is an export, expected the directory of a run; {EXPORT} names the one it is of")
    missing = [name for name in (SPEC, f"{CHECKPOINTS}/") if not (path / name).exists()]
    raise file_problem(path, f"is not the directory of a run: it has no {' and no '.join(missing)}")


def is_run(path: Path) -> bool:
    """Whether a directory is a run's: of one that has begun, or one with a model, whose `checkpoints/` may be gone."""
    return (path / SPEC).is_file() and (is_begun(path) or (path / MODEL).is_file())


def _best_trial(search: Path) -> tuple[Path, str]:
    try:
        text = read_text(search / BEST_SPEC)
    except OSError:
        raise file_problem(search, f"is a search without {BEST_SPEC}: no trial of it has finished yet") from None
    named = BEST_RUN.search(text)
    run = search / named[1] if named else None
    if run is None or not is_run(run):
        trials = search / TRIALS
        what = f"its best trial, {named[1]}, is not there" if named else f"its {BEST_SPEC} does not name its best trial"
        raise file_problem(search, f"is a search, and {what}; name one of the runs in {trials}")
    about = text.splitlines()[0].removeprefix("# ").removesuffix(".").replace(f" of {search}", "")
    return run, f"{search} is a search; its best: {about}"
