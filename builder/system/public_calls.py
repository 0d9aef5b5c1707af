"""The public functions as Python calls: their paths are checked, and messages name arguments instead of options."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar, cast

from archspec.errors import Problem, UserError, path_of
from builder.system.endings import Diverged, ExportFailed, TrialsFailed, WorkerLost

PATHS = ("run_dir", "data_dir", "out", "data", "exports")
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
    r"--on-corrupt (\w+)": r"on_corrupt='\1'",
    r"--on-corrupt\b": "on_corrupt",
    r"--crops\b": "crops",
    r"--explain\b": "explain",
    r"--scales\b": "scales",
    r"--prefix (\S+)": r"prefix='\1'",
    r"--prefix\b": "prefix",
    r"--pair (\S+)=(\S+)": r"pairs={'\1': '\2'}",
    r"--pair\b": "pairs",
    r"--skip-head\b": "new_head=True",
    r"--full\b": "full=True",
    r"--force\b": "force=True",
    r"--classes( FILE)?": "class_names",
    r"--normalisation\b": "normalisation",
    r"--to run\b": "spec",
}
"""The arguments of public functions for the options of the commands."""
OUTPUTS = ("out", "directory", "path")
"""The names of the argument for `--out`, of which a function has one."""
OURS = ("archspec", "builder")
"""The packages whose functions a warning does not point at."""

Function = TypeVar("Function", bound=Callable[..., Any])


def public(function: Function) -> Function:
    """The function as a user of Python calls it.

    It raises a TypeError for a path that is none, and all that it says speaks of arguments: its errors, the lines that
    it passes to `say`, its warnings, and a text that it returns. The commands call the function itself, which speaks of
    options.
    """
    signature = inspect.signature(function)
    translate = functools.partial(in_python, parameters=signature.parameters)

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        try:
            call = signature.bind(*arguments, **named)
        except TypeError:
            return function(*arguments, **named)  # which reports it
        for name, given in call.arguments.items():
            if name in PATHS and given is not None:
                path_of(given, f"{name} to be a path")
        if "say" in signature.parameters:
            say = call.arguments.get("say", signature.parameters["say"].default)
            call.arguments["say"] = _translating(say, translate) if callable(say) else say
        try:
            found = function(*call.args, **call.kwargs)
        except UserError as error:
            error.set_problems(_translated(error.problems, translate))
            raise
        except (Diverged, ExportFailed, TrialsFailed, WorkerLost) as error:
            error.args = tuple(translate(one) if isinstance(one, str) else one for one in error.args)
            raise
        return translate(found) if isinstance(found, str) else found

    return cast(Function, called)


def warn(line: str) -> None:
    """Says a line as a Python warning, at the place from which one of our packages was called."""
    frame, level = inspect.currentframe(), 1
    while frame and frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(in_python(line), UserWarning, stacklevel=level)


def _translating(say: Callable[[str], Any], translate: Callable[[str], str]) -> Callable[[str], Any]:
    """A function that passes lines on to `say`, which `inspect.unwrap` returns."""

    def translating(line: str) -> Any:
        return say(translate(line))

    translating.__wrapped__ = say  # type: ignore[attr-defined]
    return translating


def _translated(problems: Iterable[Problem], translate: Callable[[str], str]) -> Iterable[Problem]:
    for problem in problems:
        where = dataclasses.replace(problem.where, path=translate(problem.where.path))
        notes = tuple(map(translate, problem.notes))
        yield dataclasses.replace(problem, where=where, message=translate(problem.message), notes=notes)


def in_python(text: str, parameters: Collection[str] = OUTPUTS) -> str:
    """A text with arguments in place of options; what follows a command is part of that command, and stays.

    Args:
        text: what a function says.
        parameters: the names of the function's arguments.
    """
    before, *command = re.split(r"((?:python )?tools/\w+\.py)", text, maxsplit=1)
    out = next((name for name in OUTPUTS if name in parameters), OUTPUTS[0])
    for option, argument in {**ARGUMENTS, r"--out\b": out}.items():
        before = re.sub(option, argument, before)
    return "".join([before, *command])
