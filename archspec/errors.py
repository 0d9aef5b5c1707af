"""Problems found in a spec: an address, what was found, what was expected, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archspec.wording import LONGEST_MESSAGE, columns, printable

INVALID: Any = type("Invalid", (), {"__repr__": lambda self: "INVALID"})()
"""What reading gives where it has reported a problem."""


_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that libyaml counts


@dataclass(slots=True, eq=False)
class Source:
    """A text that positions point into: a file, a text, or what has no lines (`is_file` is False): an override given on
    the command line, or a mapping."""

    name: str
    text: str
    order: int = 0
    is_file: bool = True
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
    """The address of a part of a spec: its path, its place in the file, and where its block was used."""

    path: str
    span: Span | None = None
    used_at: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `notes` are printed below the source line, for instance the shapes on the way there."""

    where: Where
    message: str
    notes: tuple[str, ...] = ()

    def sort_key(self) -> tuple[int, int, int]:
        """Sorts problems by file, line and column."""
        span = self.where.span
        return (span.source.order, span.line, span.column) if span else (-1, 0, 0)

    def __str__(self) -> str:
        span = self.where.span
        head = f"{span}: " if span else ""
        head += f"{printable(self.where.path)}: " if self.where.path else ""
        message = self.message if len(self.message) <= LONGEST_MESSAGE else f"{self.message[:LONGEST_MESSAGE]}..."
        lines = [head + printable(message)]
        if span:
            lines += _snippet(span)
        lines += [f"      {printable(note)}" for note in self.notes]
        for use in reversed(self.where.used_at):
            lines.append(f"      used at {use.span or '(built in)'}: {printable(use.path)}")
        return "\n".join(lines)


class UserError(Exception):
    """What a user can mend: the base of all errors that this project raises for a user's mistake or surroundings."""


class SpecError(UserError):
    """One or more mistakes in a spec, in file order. `str()` is the text a user reads.

    A mistake in a block that is used several times is reported once, at its first use.
    """

    def __init__(self, problems: Iterable[Problem]):
        distinct: dict[Any, Problem] = {}
        for problem in problems:
            distinct.setdefault((problem.where.span or problem.where.path, problem.message), problem)
        self.problems: list[Problem] = sorted(distinct.values(), key=Problem.sort_key)
        super().__init__("\n".join(str(problem) for problem in self.problems))


SNIPPET_WIDTH = 100


def _snippet(span: Span) -> list[str]:
    """The source line with a caret line below; a window of it when the line is long."""
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


class UnreadableFile(SpecError):
    """A file that cannot be read as a spec at all; the mistake has no position."""

    def __init__(self, path: Path, reason: str):
        self.path = path
        self.reason = reason
        super().__init__([Problem(Where(str(path)), reason)])


def file_problem(path: Path | str, message: str) -> SpecError:
    """A mistake about a whole file, which has no position."""
    return SpecError([Problem(Where(str(path)), message)])
