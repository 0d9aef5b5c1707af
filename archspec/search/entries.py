"""The entries of a search space as written: a kind of domain with `step`, `log`, `default` and `when` beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archspec.errors import INVALID, Span
from archspec.fields.base import Form, Kinds, Reader
from archspec.fields.containers import ListOf
from archspec.fields.documentation import Documentation
from archspec.fields.records import REQUIRED, Field, Record
from archspec.fields.scalars import Boolean, Integer, Number
from archspec.search.domains import Domain, Flag, FloatRange, IntRange, Options
from archspec.source.tree import Tree
from archspec.vocabulary.suggestions import suggestion


@dataclass(frozen=True)
class SpaceEntry:
    """The entry of one name, before it is compared with the spec."""

    domain: Domain
    default: Tree | None = None
    when: Tree | None = None


class _Raw(Form):
    """Any value, with its position. It goes into the spec as it is, and is checked there."""

    expected = "any value"
    takes_expression = False

    def __init__(self, schema: dict[str, Any]):
        self.schema = schema

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return tree

    def json_schema(self) -> dict[str, Any]:
        return self.schema


class _When(_Raw):
    expected = "a mapping from another name of the space to the value, or list of values, that it must have"

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return tree if isinstance(tree.value, dict) else reader.expect(tree, path, self.expected)


class _Options(_Raw):
    expected = "a list of values"

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return tree if isinstance(tree.value, list) else reader.expect(tree, path, self.expected)


class _Nothing(Form):
    """The value after `bool`, which has no fields: `true`, or nothing."""

    expected = "true, or nothing"
    takes_expression = False

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return True if tree.value in (None, True) else reader.expect(tree, path, "'true' after 'bool'")

    def json_schema(self) -> dict[str, Any]:
        return {"enum": [True, None]}


@dataclass(frozen=True)
class _Ends(ListOf):
    """The two ends of a range, each with its position."""

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        ends = super().convert(tree, path, reader)
        if ends is INVALID:
            return INVALID
        if len(ends) != 2:
            return reader.expect(tree, path, self.expected)
        return ends, tuple(part.span for part in tree.value)

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a {self.noun}"

    def json_schema(self) -> dict[str, Any]:
        return super().json_schema() | {"maxItems": 2}


def _range(kind: type[IntRange] | type[FloatRange], noun: str, number: Form, step: Form) -> Record:
    """The record of a range such as `{int: [1, 9], step: 2}`."""

    def build(**fields: Any) -> SpaceEntry:
        (low, high), spans = fields[noun]
        domain = kind(low=low, high=high, step=fields.get("step"), log=fields.get("log", False), spans=spans)
        return SpaceEntry(domain, fields.get("default"), fields.get("when"))

    return _record(
        noun,
        build,
        Field(noun, _Ends(number, "list [least, most]", 2), REQUIRED, "The least and the most value, both included."),
        Field(
            "step",
            step,
            None,
            "The distance between neighbouring values, or with `log` their quotient; without it, any value.",
        ),
        Field("log", Boolean(), False, "Whether equal ratios are equally likely, as suits learning rates."),
        about=Documentation((RANGES[noun],), f"space: {{{EXAMPLES[noun]}}}"),
    )


RANGES = {"int": "Whole numbers from the least to the most.", "float": "Numbers from the least to the most."}
EXAMPLES = {
    "int": "n: {int: [1, 9], step: 2}",
    "float": "train.learning_rate.cosine.base: {float: [0.01, 0.5], log: true}",
    "choice": "width: {choice: [8, 16, 32], default: 16}",
    "bool": "train.optimizer.sgd.nesterov: {bool: true, when: {width: [16, 32]}}",
}


def _record(noun: str, build: Callable[..., SpaceEntry], *fields: Field, about: Documentation) -> Record:
    shared = (
        Field("default", _Raw({}), None, "The value to start from; by default the spec's own, or the nearest to it."),
        Field(
            "when",
            _When({"type": "object"}),
            None,
            "The values, or lists of values, that other names of the space must have; only then is this name set.",
        ),
    )
    return Record(build, noun, (*fields, *shared), about)


def _choice(choice: Tree, default: Tree | None = None, when: Tree | None = None) -> SpaceEntry:
    spans: tuple[Span | None, ...] = tuple(part.span for part in choice.value)
    return SpaceEntry(Options(options=tuple(part.plain() for part in choice.value), spans=spans), default, when)


def _flag(bool: bool = True, default: Tree | None = None, when: Tree | None = None) -> SpaceEntry:
    return SpaceEntry(Flag(), default, when)


MOST = 10**9
KINDS: dict[str, Record] = {
    "int": _range(IntRange, "int", Integer(min=-MOST, max=MOST), Integer(min=1)),
    "float": _range(FloatRange, "float", Number(), Number(above=0)),
    "choice": _record(
        "choice",
        _choice,
        Field("choice", _Options({"type": "array", "minItems": 1}), REQUIRED, "The values, in order if they have one."),
        about=Documentation(
            ("One of several values: numbers, texts or parts of a spec.",), f"space: {{{EXAMPLES['choice']}}}"
        ),
    ),
    "bool": _record(
        "bool",
        _flag,
        Field("bool", _Nothing(), REQUIRED, "Nothing, or `true`."),
        about=Documentation(("True or false; `bool` alone is enough.",), f"space: {{{EXAMPLES['bool']}}}"),
    ),
}


class DomainForm(Form):
    """The entry of one name; null removes the name from the space."""

    expected = "{int: [1, 9]}, {float: [0.1, 0.5]}, {choice: [8, 16]} or bool"
    takes_expression = False

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return next((record.fields[step].form for record in KINDS.values() if step in record.fields), None)

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        if tree.value is None:
            return None
        if tree.value == "bool":
            return SpaceEntry(Flag())
        if not isinstance(tree.value, dict):
            return reader.expect(tree, path, self.expected)
        kinds = [kind for kind in KINDS if kind in tree.value]
        if len(kinds) > 1:
            return reader.fail(tree, path, f"has two kinds; remove '{kinds[0]}' or '{kinds[1]}'", kinds[1])
        if not kinds:
            return self.unknown(tree, path, reader)
        return KINDS[kinds[0]].convert(tree, path, reader)

    def unknown(self, tree: Tree, path: str, reader: Reader) -> Any:
        """Reports a mapping that gives no known kind."""
        for key in tree.value:
            hint = suggestion("kinds", "kind of value", key, KINDS, few=0)
            if hint:
                return reader.fail(tree, path, f"unknown kind of value '{key}'{hint}", key)
        return reader.expect(tree, path, self.expected)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [*(record.json_schema() for record in KINDS.values()), {"enum": ["bool", None]}]}
