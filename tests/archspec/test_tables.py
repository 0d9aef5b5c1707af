"""Every open set of the language is complete: what a module defines is in its table, under its own name."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from types import ModuleType

import pytest

from archspec import blocks, ops
from archspec.fields.records import Record
from archspec.recipe import augment, crops, data, distribution, optimizers, schedules
from archspec.search import domains, entries, tuners


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def leaves(module: ModuleType) -> set[type]:
    """The dataclasses that a module defines, but for those that others of it extend."""
    classes = [
        value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    found = {value for value in classes if dataclasses.is_dataclass(value) and not value.__name__.startswith("_")}
    return {value for value in found if not any(other is not value and issubclass(other, value) for other in found)}


@pytest.mark.parametrize(
    ("module", "table", "others"),
    [
        (optimizers, optimizers.OPTIMIZERS, set()),
        (schedules, schedules.SCHEDULES, {schedules.Training}),
        (augment, {name: one for name, one in augment.AUGMENTATIONS.items() if one.build not in crops.CROPS}, set()),
        (crops, {name: one for name, one in augment.AUGMENTATIONS.items() if one.build in crops.CROPS}, set()),
        (data, data.DATA, set()),
        (distribution, distribution.DISTRIBUTE, set()),
        (tuners, tuners.TUNERS, set()),
    ],
    ids=["optimizers", "schedules", "augmentations", "crops", "data sources", "strategies", "tuners"],
)
def test_a_table_has_every_dataclass_of_its_module(
    module: ModuleType, table: Mapping[str, Record], others: set[type]
) -> None:
    assert {record.build for record in table.values()} == leaves(module) - others
    assert list(table) == [snake_case(record.build.__name__) for record in table.values()]


def test_every_domain_can_be_written() -> None:
    assert {domain.kind for domain in leaves(domains)} == set(entries.KINDS)  # type: ignore[attr-defined]


def test_every_block_is_known_by_its_function() -> None:
    functions = [value for value in vars(blocks).values() if inspect.isfunction(value)]
    own = [value.__name__ for value in functions if value.__module__ == blocks.__name__]
    assert [name for name in own if not name.startswith("_")] == list(blocks.BLOCKS)


def test_every_primitive_is_known_by_its_class() -> None:
    def concrete(op: type[ops.Op]) -> set[type[ops.Op]]:
        below = {leaf for child in op.__subclasses__() for leaf in concrete(child)}
        return below or {op}

    shipped = {op for op in concrete(ops.Op) if op.__module__.startswith("archspec.ops")}
    assert shipped - {ops.Input} == set(ops.PRIMITIVES.values())
    assert all(name == op.kind for name, op in ops.PRIMITIVES.items())


def test_augmentations_are_of_one_picture_or_mix_a_batch() -> None:
    assert {*crops.CROPS, *augment.MIXING} < set(augment.NAMES)
    assert not {*crops.CROPS} & {*augment.MIXING}
