"""Problems found in a spec: an address, what was found, what was expected, how to mend it."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INVALID: Any = type("Invalid", (), {"__repr__": lambda self: "INVALID"})()
"""What reading gives where it has reported a problem."""


_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that libyaml counts


@dataclass(slots=True, eq=False)
class Source:
    """A text that positions point into: a file, or an override given on the command line."""

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


class SpecError(Exception):
    """One or more mistakes in a spec, in file order. `str()` is the text a user reads.

    A mistake in a block that is used several times is told once, at its first use.
    """

    def __init__(self, problems: Iterable[Problem]):
        distinct: dict[Any, Problem] = {}
        for problem in problems:
            distinct.setdefault((problem.where.span or problem.where.path, problem.message), problem)
        self.problems: list[Problem] = sorted(distinct.values(), key=Problem.sort_key)
        super().__init__("\n".join(str(problem) for problem in self.problems))


SNIPPET_WIDTH = 100
LONGEST_WORD = 80
LONGEST_MESSAGE = 1000


def printable(text: str) -> str:
    """The text with what a terminal would not show, or would obey, written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(text: str) -> str:
    """A word of the user's in quotes, cut when it is long."""
    return f"'{text if len(text) <= LONGEST_WORD else text[: LONGEST_WORD - 3] + '...'}'"


def columns(text: str) -> int:
    """The columns of a terminal that a printable text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


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


def describe(value: Any) -> str:
    """A received value, in words short enough for one line."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 40 else value[:37] + '...'}'"
    if isinstance(value, dict):
        keys = ", ".join(list(value)[:4]) + (", ..." if len(value) > 4 else "")
        return f"a mapping ({keys})" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a number (.nan)" if math.isnan(value) else "infinity"
    if isinstance(value, int) and abs(value) > 10**39:
        return "a number of more than 40 digits"
    text = f"{value}"
    return text if len(text) <= 40 else f"{text[:37]}..."


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `1 epoch`, `1,200 epochs`, `2 classes`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any is near. Case, '_' and the like do not count."""
    words = {_bare(w): w for w in sorted(known)}
    meant = _bare(word[: 2 * LONGEST_WORD])
    if meant in words or len(meant) < 3:
        return words.get(meant) or next(iter(difflib.get_close_matches(meant, words, n=1)), None)
    holding = [w for w in words if meant in w]
    beginning = [w for w in words if len(w) >= 3 and meant.startswith(w)]
    near = holding if len(holding) == 1 else difflib.get_close_matches(meant, words, n=1, cutoff=0.6)
    near = near or sorted(beginning, key=len, reverse=True) or [w for w in words if w.startswith(meant)]
    return words[near[0]] if near else None


def _bare(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())


def did_you_mean(word: str, known: Iterable[str], few: int = 12) -> str:
    """`; did you mean 'x'?` for the closest known word, else the known words when they are at most `few`."""
    words = sorted(known)
    close = closest(word, words)
    if close is not None:
        return f"; did you mean '{close}'?"
    return f"; known: {', '.join(words)}" if words and len(words) <= few else ""


class UnreadableFile(SpecError):
    """A file that cannot be read as a spec at all; the mistake has no position."""

    def __init__(self, path: Path, reason: str):
        self.path = path
        self.reason = reason
        super().__init__([Problem(Where(str(path)), reason)])


def file_problem(path: Path | str, message: str) -> SpecError:
    """A mistake about a whole file, which has no position."""
    return SpecError([Problem(Where(str(path)), message)])
