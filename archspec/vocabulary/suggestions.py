"""The end of a message about an unknown word: what was meant, by the tables first, and then by spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from archspec.characters import alike_hint
from archspec.vocabulary.answers import Answer, Table
from archspec.wording import bare, closest, did_you_mean


@cache
def tables() -> Mapping[str, tuple[Table, ...]]:
    """The tables for words that stand for a field, for a kind of something, and for the value of a field."""
    from archspec.vocabulary import layers, missing, sections, training  # 10 ms, which only mistakes need

    modules = missing, layers, training, sections
    return {
        "fields": tuple(module.FIELDS for module in modules),
        "kinds": tuple(module.KINDS for module in modules),
        "values": (missing.VALUES, layers.VALUES, training.VALUES),
    }


@cache
def _index(table: str) -> dict[tuple[str, str], list[Answer]]:
    """The answers of a table by place and word."""
    found: dict[tuple[str, str], list[Answer]] = {}
    for places, words, answer in rows(table):
        for place in places:
            for word in words:
                found.setdefault((place, bare(word)), []).append(answer)
    return found


def rows(table: str) -> Iterable[tuple[list[str], list[str], Answer]]:
    """The rows of a table: where the words are typed, the words and their answer."""
    for part in tables()[table]:
        for places, answers in part.items():
            for words, answer in answers.items():
                yield places.split(", "), words.split(", "), answer if isinstance(answer, Answer) else Answer(answer)


def meaning(table: str, place: str, word: str, known: Iterable[str]) -> Answer | None:
    """What a word of another project means at a place, or None if no table knows it.

    Args:
        table: `fields`, `kinds` or `values`.
        place: whose field, kind or value it is: `conv`, `train`, `optimizer`.
        known: the names that there are; others are not suggested.
    """
    spelt = {bare(name): name for name in known}
    last = bare(word.rpartition(".")[2])
    if bare(word) in spelt or last in spelt:
        return Answer(spelt.get(bare(word)) or spelt[last])
    for answer in _index(table).get((place, last), ()):
        if all(name in spelt.values() for name in answer.names):
            return answer
    return None


def suggestion(table: str, place: str, word: str, known: Iterable[str], few: int = 12) -> str:
    """The end of a message: `; did you mean 'x'?`, a sentence where there is nothing like it, or the known names.

    A word that is a call, `Adam(lr=0.001)`, is taken for the name before the bracket.
    """
    names = list(known)
    if hint := alike_hint(word):
        return hint
    key, colon, value = word.partition(":")
    if colon and value.strip() and meant(table, place, key, names):
        if value[0].isspace():
            return "; leave out the quotes around it, which make it one text"
        return f"; write '{key}: {value}', with a space after the colon"
    equation = _EQUATION.fullmatch(word)
    if equation is not None and (name := meant(table, place, equation[1], names)):
        return f"; write '{name}: {equation[2]}'"
    call = _CALL.fullmatch(word)
    if call is not None:
        hint = suggestion(table, place, call[1], names, few)
        arguments = [one.partition("=")[0].strip() for one in call[2].split(",") if "=" in one]
        chosen = next((name for name in names if f"'{name}'" in hint), "")
        moved = {one: answer for one in arguments if (answer := meaning("fields", chosen, one, ()))}
        return hint + "".join(f" Its {one} is '{answer.write}' here" for one, answer in moved.items() if answer.write)
    answer = meaning(table, place, word, names)
    return answer.hint() if answer is not None else did_you_mean(word, names, few)


_EQUATION = re.compile(r"(\w+) ?= ?([^=]+)")
_CALL = re.compile(r"([\w.]+)\((.*)\)")


def meant(table: str, place: str, word: str, known: Iterable[str]) -> str | None:
    """The known name that a word stands for, by meaning and then by spelling, or None."""
    names = list(known)
    answer = meaning(table, place, word, names)
    if answer is None:
        return closest(word, names)
    return answer.names[0] if answer.names and answer.names[0] in names else None


def value_hint(path: str, value: object) -> str:
    """The end of a message about the value of a field, by the last name of its path; empty if no table knows it."""
    if not isinstance(value, str | int | float):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    answers = _index("values").get((path.rpartition(".")[2], bare(text)), ())
    return answers[0].hint() if answers else ""
