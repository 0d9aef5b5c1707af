"""Mistakes that a user can fix: an address, what was found, what was expected and how to fix it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archspec.commands import as_started
from archspec.wording import LONGEST_MESSAGE, columns, printable

SNIPPET_WIDTH = 100
MAX_PROBLEMS = 100
"""Reading a spec ends after this many problems; more would be of no use."""

INVALID: Any = type("Invalid", (), {"__repr__": lambda self: "INVALID"})()
"""The value of whatever could not be read, once its problem has been reported."""


PRIVATE_MISTAKE = (
    "what stands here is no part of a spec, or does not fit the spec that extends this file; it is not shown, as the "
    "file lies outside that spec's folder"
)
"""The message for each mistake in a private file. Whoever may read the file finds the place by its line and column."""
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # the line breaks that libyaml counts


@dataclass(slots=True, eq=False)
class Source:
    """A text that positions refer to: a file, a text, or what has no lines (`is_file` is False): an override given on
    the command line, or a mapping. What stands in a private one is in no message."""

    name: str
    text: str
    order: int = 0
    is_file: bool = True
    is_private: bool = False
    _lines: list[str] = field(default_factory=list, repr=False)

    @property
    def lines(self) -> list[str]:
        if not self._lines:
            self._lines = _LINE_BREAK.split(self.text)
        return self._lines

    def line(self, number: int) -> str:
        return self.lines[number] if number < len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a source. `line` and `column` count from 0."""

    source: Source
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        name = printable(self.source.name)
        return f"{name}:{self.line + 1}:{self.column + 1}" if self.source.is_file else name


@dataclass(frozen=True, slots=True)
class Where:
    """The address of a problem.

    Attributes:
        path: a dotted path into the spec, the name of a file or of an argument of a command line.
        span: the position in the text, where there is one.
        used_at: for a part of a block, where the block was used, the outermost use first.
    """

    path: str
    span: Span | None = None
    used_at: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `notes` are printed below the source line: the shapes that lead there, for instance."""

    where: Where
    message: str
    notes: tuple[str, ...] = ()

    def sort_key(self) -> tuple[int, int, int]:
        """Sorts problems by file, line and column."""
        span = self.where.span
        return (span.source.order, span.line, span.column) if span else (-1, 0, 0)

    def public(self) -> Problem:
        """The mistake without what stands in a private file: neither the values nor the names in it."""
        span = self.where.span
        if span is None or not span.source.is_private:
            return self
        return Problem(Where("", span), PRIVATE_MISTAKE)

    def __str__(self) -> str:
        span = self.where.span
        head = f"{span}: " if span else ""
        head += f"{printable(self.where.path)}: " if self.where.path else ""
        message = self.message if len(self.message) <= LONGEST_MESSAGE else f"{self.message[:LONGEST_MESSAGE]}..."
        lines = [head + as_started(printable(message))]
        if span and not span.source.is_private:
            lines += _snippet(span)
        lines += [f"      {as_started(printable(note))}" for note in self.notes]
        for use in reversed(self.where.used_at):
            lines.append(f"      used at {use.span or '(built in)'}: {printable(use.path)}")
        return "\n".join(lines)


class UserError(Exception):
    """One or more mistakes of the user, in the order of the file. `str()` is the text to show.

    The base of `SpecError` and `FileError`; raised itself for arguments of a command line and environment variables.
    A mistake in a block that is used several times is reported once, at its first use.

    Attributes:
        problems: the mistakes, each with its address; the first `MAX_PROBLEMS` of them.
    """

    def __init__(self, problems: Iterable[Problem]):
        super().__init__()
        self.set_problems(problems)

    def set_problems(self, problems: Iterable[Problem]) -> None:
        """Replaces the mistakes, and with them the text."""
        distinct: dict[Any, Problem] = {}
        for problem in map(Problem.public, problems):
            distinct.setdefault((problem.where.span or problem.where.path, problem.message), problem)
        found = sorted(distinct.values(), key=Problem.sort_key)
        self.problems: list[Problem] = found[:MAX_PROBLEMS]
        more = [f"and {len(found) - MAX_PROBLEMS:,} more"] if len(found) > MAX_PROBLEMS else []
        self.args = ("\n".join([*map(str, self.problems), *more]),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)  # another process gets the mistakes, not their text alone


class SpecError(UserError):
    """Mistakes in a spec."""


class FileError(UserError):
    """A file, disk or run directory that cannot be used, or that holds something else than it should.

    Where an `OSError` is the reason, it is the `__cause__`.
    """


def problem_at(where: Where, message: str, *notes: str) -> SpecError:
    """The error for one mistake at an address in a spec."""
    return SpecError([Problem(where, message, notes)])


def file_problem(where: Path | str | Where, message: str, *notes: str) -> FileError:
    """The error for one mistake about a whole file; its address is the file, or where a spec names it."""
    where = where if isinstance(where, Where) else Where(str(where))
    return FileError([Problem(where, message, notes)])


def argument_problem(name: str, message: str) -> UserError:
    """The error for one mistake in an argument of a command line or in an environment variable."""
    return UserError([Problem(Where(name), message)])


def path_of(given: object, expected: str) -> Path:
    """The path that a caller gives.

    Raises:
        TypeError: it is none.
        FileError: it is empty.
    """
    if not isinstance(given, str | os.PathLike):
        raise TypeError(f"expected {expected}, got an object of type {type(given).__name__}")
    if not os.fspath(given):
        raise file_problem("", f"the path is empty; expected {expected}")
    return Path(given)


class UnreadableFile(FileError):
    """A file that cannot be read as a spec at all; the mistake has no position."""

    def __init__(self, path: Path, reason: str):
        self.path = path
        self.reason = reason
        super().__init__([Problem(Where(str(path)), reason)])


def is_full_disk(error: BaseException) -> bool:
    """Whether something could not be written because the disk, or the user's quota on it, is full. TensorFlow reports
    it by the class that also stands for too little memory."""
    return system_error(error, (errno.ENOSPC, errno.EDQUOT)) is not None


def system_error(error: BaseException, numbers: Sequence[int]) -> int | None:
    """The one of some error numbers of the operating system that an exception reports; None if it reports none of them.

    TensorFlow, HDF5 and the exporters' converters report them in words alone.
    """
    if isinstance(error, OSError) and error.errno in numbers:
        return error.errno
    text = str(error).lower()
    return next((number for number in numbers if os.strerror(number).lower() in text), None)


def _snippet(span: Span) -> list[str]:
    """The source line and a line of carets below it; of a long line, the part around the mistake."""
    line, column = span.source.line(span.line), span.column
    if len(line) > SNIPPET_WIDTH:
        start = max(0, min(column - SNIPPET_WIDTH // 4, len(line) - SNIPPET_WIDTH))
        line, column = line[start : start + SNIPPET_WIDTH], column - start
    line = "".join(c if c.isprintable() else " " if c == "\t" else "·" for c in line)
    if not line.strip():
        return []
    column = min(column, len(line))
    length = max(1, min(span.length, len(line) - column))
    number = f"{span.line + 1:5d}" if span.source.is_file else " " * 5
    carets = "^" * max(1, columns(line[column : column + length]))
    return [f"{number} | {line}".rstrip(), f"{' ' * len(number)} | {' ' * columns(line[:column])}{carets}"]
