"""What differs between runs: fields of their specs, and facts about where they were trained that can change numbers."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from archspec.commands import as_started
from archspec.recipe import Train
from builder.comparison.groups import Group
from builder.comparison.record import Record
from builder.runs.comparison import flat
from builder.runs.names import SPEC
from builder.runs.public import public_path, public_spec

FEW_LAYERS = 6
"""Up to so many fields of layers are named; where more differ, the networks are described instead."""
NETWORK = ("model.layers", "blocks.")
NO_RESULT = (
    "name",
    "description",
    "search",
    "expect",
    "train.seed",
    "train.data",
    "train.cache",
    "train.rematerialize",
)
"""Beginnings of the paths whose values change no number, or that have a column of their own."""
DEFAULT = "(default)"
ABSENT = "-"
HASH = 12
"""The characters of a hash that are shown."""


@dataclass(frozen=True)
class Fact:
    """A fact about each group of runs.

    Attributes:
        name: such as `train.batch_size` or `packages.keras`.
        values: in words, a group each; where the runs of a group differ, all of theirs.
        differs: whether the groups differ in it.
        varies: whether the runs of one group do.
    """

    name: str
    values: tuple[str, ...]
    differs: bool
    varies: bool


def facts(groups: Sequence[Group]) -> list[Fact]:
    """All facts about groups of runs, in the order of the specs' sections, then those of the environment."""
    known = [(group, [_of(one) for one in group.records if one.run is not None]) for group in groups]
    names = dict.fromkeys(name for _, members in known for member in members for name in member)
    found = []
    for name in names:
        if name.startswith(NO_RESULT):
            continue
        sets = [list(dict.fromkeys(_value(name, member) for member in members)) or [ABSENT] for _, members in known]
        distinct = [{_canonical(value) for value in values} for values in sets]
        differs, varies = any(one != distinct[0] for one in distinct), any(len(one) > 1 for one in distinct)
        found.append(Fact(name, tuple(" · ".join(values) for values in sets), differs, varies))
    return found


def what_differs(groups: Sequence[Group]) -> list[Fact]:
    """The facts in which groups differ. Where the layers of networks differ in many fields, they are one fact."""
    differing = [one for one in facts(groups) if one.differs]
    layers = [one for one in differing if one.name.startswith(NETWORK)]
    if len(layers) <= FEW_LAYERS:
        return differing
    described = Fact("model", tuple(_network(group) for group in groups), True, False)
    place = differing.index(layers[0])
    kept = [one for one in differing if one not in layers]
    before = sum(one not in layers for one in differing[:place])
    return [*kept[:before], described, *kept[before:]]


def inside(group: Group) -> list[str]:
    """Facts in which the runs of one group differ nevertheless, such as the version of a package, in words."""
    return [f"{one.name} ({one.values[0]})" for one in facts([group]) if one.varies]


def named(groups: Sequence[Group], found: Sequence[Fact]) -> list[str]:
    """A short name for each group: the first parameters and fields in which it differs from others."""
    chosen = [one for one in found if one.name.startswith(("params.", "model", "train."))]
    names = []
    for number, group in enumerate(groups):
        spec = next((one.run.spec.name for one in group.records if one.run is not None), group.records[0].name)
        parts = [f"{one.name.rpartition('.')[2]}={one.values[number]}" for one in chosen if one.name != "model"]
        names.append(" ".join([spec, *parts[:3]]) if len(groups) > 1 else spec)
    return names


def _of(record: Record) -> Mapping[str, str]:
    """The facts of a run."""
    assert record.run is not None
    environment, about = record.run.environment, record.run.about
    spec = flat(public_spec(record.run.spec))
    found = {name: spec[name] for name in sorted(spec, key=_section)}
    found["data"] = about.name
    found["data.training pictures"] = f"{about.train_count:,}"
    found["data.validation pictures"] = f"{about.validation_count:,}"
    found["data.classes"] = f"{len(about.class_names):,}"
    found["data.fingerprint"] = about.fingerprint[:HASH] or ABSENT
    for name in ("instruction_set", "cpus", "onednn", "onednn_fpmath_mode", "python"):
        found[name] = _text(environment.get(name))
    found["devices"] = ", ".join(map(str, environment.get("devices") or [])) or ABSENT
    for name, version in sorted((environment.get("packages") or {}).items()):
        found[f"packages.{name}"] = _text(version)
    found["git_commit"] = _text(environment.get("git_commit"))[:HASH]
    found["times resumed"] = str(len(environment.get("resumed") or []))
    return found


def _section(name: str) -> int:
    """The order of a spec's sections: what was changed by name first."""
    sections = ("name", "params", "train", "model", "blocks")
    first = name.partition(".")[0]
    return sections.index(first) if first in sections else len(sections)


def _value(name: str, facts: Mapping[str, str]) -> str:
    """A run's value; for a field that its spec leaves out, the default."""
    if name in facts:
        return facts[name]
    default = DEFAULTS.get(name)
    return ABSENT if default is None else f"{default} {DEFAULT}"


def _defaults() -> Iterable[tuple[str, str]]:
    for one in fields(Train):
        value: Any = one.default
        if value is not MISSING and isinstance(value, bool | int | float | str | None):
            yield f"train.{one.name}", _text(value)


def _text(value: Any) -> str:
    """A value as YAML has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _canonical(value: str) -> str:
    """A value such that equal ones are equal, however they are written: `0.10`, `1e-1` and `0.1 (default)`."""
    plain = value.removesuffix(f" {DEFAULT}")
    try:
        return repr(float(plain))
    except ValueError:
        return plain


DEFAULTS = dict(_defaults())
"""What a spec means that leaves out a field of `train`, as far as that is one value."""


def _network(group: Group) -> str:
    """The operations that multiply, counted: `20 conv, 1 dense`."""
    analysis = next((one.analysis for one in group.records if one.analysis is not None), None)
    if analysis is None:
        return ABSENT
    return ", ".join(f"{n:,} {op}" for op, n in Counter(one.op for one in analysis.layers if one.macs).items())


def spec_command(groups: Sequence[Group]) -> str:
    """The command that compares the networks of two groups layer by layer."""
    paths = [public_path(group.records[0].directory / SPEC) for group in groups[:2]]
    return as_started(shlex.join(["python", "tools/compare.py", *paths]))
