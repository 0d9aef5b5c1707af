"""What every tracker can do, and which ones there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, Protocol

from archspec.errors import argument_problem
from builder.tracking.content import Content

State = Literal["running", "finished", "stopped"]
"""How a run stands: it is trained at this moment, it is complete, or it was stopped before that."""
TRACKERS = {"mlflow": "MLflow", "wandb": "Weights & Biases"}
"""The trackers by the name of their package and extra, which is also what `--to` takes, with their names for people."""


class TrackerError(Exception):
    """A tracker that cannot be reached, or does not take what it is sent; the message says why."""


class Tracker(Protocol):
    """A run of a tracker, opened by the key of ours, and made if there is none.

    Attributes:
        place: where it is seen, for people.

    Its methods raise `TrackerError`. What they are given twice is there once.
    """

    @property
    def place(self) -> str: ...

    def epochs(self) -> set[int]:
        """The epochs that it has all metrics of."""

    def add(self, rows: Sequence[Mapping[str, float]], ended: Sequence[float]) -> None:
        """Adds epochs: rows of `metrics.csv`, and when each ended, in seconds since 1970."""

    def add_files(self, files: Mapping[str, bytes]) -> None:
        """Adds files, or replaces those of the same names."""

    def close(self, state: State) -> None:
        """Ends the connection."""


def check_installed(name: str) -> None:
    """Refuses a tracker whose package is missing.

    Raises:
        UserError: it is; the message says how to install it.
    """
    if find_spec(name) is None:
        raise argument_problem(
            f"--to {name}", f"needs the package {name}: install it with pip install 'convspec[{name}]'"
        )


def open_tracker(name: str, content: Content) -> Tracker:
    """Opens a run of a tracker.

    Raises:
        TrackerError: the tracker cannot be reached.
    """
    return import_module(f"builder.tracking.{name}_tracker").open_run(content)
