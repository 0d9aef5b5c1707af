"""The base of all forms, and the state of reading a spec: its problems, the names that expressions see, and limits.

A form describes one kind of value. It reads a tree into a Python value or reports what it expected, and it gives the
same description as JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from archspec.characters import alike_hint
from archspec.errors import INVALID, MAX_PROBLEMS, Problem, Span, SpecError, Where
from archspec.source.expressions import DependsOnInvalid, ExpressionError, evaluate, has_expression
from archspec.source.tree import Tree, wrap
from archspec.wording import LONGEST_WORD, describe

if TYPE_CHECKING:  # the forms of layers are made of the forms here
    from archspec.layers.reading import LayerReader

EXPRESSION = {"type": "string", "pattern": r"\$\{"}
MAX_WORK = 200_000
MAX_LAYERS = 6_000
MAX_COPIES = 200_000
_EXPRESSION_WORK = 10


class FieldError(ValueError):
    """A dataclass or block refuses the values of its fields; `field` names the one to point at."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


@dataclass(slots=True)
class Work:
    """How much has been read so far, including what blocks and parameters unfold to."""

    values: int = 0
    layers: int = 0
    copies: int = 0


@dataclass(slots=True)
class Reader:
    """The state of reading a spec, besides the tree.

    Attributes:
        names: the values that expressions see, by name.
        problems: the mistakes found so far.
        used_at: inside a block, where it is used, the outermost use first.
        layer_reader: reads the layers inside fields; None for parts of a spec without layers.
        work: how much has been read, for the limits.
    """

    names: Mapping[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    used_at: tuple[Where, ...] = ()
    layer_reader: LayerReader | None = None
    work: Work = field(default_factory=Work)

    @property
    def layers(self) -> LayerReader:
        """The reader of the layers inside fields."""
        assert self.layer_reader is not None, "no part of a spec that is read by this reader holds layers"
        return self.layer_reader

    def report(self, problem: Problem) -> Any:
        """Records a problem; ends reading when there are `MAX_PROBLEMS`."""
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)
        return INVALID

    def fail(self, tree: Tree, path: str, message: str, key: str | None = None) -> Any:
        span = tree.key_span(key) if key is not None else tree.span
        return self.report(Problem(Where(path, span, self.used_at), message))

    def expect(self, tree: Tree, path: str, expected: str, hint: str = "") -> Any:
        """Reports a value that is not what was expected, unless it has been reported already."""
        if tree.value is INVALID:
            return INVALID
        if isinstance(tree.value, str) and not hint:
            hint = alike_hint(tree.value) or _spacing_hint(tree.value, expected)
        return self.fail(tree, path, f"expected {expected}, got {describe(tree.value)}{hint}")

    def evaluated(self, tree: Tree, path: str) -> Tree:
        """The tree with its `${...}` replaced by their values."""
        if not has_expression(tree.value):
            return tree
        return wrap(self.evaluate(tree, path, self.names), tree.span)

    def evaluate(self, tree: Tree, path: str, names: Mapping[str, Any]) -> Any:
        """The value of a text with `${...}`; INVALID, and a problem, where it has none."""
        try:
            value = evaluate(tree.value, names)
        except DependsOnInvalid:
            return INVALID
        except ExpressionError as error:
            shown = tree.span is not None and tree.span.source.text  # else there is no line to point into
            message = str(error) if shown else f"in {tree.value[:60]}: {error}"
            return self.report(Problem(Where(path, _part(tree, error), self.used_at), message))
        self.spend(tree, path, values=_EXPRESSION_WORK + weight(value, MAX_WORK))
        return value

    def spend(self, tree: Tree, path: str, values: int = 0, layers: int = 0, copies: int = 0) -> None:
        """Adds to the work done, which bounds the time and memory that reading takes.

        Raises:
            SpecError: it is more than any network needs.
        """
        work = self.work
        work.values += values
        work.layers += layers
        work.copies += copies
        if work.values > MAX_WORK:
            excess = f"{MAX_WORK:,} values of expressions"
        elif work.layers > MAX_LAYERS:
            excess = f"{MAX_LAYERS:,} different layers, those inside blocks counted at each use"
        elif work.copies > MAX_COPIES:
            excess = f"{MAX_COPIES:,} copies of layers"
        else:
            return
        problem = Problem(Where(path, tree.span, self.used_at), f"the spec unfolds to more than {excess}, the limit")
        raise SpecError([*self.problems, problem])


def _spacing_hint(text: str, expected: str) -> str:
    """What is missing where a text stands for a mapping, `data:digits`, or for a list, `-conv` or `(8, 8, 3)`."""
    is_short = len(text) <= LONGEST_WORD
    if (" list" in expected or "list " in expected) and is_short and text.startswith("(") and text.endswith(")"):
        return f"; a list stands in square brackets: [{text[1:-1]}]"
    if " list" in expected and re.match(r"-\w", text):
        return "; the '-' of a list needs a space after it"
    key = re.match(r"(\w+):(?! )", text)
    return f"; '{key[1]}:' needs a space after it" if key and "mapping" in expected else ""


def weight(value: Any, limit: int) -> int:
    """How many values a value holds, a long text counting as several. Counting stops soon after `limit`."""
    total, rest = 0, [value]
    while rest and total <= limit:
        part = rest.pop()
        total += 1 + len(part) // 64 if isinstance(part, str) else 1
        if isinstance(part, list):
            rest.extend(part)
        elif isinstance(part, dict):
            rest.extend(part.values())
    return total


def _part(tree: Tree, error: ExpressionError) -> Span | None:
    """The position of the wrong part; that of the whole text where its line does not have it in one piece."""
    span = tree.span
    if span is None or not error.length:
        return span
    token = span.source.line(span.line)[span.column : span.column + span.length]
    start = token.find(tree.value)
    if start < 0:
        return span
    return Span(span.source, span.line, span.column + start + error.start, error.length)


Kinds: TypeAlias = "Callable[[str], Form | None]"
"""The form of the fields of a kind of layer, by the kind's name; None for a kind that there is not."""


class Form:
    """A kind of value. `expected` completes the sentence 'expected ...'."""

    expected: str = "a value"
    takes_expression: bool = True
    """Whether the JSON Schema allows `${...}` in addition to the form's own schema."""
    keys_have_dots: bool = False
    """Whether keys of the mapping may have dots in them, as names of layers, paths into the spec and fractions do."""

    takes_null: bool = False
    """Whether null is a value of its own, and not the absence of one."""

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        """The form of the part that a step of a path leads to, a key or a position; None where there can be none."""
        return None

    def main_field(self, value: Any) -> str | None:
        """The field that a value stands for where it is no mapping of fields: `cifar10` means `{name: cifar10}`."""
        return None

    def merges(self, base: Tree, over: Tree) -> bool:
        """Whether one mapping over another, as `extends` has them, changes it field by field; else it replaces it."""
        return False

    def alternatives(self, key: str) -> tuple[str, ...]:
        """The keys of a mapping that a key replaces where one spec extends another, as they exclude each other."""
        return ()

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        tree = reader.evaluated(tree, path)
        return INVALID if tree.value is INVALID else self.convert(tree, path, reader)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        raise NotImplementedError

    def accepts(self, value: Any) -> bool:
        """Whether a union should read the value by this form."""
        return True

    def written(self, value: Any) -> Any:
        """A value that was read, such as a default, as a spec would write it: as shortly as it can."""
        return value

    def written_in_full(self, value: Any) -> Any:
        """A value that was read as a spec can write it with each of its fields, those at their defaults included."""
        return None if value is None else self.written(value)

    def json_schema(self) -> dict[str, Any]:
        return {}


def schema_of(form: Form) -> dict[str, Any]:
    """A form's JSON Schema; every value that is not itself a container may also be an expression."""
    schema = form.json_schema()
    if not form.takes_expression or not schema or "$ref" in schema:
        return schema
    if "anyOf" in schema:
        options = schema["anyOf"]
        return {**schema, "anyOf": options if EXPRESSION in options else [*options, EXPRESSION]}
    return {"anyOf": [schema, EXPRESSION]}
