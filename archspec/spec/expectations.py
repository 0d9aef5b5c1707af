"""The `expect` section: numbers that a network is expected to have, and whether it has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from archspec import report
from archspec.errors import INVALID, Problem, Where
from archspec.fields.base import FieldError, Form, Kinds, Reader, schema_of
from archspec.fields.containers import Union
from archspec.fields.records import Record, record_of
from archspec.fields.scalars import Number, number_hint
from archspec.source.tree import Tree, resolve_scalar

if TYPE_CHECKING:  # a spec holds its expectations
    from archspec.spec.spec import Spec

Limit = Annotated[float | None, Union((Number(min=0),), optional=True)]


@dataclass(frozen=True, kw_only=True)
class Range:
    """The least and the most that a number may be, both included; one of the two may be left out.

    Example:
        macs: {at_most: 4.1e9}

    Attributes:
        at_least: the smallest number that is expected.
        at_most: the largest number that is expected.
    """

    at_least: Limit = None
    at_most: Limit = None

    def __post_init__(self) -> None:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise FieldError("at_most", f"{self.at_most:,g} is less than at_least, {self.at_least:,g}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a number: that it lies between two bounds.

    Attributes:
        least: the smallest number that is expected, or None.
        most: the largest number that is expected, or None.
        text: the expectation in words, `at most 5,000,000`.
        is_limit: whether it is a limit, and not one number.
    """

    least: Decimal | None
    most: Decimal | None
    text: str
    is_limit: bool = False

    def holds(self, value: int) -> bool:
        """Whether a number is as expected."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


def digits_of(tree: Tree) -> str:
    """A number with a point or an exponent as it is written: with zeros at its end, `4.10e9`, where its text is known,
    and else with as few digits as it needs, `4.09e9` for Python's 4090000000.0."""
    span = tree.span
    text = span.source.line(span.line)[span.column : span.column + span.length].strip() if span is not None else ""
    text = text.rpartition("=")[2]  # `--set expect.macs=4.09e9`
    if text and resolve_scalar(text) == tree.value:
        return text
    number = Decimal(repr(float(tree.value))).normalize()
    return f"{number:e}".replace("e+", "e")


def _rounded(text: str) -> Expected:
    """What a rounded number, `4.09e9`, stands for: all numbers that are rounded to it at its last digit."""
    number = Decimal(text)
    half = Decimal((0, (5,), int(number.as_tuple().exponent) - 1))
    return Expected(number - half, number + half, text)


class FigureForm(Form):
    """A number, or a mapping of the least and the most that it may be.

    A whole number is exact. One with a point or an exponent is rounded: it stands for all numbers that are rounded to
    it, to as many digits as it has. Where `is_pair`, it is one for height and width, or a list of both.
    """

    range = record_of(Range, "a range")

    def __init__(self, is_pair: bool = False):
        self.is_pair = is_pair
        more = ", a list [height, width]" if is_pair else ""
        self.expected = f"a number{more} or a mapping of at_least and at_most"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        if isinstance(step, int):
            return FigureForm() if self.is_pair else None
        return self.range.inside(step, kinds)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        """The expectation of each number: of one, or of height and width."""
        value = tree.value
        if isinstance(value, dict):
            return self._range(tree, path, reader)
        if self.is_pair and isinstance(value, list) and len(value) == 2:
            parts = [FigureForm().read(part, f"{path}[{i}]", reader) for i, part in enumerate(value)]
            return INVALID if INVALID in parts else tuple(part[0] for part in parts)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return reader.expect(tree, path, self.expected, number_hint(value))
        if Number(min=0).convert(tree, path, reader) is INVALID:
            return INVALID
        is_exact = isinstance(value, int)
        one = Expected(Decimal(value), Decimal(value), f"{value:,}") if is_exact else _rounded(digits_of(tree))
        return (one, one) if self.is_pair else (one,)

    def _range(self, tree: Tree, path: str, reader: Reader) -> Any:
        found = self.range.read(tree, path, reader)
        if found is INVALID:
            return INVALID
        bounds = [None if one is None else Decimal(repr(one)).normalize() for one in (found.at_least, found.at_most)]
        words = [
            f"{word} {bound:,f}"
            for word, bound in zip(("at least", "at most"), bounds, strict=True)
            if bound is not None
        ]
        if not words:
            return reader.fail(tree, path, "expected at_least, at_most or both, got neither")
        one = Expected(bounds[0], bounds[1], " and ".join(words), is_limit=True)
        return (one, one) if self.is_pair else (one,)

    def written(self, value: Any) -> Any:
        return None

    def json_schema(self) -> dict[str, Any]:
        number = schema_of(Number(min=0))
        pair = [{"type": "array", "items": number, "minItems": 2, "maxItems": 2}] if self.is_pair else []
        return {"anyOf": [number, *pair, self.range.json_schema()]}


Figure = Annotated[tuple[Expected, ...], FigureForm()]


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """Numbers that the network of this file is expected to have. It is an error, at the field, where it has another.

    A whole number is exact. A number with a point or an exponent is rounded: `4.09e9` stands for all numbers that are
    rounded to it at its last digit, from 4.085e9 to 4.095e9. `{at_most: 5e9}` and `{at_least: 1e6}` are limits.

    They are about the network of their own file: a spec that extends the file does not inherit them, and values that
    are set from outside (`--set width=32`, the candidates of a search) leave out those that they make untrue. What is
    set under `expect` itself, `--set expect.macs={at_most: 5e9}`, is always checked.

    Example:
        expect: {trainable_parameters: 25557032, macs: 4.09e9, receptive_field: {at_least: 224}}

    Attributes:
        parameters: all parameters, with statistics such as a batch normalisation's moving mean and variance.
        trainable_parameters: weights that training changes; PyTorch calls these parameters.
        non_trainable_parameters: statistics.
        macs: multiply-accumulates of one picture.
        flops: two for each multiply-accumulate.
        receptive_field: of the last feature map, in input pixels; one number, or [height, width].
        weights_bytes: of all parameters, in float32.
        inference_activation_bytes: peak of the activations of one picture, at the recipe's precision.
        training_activation_bytes: activations of a training step, at the recipe's batch size and precision.
    """

    parameters: Figure = ()
    trainable_parameters: Figure = ()
    non_trainable_parameters: Figure = ()
    macs: Figure = ()
    flops: Figure = ()
    receptive_field: Annotated[tuple[Expected, ...], FigureForm(is_pair=True)] = ()
    weights_bytes: Figure = ()
    inference_activation_bytes: Figure = ()
    training_activation_bytes: Figure = ()

    def given(self) -> Iterator[tuple[str, tuple[Expected, ...]]]:
        """The figures that something is expected of, by name."""
        return ((name, expected) for name, expected in vars(self).items() if expected)


EXPECT: Record = record_of(Expectations, "expect")

FIGURES: Mapping[str, Callable[[report.Summary], int | tuple[int, int]]] = {
    "parameters": lambda summary: summary.analysis.parameters,
    "trainable_parameters": lambda summary: summary.analysis.trainable_parameters,
    "non_trainable_parameters": lambda summary: summary.analysis.non_trainable_parameters,
    "macs": lambda summary: summary.analysis.macs,
    "flops": lambda summary: summary.analysis.flops,
    "receptive_field": lambda summary: summary.analysis.receptive_field,
    "weights_bytes": lambda summary: summary.analysis.weights_bytes(),
    "inference_activation_bytes": lambda summary: summary.inference_bytes,
    "training_activation_bytes": lambda summary: summary.training_bytes,
}


def read_expect(tree: Tree, reader: Reader) -> Any:
    """The `expect` section as `Expectations`; `reader` must have the spec's parameters already."""
    return EXPECT.read(tree, "expect", reader)


def figures(spec: Spec, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The numbers that a spec's network has, by their names in `expect`."""
    summary = report.summarise(spec)
    found = {name: FIGURES[name](summary) for name in names}
    return {name: value if isinstance(value, tuple) else (value,) for name, value in found.items()}


def unmet(spec: Spec) -> dict[str, Problem]:
    """The expectations that a spec's network does not meet: the problem of each, by the name of the figure."""
    if spec.expect is None:
        return {}
    expected = dict(spec.expect.given())
    found = figures(spec, [*expected])
    problems: dict[str, Problem] = {}
    for name, bounds in expected.items():
        is_open = name == "training_activation_bytes" and spec.train is not None and spec.train.is_automatic
        if is_open:
            message = "an automatic batch has a number only when a training starts; give train.batch_size a number"
        elif all(bound.holds(value) for bound, value in zip(bounds, found[name], strict=True)):
            continue
        else:
            message = f"expected {_words(bounds)}, and {spec.name} has {_shown(found[name])}{_hint(name, bounds, spec)}"
        tree = spec.tree.value["expect"].value[name]
        problems[name] = Problem(Where(f"expect.{name}", tree.span), message)
    return problems


def _words(bounds: Sequence[Expected]) -> str:
    texts = [*dict.fromkeys(bound.text for bound in bounds)]
    if len(texts) > 1 and any(bound.is_limit for bound in bounds):
        return "height {} and width {}".format(*texts)
    return "x".join(texts)


def _shown(values: Sequence[int]) -> str:
    return "x".join(f"{value:,}" for value in values)


def _hint(name: str, bounds: Sequence[Expected], spec: Spec) -> str:
    """How to mend an expectation that is not met, as the end of a message: the figure that has the expected number, or
    the number to write."""
    if any(bound.is_limit for bound in bounds):
        return ""
    found = figures(spec, [*FIGURES])
    for other, values in found.items():
        holds = len(values) == len(bounds) and all(map(Expected.holds, bounds, values))
        if holds and any(values):  # a 0 is met by chance
            return f"; did you mean '{other}'?"
    values = found[name]
    number = str(values[0]) if len({*values}) == 1 else str([*values])
    return f"; if the network is as it should be, write {number}"


def unchecked_hint(names: Sequence[str]) -> str:
    """The hint on expectations that are left out, by the names of their figures (`Spec.unchecked`)."""
    paths = [f"expect.{name}" for name in names]
    what = " and ".join(filter(None, (", ".join(paths[:-1]), paths[-1])))
    are = "are" if len(paths) > 1 else "is"
    return f"{what} {are} not checked, being about the network without the values that are set over it"
