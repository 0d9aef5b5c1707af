"""The run that a path means: a run's own directory, its `model.keras`, or a search, whose best trial it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archspec.errors import file_problem
from archspec.wording import did_you_mean
from builder.runs.advice import resume_command
from builder.runs.directory import is_begun
from builder.runs.names import BEST_TRIAL, CHECKPOINTS, EXPORT, MODEL, SPEC, TRIALS
from builder.system.files import read_json


@dataclass(frozen=True)
class BestTrial:
    """The best trial of a search, as its `best.json` has it.

    Attributes:
        trial: its id.
        run: the directory of its run, relative to the search.
        objective: the name of the metric that decides.
        value: its value.
        epoch: the epoch with that value.
        epochs: how many there were.
    """

    trial: str
    run: str
    objective: str
    value: float
    epoch: int
    epochs: int

    @property
    def result(self) -> str:
        """What it reached, in words."""
        return f"{self.objective} {self.value:.6g} in epoch {self.epoch} of {self.epochs}"


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
    if is_search(path):
        return _best_trial(path)
    if is_run(path):
        return path, ""
    found = [*path.glob(f"*/{CHECKPOINTS}"), *path.glob(f"*/{MODEL}")]
    inside = sorted({one.parent.name for one in found if is_run(one.parent)})
    if inside:
        raise file_problem(path, f"holds runs, and is none; name one of them: {', '.join(inside)}")
    if (path / EXPORT).is_file() or next(path.glob(f"*/{EXPORT}"), None):
        raise file_problem(path, f"is an export, expected the directory of a run; {EXPORT} names the one it is of")
    parts = {SPEC: (path / SPEC).is_file(), f"{CHECKPOINTS}/": is_begun(path)}
    missing = [name for name, is_there in parts.items() if not is_there]
    raise file_problem(path, f"is not the directory of a run: it has no {' and no '.join(missing)}")


def shown_spec(path: str) -> tuple[str, str]:
    """The path of the spec that stands for a path where a spec is shown: that of a search's best trial, or the path
    itself; and which it is in words, where that is not the path.

    Raises:
        FileError: a search without a finished trial.
    """
    if not is_search(Path(path)):
        return path, ""
    run, note = _best_trial(Path(path))
    return str(run), note


def is_run(path: Path) -> bool:
    """Whether a directory is a run's: of one that has begun, or one with a model, whose `checkpoints/` may be gone."""
    return (path / SPEC).is_file() and (is_begun(path) or (path / MODEL).is_file())


def is_search(path: Path) -> bool:
    """Whether a directory is a search's."""
    return (path / TRIALS).is_dir() and (path / SPEC).is_file()


def _best_trial(search: Path) -> tuple[Path, str]:
    path = search / BEST_TRIAL
    try:
        best = BestTrial(**read_json(path))
        run, result = search / best.run, best.result
    except FileNotFoundError:
        raise file_problem(search, f"is a search without {BEST_TRIAL}: no trial of it has finished yet") from None
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError):
        raise file_problem(path, f"is damaged; {resume_command('tune', search)} writes it again") from None
    if not is_run(run):
        trials = search / TRIALS
        what = f"is a search, and its best trial, {best.run}, is not there; name one of the runs in {trials}"
        raise file_problem(search, what)
    return run, f"{search} is a search; its best: Trial {best.trial}: {result}"
