"""What differs between runs: fields of their specs, and facts about where they were trained that can change numbers."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archspec.commands import as_started
from archspec.comparison.fields import in_line
from archspec.comparison.values import MISSING, values_together
from builder.comparison.groups import Group
from builder.comparison.record import Record
from builder.runs.comparison import flat
from builder.runs.names import SPEC
from builder.runs.public import public_path, public_spec, public_text

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
    "train.checkpoints.steps",
    "train.checkpoints.minutes",
    "train.checkpoints.keep",
)
"""Beginnings of the paths whose values change no number, or that have a column of their own."""
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
    recipes = _recipes([one for group in groups for one in group.records if one.run is not None])
    known = [(group, [_of(one, recipes[one]) for one in group.records if one in recipes]) for group in groups]
    names = dict.fromkeys(name for _, members in known for member in members for name in member)
    found = []
    for name in names:
        if name.startswith(NO_RESULT):
            continue
        sets = [list(dict.fromkeys(member.get(name, ABSENT) for member in members)) or [ABSENT] for _, members in known]
        distinct = [{_canonical(name, value) for value in values} for values in sets]
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


def _recipes(records: Sequence[Record]) -> dict[Record, dict[str, str]]:
    """The parameters of each run's spec and the values of its recipe, defaults included, in words by their paths.

    Recipes are compared by what they mean, so that a default that is written equals one that is not.
    """
    found: dict[Record, dict[str, str]] = {one: {} for one in records}
    trained = [one for one in records if one.recipe is not None]
    for section, some in (("params", records), ("train", trained)):
        table = values_together([one.run.spec for one in some if one.run is not None], section) if some else {}
        for path, values in table.items():
            for one, value in zip(some, values, strict=True):
                found[one][path] = _written(value)
    return found


def _written(value: Any) -> str:
    """A value of a spec as YAML has it, without paths of the machine."""
    if value is MISSING:
        return ABSENT
    return public_path(value) if isinstance(value, str) else public_text(in_line(value))


def _of(record: Record, recipe: Mapping[str, str]) -> Mapping[str, str]:
    """The facts of a run, whose parameters and recipe are those given."""
    assert record.run is not None
    environment, about = record.run.environment, record.run.about
    spec = flat(public_spec(record.run.spec))
    found = {**recipe, **{name: value for name, value in spec.items() if not name.startswith(("params.", "train."))}}
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


def _text(value: Any) -> str:
    """A value as YAML has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _canonical(name: str, value: str) -> str:
    """A value of a layer such that equal ones are equal, however they are written: `0.10` and `1e-1`. Others, such as
    versions, are as they are."""
    try:
        return repr(float(value)) if name.startswith(("model.", "blocks.")) else value
    except ValueError:
        return value


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
