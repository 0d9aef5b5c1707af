"""What a conversion writes: weights for Keras or PyTorch, or a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from archspec import Spec
from builder.runs.directory import check_free
from builder.system.terminal import Say
from builder.weights.matching import Matching
from builder.weights.source import WeightsFile
from builder.weights.to_run import read_class_names, write_run
from builder.weights.writing import check_output, write_keras, write_torch

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Target:
    """What is written, and where.

    Attributes:
        kind: a file for `keras` or `torch`, or a `run`; None for nothing.
        path: the file, or the run's directory; None for nothing.
        force: whether a file that exists is overwritten.
        like: for `torch`, a state dict of the module.
        classes: for `run`, the file with the names of the classes; None for their numbers.
        normalisation: for `run`, the name of the normalisation.
    """

    kind: Literal["keras", "torch", "run"] | None
    path: AnyPath | None
    force: bool = False
    like: WeightsFile | None = None
    classes: AnyPath | None = None
    normalisation: str | None = None


def check(target: Target) -> None:
    """Refuses a file or a directory that could not be written, before any work is done that would be lost.

    Raises:
        FileError: it exists, or cannot be written, or its name ends in no known way.
    """
    if target.kind is None or target.path is None:
        return
    if target.kind == "run":
        check_free(target.path, "--out")
    else:
        check_output(target.path, target.kind, target.force)


def write(target: Target, matching: Matching, spec: Spec, say: Say) -> None:
    """Writes what was matched with a spec; nothing where nothing was asked for.

    Raises:
        UserError: see `write_keras`, `write_torch` and `write_run`.
    """
    if target.kind is None or target.path is None:
        return
    if target.kind == "keras":
        write_keras(matching, target.path, target.force)
    elif target.kind == "torch":
        assert target.like is not None
        write_torch(matching, target.like, target.path, target.force)
    else:
        names = read_class_names(target.classes) if target.classes else None
        write_run(matching, spec, target.path, names, target.normalisation or "torchvision", say)
