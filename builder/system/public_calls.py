"""The public functions as Python calls: their paths are checked, and messages name arguments instead of options."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from archspec.errors import Problem, UserError, path_of

PATHS = ("run_dir", "data_dir", "out", "data")
"""The arguments of public functions that are paths wherever they occur."""
ARGUMENTS = {
    r"--resume (RUN)\b": r"run_dir=\1, resume=True",
    r"--resume\b": "resume=True",
    r"--workers (N)\b": r"workers=\1",
    r"--workers\b": "workers",
    r"--run-dir\b": "run_dir",
    r"--data-dir\b": "data_dir",
    r"--data\b": "data",
    r"--format\b": "formats",
    r"--out\b": "out",
}
"""The arguments of public functions for the options of the commands."""


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a user of Python calls it.

    It raises a TypeError for a path that is none, and its `UserError`s speak of arguments: the commands call the
    function itself, whose messages name options.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        for name, given in _bound(signature, arguments, named).items():
            if name in PATHS and given is not None:
                path_of(given, f"{name} to be a path")
        try:
            return function(*arguments, **named)
        except UserError as error:
            error.set_problems(map(_in_python, error.problems))
            raise

    return called


def _bound(signature: inspect.Signature, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call by name; none where they do not fit, which the call itself reports."""
    try:
        return signature.bind(*arguments, **named).arguments
    except TypeError:
        return {}


def _in_python(problem: Problem) -> Problem:
    where = dataclasses.replace(problem.where, path=in_python(problem.where.path))
    notes = tuple(map(in_python, problem.notes))
    return dataclasses.replace(problem, where=where, message=in_python(problem.message), notes=notes)


def in_python(text: str) -> str:
    """A text with arguments in place of options; what follows a command is part of that command, and stays."""
    before, *command = re.split(r"((?:python )?tools/\w+\.py)", text, maxsplit=1)
    for option, argument in ARGUMENTS.items():
        before = re.sub(option, argument, before)
    return "".join([before, *command])
