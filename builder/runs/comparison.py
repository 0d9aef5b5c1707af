"""Whether two specs are the same, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from archspec import Spec, load
from archspec.comparison.values import MISSING, differing
from archspec.errors import FileError, file_problem
from archspec.files import read_text
from archspec.wording import first_few
from builder.runs.names import SPEC

NAMED = 3
"""How many differences an error names."""
EARLY_STOPPING = "train.early_stopping"
MAY_CHANGE = (
    "expect",
    "train.distribute",
    "train.checkpoints",
    "train.cache",
    "train.xla",
    "train.rematerialize",
    EARLY_STOPPING,
)
"""What may change when a run is resumed: it decides where, how fast, in how much memory and how long the network is
trained, or what is expected of it, not what a number of epochs gives."""


def check_same_spec(directory: Path, spec: Spec, may_change: tuple[str, ...] = MAY_CHANGE) -> None:
    """Refuses to resume a run with another spec than its own.

    Args:
        may_change: the beginnings of the paths that may differ.

    Raises:
        FileError: the specs differ; the message names the first differences.
    """
    path = directory / SPEC
    try:
        text = read_text(path)
    except FileNotFoundError:  # the run was stopped before the spec was written
        return
    try:
        before = flat(text)
    except yaml.YAMLError:
        raise damaged(path) from None
    if changed := differences(before, flat(spec.to_yaml()), may_change):
        raise file_problem(
            directory,
            f"is a run of another spec: {changed}; to resume it, give the same spec, which is {path}; another one "
            "needs a new run, which may take the weights with init_from",
        )


def with_recorded_batch(directory: Path, spec: Spec) -> Spec:
    """The spec with the batch size that a run has chosen, where the spec leaves it open (`batch_size: auto`)."""
    path = directory / SPEC
    if spec.train is None or not spec.train.is_automatic or not path.is_file():
        return spec
    recorded = load(path).train
    return spec if recorded is None else spec.with_values({"train.batch_size": recorded.batch_size})


def changed_stopping(directory: Path, spec: Spec) -> str:
    """How a spec's early stopping differs from that of the run in a directory, in words; empty if it does not."""
    path = directory / SPEC
    if not path.is_file():
        return ""
    before, now = (
        {name: value for name, value in flat(text).items() if name.startswith(EARLY_STOPPING)}
        for text in (read_text(path), spec.to_yaml())
    )
    return differences(before, now, ())


def flat(text: str) -> dict[str, str]:
    """Every scalar of a resolved spec's file, as it is written there, by its path.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    return dict(_leaves(yaml.load(text, yaml.BaseLoader)))  # noqa: S506


def differences(before: Mapping[str, str], now: Mapping[str, str], but: tuple[str, ...]) -> str:
    """The differences between two specs in words, empty if there are none. Paths that begin with one of `but` do not
    count. Where a mapping takes the place of a null, or a null that of a mapping, its fields are named."""
    changes = [
        f"{path} was {_or_absent(value)}, is {_or_absent(other)}"
        for path, value, other in differing(before, now)
        if not path.startswith(but) and not any(one.startswith((f"{path}.", f"{path}[")) for one in (*before, *now))
    ]
    return "; ".join(first_few(changes, NAMED))


def _or_absent(value: Any) -> str:
    return "absent" if value is MISSING else str(value)


def damaged(path: Path) -> FileError:
    """The error for a damaged file that a resumed run would write again if it were deleted."""
    return file_problem(path, "is damaged; delete it, and it is written again when the run is resumed")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every scalar of a parsed file by its path; empty mappings and lists count as one."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    empty = True
    for key, child in children:
        empty = False
        yield from _leaves(child, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip("."))
    if empty:
        yield path, str(value)
