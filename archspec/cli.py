"""Shared by all command lines: their names and help, `--set`, and how a mistake, a closed pipe or Ctrl-C ends one."""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from archspec.commands import COMMANDS, INSTALLED, as_started, is_installed
from archspec.errors import UserError, file_problem, is_full_disk
from archspec.spec.overrides import parse_assignments
from archspec.spec.paths import path_meant
from archspec.spec.spec import Spec, load
from archspec.vocabulary.suggestions import suggestion
from archspec.wording import closest

__all__ = ["COMMANDS", "INSTALLED", "as_started"]


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A command's parser, without arguments yet, whose help begins with the module's docstring. Examples in it, such as
    `python tools/train.py specs/digits.yaml`, are shown as a user would type them: `convspec train digits`."""
    description = as_started(doc or "")
    if is_installed():
        description = re.sub(r"\bspecs/(\w+)\.yaml", r"\1", description)
    return _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)


class _Parser(argparse.ArgumentParser):
    """A parser that says what was probably meant by an unknown argument or choice."""

    def error(self, message: str) -> NoReturn:
        super().error(message + self._hint(message))

    def _hint(self, message: str) -> str:
        if choice := re.match(r"argument (--[\w-]+): invalid choice: '([^']*)'", message):
            return suggestion("kinds", choice[1], choice[2], self._choices(choice[1]), few=0)
        if not message.startswith("unrecognized arguments: "):
            return ""
        option, *values = message.removeprefix("unrecognized arguments: ").split()
        name, equals, value = option.removeprefix("--").partition("=")
        options = [one for action in self._actions for one in action.option_strings if one.startswith("--")]
        if not option.startswith("-") and equals and "--set" in options:
            return f"; write --set before each assignment: --set {option}"
        meant = closest(name, [one.removeprefix("--") for one in options]) if option.startswith("--") else None
        if "--set" in options and option.startswith("--") and (path := path_meant(name.replace("-", "_"))):
            given = value or (values[0] if values and not values[0].startswith("-") else "...")
            return f"; did you mean '--set {path}={given}'?"
        return f"; did you mean '--{meant}'?" if meant else ""

    def _choices(self, option: str) -> list[str]:
        found = [action.choices for action in self._actions if option in action.option_strings]
        return [str(choice) for choice in found[0] or ()] if found else []


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Ends the process with a message instead of a traceback where the user, the disk or the shell is the reason.

    The exit status is 2 for a UserError and for a path that the process may not read, 1 for a full disk, and as in a
    shell 130 for Ctrl-C and 141 for a closed pipe, which is the only case without a message.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 still gets its table
    try:
        yield
        if sys.stdout is not None:  # None where the shell closed it, `>&-`
            sys.stdout.flush()
    except UserError as error:
        fail(str(error))
    except BrokenPipeError:
        _silence_output()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG) and error.filename is not None:
            fail(str(file_problem(error.filename, error.strerror or str(error))))
        if not is_full_disk(error):
            raise
        if error.filename is None:
            _silence_output()
        fail(f"cannot write{f' {error.filename}' if error.filename else ''}: {error.strerror}", 1)
    except KeyboardInterrupt:
        fail("interrupted", 128 + signal.SIGINT)


def _silence_output() -> None:
    """Redirects the output to nowhere: the interpreter flushes it once more at exit, and would fail in the same way."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, status: int = 2) -> NoReturn:
    """Prints a message for the user and ends the process."""
    print(as_started(message), file=sys.stderr)
    sys.exit(status)


def add_set_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--set NAME=VALUE`, which may be repeated; `load_all` takes `args.set`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a parameter (width=32) or a path (train.epochs=3); may be repeated",
    )


def positive(text: str) -> int:
    """Parses an argument that is a whole number of at least 1."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}|0*1000000", text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000000, got {text[:40]!r}")
    return int(text)


def pair(text: str) -> tuple[str, str]:
    """Parses an argument of two names, `A=B`."""
    first, equals, second = text.partition("=")
    if not (first and equals and second):
        raise argparse.ArgumentTypeError(f"expected A=B, got '{text}'")
    return first, second


def note_searched(spec: Spec, assignments: Sequence[str]) -> None:
    """Says on stderr which values that were set a search varies nevertheless."""
    varied = {one.name for one in spec.search.space.dimensions} if spec.search is not None else set()
    for path in parse_assignments(assignments):
        name = path.removeprefix("params.")
        if name in varied:
            space = f"search.space.{name}"
            print(f"{space} varies {name}, so that --set does not fix it; --set {space}=null does", file=sys.stderr)


def load_all(paths: Sequence[str], assignments: Sequence[str] = ()) -> list[Spec]:
    """The specs at `paths`, each with the same `--set` arguments applied.

    Raises:
        SpecError: an assignment that cannot be read.
        SystemExit: one or more specs have mistakes; those of all specs are printed.
    """
    overrides = parse_assignments(assignments)
    specs: list[Spec] = []
    failures: dict[str, None] = {}
    for path in paths:
        if "=" in path and not os.path.exists(path):
            fail(f"{path}: no such file; write --set before each assignment: --set {path}")
        try:
            specs.append(load(path, overrides))
        except UserError as error:
            failures[str(error)] = None
    if failures:
        fail("\n".join(failures))
    return specs


def load_to_compare(paths: Sequence[str], assignments: Sequence[str]) -> list[Spec]:
    """The specs at several paths, as `load_all` loads them; where it is one with assignments, that spec as it was
    before them, and with them."""
    specs = load_all(paths, assignments)
    return [*load_all(paths), *specs] if len(specs) == 1 and assignments else specs
