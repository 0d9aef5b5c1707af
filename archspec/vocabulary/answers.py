"""The answers to words that the language does not know, and the type of the tables that hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Answer:
    """What to write instead of a word.

    Attributes:
        write: a name, a path such as `train.optimizer.sgd.momentum`, or a piece of a spec such as `norm: batch`; two
            names are joined by `and` or `or`. Empty where the language has no such thing.
        note: a sentence, without its full stop: what else to know, or what to do where there is nothing to write.
    """

    write: str = ""
    note: str = ""

    @property
    def names(self) -> list[str]:
        """The names to write, where the answer is one or two names and not a path or a piece of a spec."""
        parts = re.split(r" and | or ", self.write)
        return parts if all(_NAME.fullmatch(part) for part in parts) else []

    def hint(self) -> str:
        """The answer as the end of a message: `; did you mean 'rate'? It is one minus keep_prob`."""
        if not self.write:
            return f"; {self.note}"
        shown = self.write if ": " in self.write else re.sub(r" (and|or) ", r"' \1 '", self.write)
        note = f" {self.note[0].upper()}{self.note[1:]}" if self.note else ""
        return f"; did you mean '{shown}'?{note}"


_NAME = re.compile(r"[A-Za-z0-9_\-]+")

Rows: TypeAlias = Mapping[str, str | Answer]
"""Words, separated by commas, with the answer to each of them; a text is what to write. Case and punctuation of words
do not count, and neither does what stands before the last dot (`nn.Linear`)."""
Table: TypeAlias = Mapping[str, Rows]
"""Rows by where the words are typed: one or several kinds of layers, sections or fields, separated by commas. A name
that a kind does not have is not suggested there, so similar kinds share rows."""


def instead(note: str) -> Answer:
    """The answer for what the language does not have: what to do instead."""
    return Answer(note=note)
