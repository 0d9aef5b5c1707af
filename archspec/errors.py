"""Problems found in a spec: an address, what was found, what was expected, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INVALID: Any = type("Invalid", (), {"__repr__": lambda self: "INVALID"})()
"""What reading gives where it has reported a problem."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A text that positions point into: a file, or an override given on the command line."""

    name: str
    text: str
    order: int = 0

    def line(self, number: int) -> str:
        lines = self.text.split("\n")
        return lines[number].rstrip("\r") if number < len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a source. `line` and `column` count from 0."""

    source: Source
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line + 1}:{self.column + 1}"


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
        span = self.where.span
        return (span.source.order, span.line, span.column) if span else (-1, 0, 0)

    def __str__(self) -> str:
        span = self.where.span
        head = f"{span}: " if span else ""
        head += f"{self.where.path}: " if self.where.path else ""
        lines = [head + self.message]
        if span:
            lines += _snippet(span)
        lines += [f"      {note}" for note in self.notes]
        for use in self.where.used_at:
            lines.append(f"      used at {use.span or '(built in)'}: {use.path}")
        return "\n".join(lines)


class SpecError(Exception):
    """One or more mistakes in a spec, in file order. `str()` is the text a user reads."""

    def __init__(self, problems: Iterable[Problem]):
        distinct = {(problem.where.span or problem.where.path, problem.message): problem for problem in problems}
        self.problems: list[Problem] = sorted(distinct.values(), key=Problem.sort_key)
        super().__init__("\n".join(str(problem) for problem in self.problems))


SNIPPET_WIDTH = 100


def _snippet(span: Span) -> list[str]:
    """The source line with a caret line below; a window of it when the line is long."""
    line = span.source.line(span.line).replace("\t", " ")
    if not line.strip():
        return []
    column = min(span.column, len(line))
    length = max(1, min(span.length, len(line) - column))
    if len(line) > SNIPPET_WIDTH:
        start = max(0, min(column - SNIPPET_WIDTH // 4, len(line) - SNIPPET_WIDTH))
        line = line[start : start + SNIPPET_WIDTH]
        column -= start
        length = max(1, min(length, len(line) - column))
    number = f"{span.line + 1:5d}"
    return [f"{number} | {line}", f"{' ' * len(number)} | {' ' * column}{'^' * length}"]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest known word, else the known words when they are few."""
    words: Sequence[str] = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if not close and len(word) >= 3:
        close = [w for w in words if w.startswith(word) or (word.startswith(w) and len(w) >= 3)][:1]
    if close:
        return f"; did you mean '{close[0]}'?"
    if words and len(words) <= 12:
        return f"; known: {', '.join(words)}"
    return ""


def file_problem(path: Path | str, message: str) -> SpecError:
    """A mistake about a whole file, which has no position."""
    return SpecError([Problem(Where(str(path)), message)])
