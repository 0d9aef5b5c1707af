"""What a benchmark measured, as JSON: appended to any file, or published in `benchmarks/results/`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine
from benchmarks.measure import Ratio, Row, Shown

RESULTS = Path(__file__).parent / "results"
"""The published records: a file for each kind of machine, named after it, with a record for each benchmark."""


def record(benchmark: str, machine: Machine, shown: Sequence[Shown], seconds: float, is_quick: bool) -> dict[str, Any]:
    """The record of one benchmark's run: the machine, the seconds that it took, and its tables."""
    tables: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in shown:
        tables.setdefault((one.title, one.other), []).append(_row(one.row))
    return {
        "benchmark": benchmark,
        "quick": is_quick,
        "seconds": round(seconds),
        "machine": machine.record(),
        "tables": [{"title": title, "other": other, "rows": rows} for (title, other), rows in tables.items()],
    }


def _row(row: Row) -> dict[str, Any]:
    """A row's fields, but for those without a value."""
    fields: dict[str, Any] = {"what": row.what, "ours": row.ours, "other": row.other}
    if row.ratio is not None:
        fields["ratio"] = round(float(row.ratio), 4)
    if isinstance(row.ratio, Ratio):
        fields |= {"lowest": round(row.ratio.lowest, 4), "highest": round(row.ratio.highest, 4)}
    if row.target is not None:
        fields |= {"target": row.target, "missed": row.missed}
    return fields | ({"note": row.note} if row.note else {})


def append(path: Path, record: dict[str, Any]) -> None:
    """Appends a record to a file of JSON lines, and makes the file where there is none."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def published(path: Path) -> list[dict[str, Any]]:
    """The records of a file in `RESULTS`; none where the machine's kind has no file yet."""
    records: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return records


def publish(record: dict[str, Any]) -> None:
    """Puts a record into the file of its machine's kind, in place of the same benchmark's former one."""
    path = RESULTS / f"{record['machine']['kind']}.json"
    others = [one for one in published(path) if one["benchmark"] != record["benchmark"]]
    records = sorted([*others, record], key=lambda one: str(one["benchmark"]))
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
