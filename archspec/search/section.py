"""The `search` section: the space to search, the tuner, the objective and the budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from archspec.fields.base import FieldError, Form, Kinds, Reader
from archspec.fields.choices import Tagged
from archspec.fields.containers import ListOf, MapOf, Union
from archspec.fields.records import Record, record_of
from archspec.fields.scalars import Choice, Integer, Number, Text
from archspec.recipe import MONITORS
from archspec.search.entries import DomainForm
from archspec.search.space import Space
from archspec.search.tuners import TUNERS, RandomSearch, Tuner
from archspec.source.tree import Tree
from archspec.wording import closest

Limit = Annotated[int | None, Union((Integer(min=1),), optional=True)]
Measured = Annotated[float | None, Union((Number(above=0),), optional=True)]


Direction = Annotated[Literal["min", "max"], Union((Choice(("min", "max")),), optional=True)]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The metric that decides which candidate is best, and whether lower (`min`) or higher (`max`) is better.

    The direction may be left out for losses and accuracies.

    Example:
        objective: {name: val_loss, direction: min}

    Attributes:
        name: a metric of an epoch, such as `val_accuracy` or `val_loss`.
        direction: `min` or `max`; by default `min` for losses and `max` for accuracies.
    """

    name: str
    direction: Direction = None  # type: ignore[assignment]  # __post_init__ sets it

    def __post_init__(self) -> None:
        if self.direction is None:
            if self.name not in MONITORS:
                near = closest(self.name, MONITORS)
                hint = f"did you mean '{near}'? If not, write" if near else "write"
                mend = f"{hint} objective: {{name: {self.name}, direction: max}}"
                raise FieldError(
                    "name", f"whether higher or lower values of '{self.name}' are better is not known; {mend}"
                )
            object.__setattr__(self, "direction", "min" if self.name.endswith("loss") else "max")


class _ObjectiveForm(Form):
    """An objective: `val_accuracy`, or `{name: ..., direction: ...}`."""

    record = record_of(Objective, "objective")
    expected = "the name of a metric, or a mapping with 'name' and 'direction'"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.record.inside(step, kinds)

    def main_field(self, value: Any) -> str | None:
        return self.record.main_field(value)

    def merges(self, base: Tree, over: Tree) -> bool:
        return True

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, str):
            tree = Tree({"name": tree}, tree.span)
        return self.record.convert(tree, path, reader)

    def written(self, value: Any) -> Any:
        return value.name

    def written_in_full(self, value: Any) -> Any:
        return self.record.written_in_full(value)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, self.record.json_schema()]}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits for every trial; a candidate that exceeds one is never built.

    Example:
        budget: {trainable_parameters: 1e6, macs: 150e6}

    Attributes:
        trainable_parameters: weights that training changes.
        macs: multiply-accumulates of one picture.
        training_activation_bytes: activations of a training step at the candidate's own batch size and precision.
        inference_activation_bytes: peak of the activations of one picture.
        latency_ms: milliseconds for one picture on this machine; measured only for candidates within all other limits.
    """

    trainable_parameters: Limit = None
    macs: Limit = None
    training_activation_bytes: Limit = None
    inference_activation_bytes: Limit = None
    latency_ms: Measured = None

    def limits(self) -> Iterator[tuple[str, float]]:
        """The limits that are set, with their names."""
        return ((name, limit) for name, limit in vars(self).items() if limit is not None)


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """Starts each trial from the weights of the best smaller network so far, in layers of the same name and shape
    (VGG's deeper columns from column A: arXiv:1409.1556, section 3.1). `layers` limits this to layers whose names start
    with one of these.

    Example:
        warm_start: {layers: [stem]}

    Attributes:
        layers: prefixes of the names of the layers that take weights; without any, all do.
    """

    layers: Annotated[tuple[str, ...], ListOf(Text(), "list of layer names", or_one=True)] = ()


class _WarmStartForm(Form):
    """A warm start: true, false, or `{layers: [...]}`."""

    record = record_of(WarmStart, "warm_start")
    takes_null = True
    expected = "true, false or a mapping with 'layers'"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.record.inside(step, kinds)

    def merges(self, base: Tree, over: Tree) -> bool:
        return True

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if tree.value is None or isinstance(tree.value, bool):
            return WarmStart() if tree.value else None
        if not isinstance(tree.value, dict):
            return reader.expect(tree, path, self.expected)
        return self.record.convert(tree, path, reader)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": ["boolean", "null"]}, self.record.json_schema()]}


SPACE = MapOf(Text(), DomainForm(), "a mapping from parameters and paths to what each may be", keys_have_dots=True)


@dataclass(frozen=True, kw_only=True)
class Search:
    """The space to search, the tuner, the objective and the budget.

    Attributes:
        space: parameters and dotted paths with the values each may have: `int: [1, 9]` or `float: [0.01, 0.2]`, both
            with `step` and `log`, `choice: [...]` or `bool`. `when: {norm: batch}` beside it sets the name only then,
            and `default` is the value to start from.
        tuner: one of keras-tuner's tuners, with its options.
        objective: the metric that decides which candidate is best.
        budget: limits, checked before anything is built.
        max_minutes_per_trial: a trial that takes longer is stopped, and counts as failed.
        warm_start: whether trials start from the weights of the best smaller network.
    """

    space: Annotated[Space, SPACE]
    tuner: Annotated[Tuner, Tagged("tuner", TUNERS)] = RandomSearch()  # noqa: RUF009 (it is frozen)
    objective: Annotated[Objective, _ObjectiveForm()] = Objective(name="val_accuracy")
    budget: Budget = Budget()
    max_minutes_per_trial: Measured = None
    warm_start: Annotated[WarmStart | None, _WarmStartForm()] = None


SEARCH: Record = record_of(Search, "search")
