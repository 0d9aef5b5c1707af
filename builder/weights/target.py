"""What a conversion writes: weights for Keras or PyTorch, or a run."""

from __future__ import annotations

import os
from typing import Literal

from archspec import Spec
from builder.runs.directory import check_free
from builder.system.terminal import Say
from builder.weights.matching import Matching
from builder.weights.source import WeightsFile
from builder.weights.to_run import read_class_names, write_run
from builder.weights.writing import check_output, write_keras, write_torch

Target = Literal["keras", "torch", "run"]


def check_target(to: Target | None, path: str | os.PathLike[str] | None, force: bool = False) -> None:
    """Refuses a file or a directory that could not be written, before any work is done that would be lost.

    Raises:
        FileError: it exists, or cannot be written, or its name ends in no known way.
    """
    if to == "run" and path is not None:
        check_free(path)
    elif to is not None and to != "run" and path is not None:
        check_output(path, to, force)


def write(
    matching: Matching,
    spec: Spec,
    to: Target | None,
    path: str | os.PathLike[str] | None,
    like: WeightsFile | None,
    about: tuple[str | None, str | None],
    force: bool,
    say: Say,
) -> None:
    """Writes what was matched; nothing where nothing was asked for.

    Args:
        like: for `torch`, a state dict of the module.
        about: for `run`, the file with the names of the classes, and the name of the normalisation.

    Raises:
        UserError: see `write_keras`, `write_torch` and `write_run`.
    """
    if to is None or path is None:
        return
    if to == "keras":
        write_keras(matching, path, force)
    elif to == "torch":
        assert like is not None
        write_torch(matching, like, path, force)
    else:
        classes, normalisation = about
        names = read_class_names(classes) if classes else None
        write_run(matching, spec, path, names, normalisation or "torchvision", say)
