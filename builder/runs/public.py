"""What of a run leaves the machine that it was made on: no paths, no command lines, nothing of hosts and users.

The directory of a run keeps everything, as its owner may need it. Exports and reports are for others, who need to know
the network, its data, its results and the versions of what made it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archspec import Spec
from archspec.source.tree import Tree

FIELDS = ("python", "packages", "git_commit", "seed", "data")
"""The fields of `environment.json` that others get."""
_PATH = re.compile(r"(?<![\w:/.~])(?:~|\.\.)?(?:/[^\s/'\",;:()<>|]+)+")


def public_path(path: str | os.PathLike[str]) -> str:
    """A path as others may see it: its last part, if it leads out of the current directory, else the whole path."""
    text = os.fspath(path)
    leads_out = text.startswith(("/", "~")) or ".." in Path(text).parts
    return Path(text).name or text if leads_out else text


def public_text(text: str) -> str:
    """A text, such as a message, in which each path is as `public_path` has it."""
    text = text.replace("file:///", "/")
    for known in (os.getcwd(), os.path.expanduser("~")):
        if len(known) > 1:  # paths with spaces in them are found only here
            text = text.replace(f"{known}/", "")
    return _PATH.sub(lambda found: public_path(found[0]), text)


def public_spec(spec: Spec) -> str:
    """The resolved spec as the text of a file, in which data, weights and the like have no more than their names."""
    return replace(spec, tree=_without_paths(spec.tree)).to_yaml()


def _without_paths(tree: Tree) -> Tree:
    value: Any = tree.value
    if isinstance(value, dict):
        value = {key: _without_paths(child) for key, child in value.items()}
        if isinstance(description := tree.value.get("description"), Tree) and isinstance(description.value, str):
            value["description"] = replace(description, value=public_text(description.value))
    elif isinstance(value, list):
        value = [_without_paths(child) for child in value]
    elif isinstance(value, str):
        value = public_path(value)
    return replace(tree, value=value)


def public_environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of `environment.json` for others: versions, seed, and the description of the data."""
    found = {name: environment[name] for name in FIELDS if name in environment}
    if "weights" in environment:
        found["weights"] = public_path(environment["weights"])
    return found
