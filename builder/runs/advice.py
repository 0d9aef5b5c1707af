"""What to do next, as commands: how to resume a run or a search, and how to start a new run from the weights of one."""

from __future__ import annotations

import os
import shlex

from archspec.commands import as_started


def resume_command(tool: str, directory: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> str:
    """The command that resumes what a tool, `train` or `tune`, began in a directory.

    Args:
        data_dir: where TFDS keeps prepared data sets, if the user has named a folder.
    """
    command = ["python", f"tools/{tool}.py", "--resume", os.fspath(directory)]
    command += ["--data-dir", os.fspath(data_dir)] if data_dir else []
    return as_started(shlex.join(command))


def start_from(run: str | os.PathLike[str]) -> str:
    """The advice to start a new run from the weights of one that cannot be resumed."""
    return f"start a new run with its weights: --set 'train.init_from={{run: {os.fspath(run)}}}'"
