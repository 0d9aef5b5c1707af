"""What a tracker gets of a run: what others may see of it (`builder.runs.public`), and no weights."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archspec import analyse
from builder.runs.comparison import flat
from builder.runs.names import ENVIRONMENT, METRICS, SPEC
from builder.runs.public import public_environment, public_spec, public_text
from builder.runs.run import MAY_CHANGE, Run
from builder.system.files import json_text

FIRST = ("started", "command", "directory", "seed")
"""What `environment.json` keeps from a run's beginning, however often the run is resumed."""
VARIABLE = (*MAY_CHANGE, "train.epochs")
"""The beginnings of the paths of a spec that may change in a run: it may be made longer too."""
LONGEST_NAME = 64
"""The number of characters of a network's name in a key; W&B takes 128 in all."""
ON_TOP = ("*.png", "*.svg", "README.md", METRICS)
IN_EVALUATIONS = ("*.png", "evaluation.json", "classes.csv")


@dataclass(frozen=True)
class Content:
    """What is said of a run besides its epochs.

    Attributes:
        key: names the run for good, wherever its folder is moved, so that it is sent once.
        name: for people.
        project: what the tracker files it under: the network's name, if no other is given.
        group: the search that it belongs to; empty if to none.
        description: that of the spec.
        params: every value of the resolved spec by its path.
        tags: where the run comes from: commit, versions, seed, data, and the network's size.
        started: seconds since 1970.
    """

    key: str
    name: str
    project: str
    group: str
    description: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    started: float


def content_of(run: Run, project: str | None = None, search: Path | None = None) -> Content:
    """What is said of a run.

    Args:
        run: the run.
        project: instead of the network's name.
        search: the search that it is a trial of.
    """
    about = public_environment(run.environment)
    analysis, description = analyse(run.spec), run.environment
    tags = {
        "python": about.get("python"),
        **{f"package.{name}": found for name, found in about.get("packages", {}).items()},
        "git_commit": about.get("git_commit"),
        "seed": about.get("seed"),
        "data": run.about.name,
        "data.fingerprint": run.about.fingerprint,
        "network.parameters": analysis.parameters,
        "network.macs": analysis.macs,
    }
    place = run.directory.absolute()
    name = f"{search.name}/{place.parent.name}/{place.name}" if search else f"{run.spec.name}/{place.name}"
    return Content(
        key=key_of(run),
        name=name,
        project=project or run.spec.name,
        group=search.name if search else "",
        description=public_text(run.spec.description or ""),
        params=flat(public_spec(run.spec)),
        tags={name: str(value) for name, value in tags.items() if value not in (None, "")},
        started=_seconds(description.get("started")),
    )


def key_of(run: Run) -> str:
    """A run's key: a hash of what it began with, and of its network and recipe but for what may change meanwhile."""
    spec = {name: value for name, value in flat(run.spec.to_yaml()).items() if not name.startswith(VARIABLE)}
    first = {name: run.environment.get(name) for name in FIRST}
    text = json.dumps([first, run.about.fingerprint, spec], sort_keys=True)
    name = re.sub(r"[^\w-]", "_", run.spec.name, flags=re.ASCII)[:LONGEST_NAME]
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def files_of(run: Run) -> dict[str, bytes]:
    """The files that a tracker gets, by their names there: the resolved spec, where the run comes from, its metrics,
    and the pictures, reports and model card that there are."""
    found = {
        SPEC: public_spec(run.spec).encode(),
        ENVIRONMENT: json_text(public_environment(run.environment)).encode(),
    }
    paths = [path for pattern in ON_TOP for path in run.directory.glob(pattern)]
    paths += [path for pattern in IN_EVALUATIONS for path in run.directory.glob(f"evaluation/*/{pattern}")]
    for path in sorted(paths):
        if path.is_file() and not path.name.startswith("."):
            found[path.relative_to(run.directory).as_posix()] = path.read_bytes()
    return found


def _seconds(started: object) -> float:
    """The time that `environment.json` records, in seconds since 1970; 0 if it is not readable."""
    try:
        return datetime.fromisoformat(str(started)).timestamp()
    except ValueError:
        return 0.0
