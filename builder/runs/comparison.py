"""Whether two specs are the same, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from archspec import Spec
from archspec.errors import FileError, file_problem
from archspec.wording import first_few

NAMED = 3
"""How many differences an error names."""
MAY_CHANGE = ("train.distribute", "train.checkpoints", "train.cache", "train.xla")
"""What a resumed run may have otherwise: it decides where and how fast a training runs, not what comes out."""


def check_same_spec(directory: Path, spec: Spec, may_change: tuple[str, ...] = MAY_CHANGE) -> None:
    """Refuses to go on with a run of another spec.

    Args:
        may_change: paths that may be otherwise.

    Raises:
        FileError: naming the first differences.
    """
    try:
        text = (directory / "spec.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:  # stopped before it was written
        return
    try:
        before = flat(text)
    except yaml.YAMLError:
        raise damaged(directory / "spec.yaml") from None
    if changed := differences(before, flat(spec.to_yaml()), may_change):
        raise file_problem(
            directory,
            f"is a run of another spec: {changed}; to go on give the same spec, which is "
            f"{directory / 'spec.yaml'}; another one needs a new run, which may take the weights with init_from",
        )


def flat(text: str) -> dict[str, str]:
    """Every scalar of a resolved spec's file, as it is written there, by its path.

    Raises:
        yaml.YAMLError: it cannot be read.
    """
    return dict(_leaves(yaml.load(text, yaml.BaseLoader)))  # noqa: S506


def differences(before: Mapping[str, str], now: Mapping[str, str], but: tuple[str, ...]) -> str:
    """What differs between two specs in words, empty where nothing does; paths that begin as one of `but` do not
    count."""
    changed = [path for path in {**before, **now} if before.get(path) != now.get(path) and not path.startswith(but)]
    changes = [f"{path} was {before.get(path, 'absent')}, is {now.get(path, 'absent')}" for path in changed]
    return "; ".join(first_few(changes, NAMED))


def damaged(path: Path) -> FileError:
    """A file of a run that is written anew where it is missing."""
    return file_problem(path, "is damaged; delete it, and it is written anew when the run goes on")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every scalar of a parsed file by its path; empty mappings and lists count as one."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    empty = True
    for key, child in children:
        empty = False
        yield from _leaves(child, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip("."))
    if empty:
        yield path, str(value)
