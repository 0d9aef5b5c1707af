"""Runs of Weights & Biases: online or, with WANDB_MODE=offline, in the folder `wandb/`, for `wandb sync`."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.tracking.content import Content
from builder.tracking.tracker import State, TrackerError

SECONDS = 30
"""How long W&B tries to reach its server at the start."""
SETTINGS = {
    "silent": True,
    "console": "off",
    "init_timeout": SECONDS,
    # What W&B would say of machine and command is true of this process, not of the training, and is nobody's business.
    "host": "",
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
    "save_code": False,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}
NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?")
MARK = "convspec.txt"
"""A file in the folder of an offline run that says that it was written here, whole."""


@dataclass(frozen=True)
class WandbRun:
    """A run of W&B; see `builder.tracking.tracker.Tracker`.

    An offline run cannot be continued: `wandb sync` puts a folder in the place of an earlier one with the same key. It
    is therefore written whole each time, and then takes the place of those that were written here before.
    """

    run: Any
    place: str

    def epochs(self) -> set[int]:
        return set(range(1, int(self.run.step))) if self.run.resumed else set()

    def add(self, rows: Sequence[Mapping[str, float]], ended: Sequence[float]) -> None:
        with _reported():
            for row, end in zip(rows, ended, strict=True):
                self.run.log({**row, "_timestamp": end}, step=int(row["epoch"]))

    def add_files(self, files: Mapping[str, bytes]) -> None:
        with _reported():
            for name, content in files.items():
                path = Path(self.run.dir, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self.run.save(str(path), base_path=self.run.dir, policy="now")

    def close(self, state: State) -> None:
        import wandb

        with _reported():
            folder, is_offline, key = Path(self.run.dir), self.run.offline, self.run.id
            self.run.summary["state"] = state
            self.run.finish(exit_code=1 if state == "stopped" else 0)
            if is_offline:
                wandb.teardown()  # its service has the end of the file in its memory until then
                (folder / MARK).write_text(f"{key}\n")
                for other in folder.parents[1].glob(f"offline-run-*-{key}/files/{MARK}"):
                    if other.parent != folder:
                        shutil.rmtree(other.parents[1])


def open_run(content: Content) -> WandbRun:
    """Opens the run with a key, or makes it.

    Raises:
        TrackerError: W&B cannot be reached, or nobody is logged in.
    """
    import wandb

    config = {**content.params, **{f"run.{name}": value for name, value in content.tags.items()}}
    with _reported():
        run = wandb.init(
            project=content.project,
            id=content.key,
            name=content.name,
            group=content.group or None,
            notes=content.description or None,
            config={name: _value(text) for name, text in config.items()},
            resume="allow",
            settings=wandb.Settings(**SETTINGS),
        )
        where = f"{os.path.relpath(Path(run.dir).parent)}, for wandb sync" if run.offline else run.url
        return WandbRun(run, str(where))


def _value(text: str) -> int | float | str:
    """A number as a number, so that W&B can draw it."""
    if not NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("-").isdecimal() else float(text)


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Raises what W&B says as an error of the tracker."""
    import wandb

    try:
        yield
    except (wandb.errors.Error, OSError) as error:
        raise TrackerError(str(error).strip().splitlines()[0]) from error
