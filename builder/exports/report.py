"""The report on an export: its lines on the screen, and `export.json`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from archspec import tables
from archspec.wording import counted
from builder.exports.formats import PACKAGES, Calibration
from builder.exports.parity import Result, Sample
from builder.exports.runtimes import BATCHES
from builder.runs.environment import package_version
from builder.runs.public import public_text
from builder.runs.run import Run
from builder.system import cpu

if TYPE_CHECKING:  # importing it imports TensorFlow
    from builder.exports.inference import InferenceNetwork

WITHOUT_BFLOAT16 = (
    "this CPU has no instructions for bfloat16 (AVX-512 BF16 or AMX), so\n"
    "TensorFlow emulates them, and its times say nothing about CPUs that have them"
)
SLOWER = "; on\nCPUs such as this one it is slower than saved_model"
"""What follows, unless both were measured and it was not."""


@dataclass(frozen=True)
class Subject:
    """What a report says of a network, without its weights.

    Attributes:
        name: the network's name.
        folded: the names of the batch normalisations that are gone.
        input: a description of its input, as in `InferenceNetwork`.
        class_names: the names of the classes, by label.
    """

    name: str
    folded: tuple[str, ...]
    input: Mapping[str, Any]
    class_names: tuple[str, ...]


def subject(network: InferenceNetwork) -> Subject:
    """What a report says of a network."""
    return Subject(network.name, network.folded.folded, network.input_description, network.class_names)


def headline(network: Subject, sample: Sample) -> str:
    """What is exported, and what it is checked on, in a line."""
    folded = len(network.folded)
    return f"{network.name}: {folded} batch normalisations folded, checked on {sample.count} {sample.kind}"


def table(results: Sequence[Result], sample: Sample, calibration: Calibration) -> str:
    """A row for the run's model and one for each format, with notes on the columns and on the formats."""
    first = [f"{ms:.2f}" for ms in sample.milliseconds]
    rows = [("the run's model.keras", tables.size(sample.keras_bytes), "-", "-", _share(sample.accuracy), *first)]
    for one in results:
        checks = (f"{one.difference:.1e}", f"{one.agreement:.2%}", _share(one.accuracy))
        rows.append((one.name, tables.size(one.bytes), *checks, *(f"{ms:.2f}" for ms in one.milliseconds)))
    header = ("format", "size", "difference", "agreement", "accuracy", *(f"ms, {count}" for count in BATCHES))
    note = (
        "Difference: the largest difference of a probability. Agreement: the share of\n"
        "pictures with the same top class. Both compare with the run's model.\n"
        "ms: the median time of a call with 1 picture, and with 8."
    )
    lines = [f"{one.name}: calibrated on {_seen(calibration)}" for one in results if one.format.calibrates]
    lines += [f"{one.name}: {one.note}" for one in results if one.note]
    lines += [f"{one.name}: {_on_bfloat16(one, results)}" for one in results if _is_emulated(one)]
    notes = "".join(f"\n{line}" for line in lines)
    return f"\n{tables.plain(header, rows)}\n\n{note}{notes}\n"


def fastest(results: Sequence[Result]) -> str:
    """The format with the shortest time for each batch, and the machine on which they were measured."""
    found = [
        f"{best.name} with {counted(batch, 'picture')} ({best.milliseconds[index]:.2f} ms)"
        for index, (batch, best) in enumerate(zip(BATCHES, _fastest(results), strict=True))
    ]
    return f"Fastest on this machine ({cpu.description()}):\n{', '.join(found)}"


def _fastest(results: Sequence[Result]) -> list[Result]:
    return [min(results, key=lambda one: one.milliseconds[index]) for index in range(len(BATCHES))]


def _is_emulated(result: Result) -> bool:
    return result.format.is_bfloat16 and not cpu.computes_bfloat16()


def _on_bfloat16(result: Result, results: Sequence[Result]) -> str:
    """What to know of a file for bfloat16 on a CPU that lacks it."""
    others = [one.milliseconds for one in results if one.name == "saved_model"]
    is_faster = any(max(a / b for a, b in zip(result.milliseconds, other, strict=True)) < 1 for other in others)
    return WITHOUT_BFLOAT16 + ("" if is_faster else SLOWER)


def _seen(calibration: Calibration) -> str:
    return f"{len(calibration.pictures)} {calibration.kind}"


def _share(accuracy: float) -> str:
    return "-" if math.isnan(accuracy) else f"{accuracy:.2%}"


def failures(results: Sequence[Result]) -> list[str]:
    """A line for each format that failed, with the reason."""
    return [f"{one.name}: {one.problem}" for one in results if one.problem]


def to_json(
    run: Run, network: Subject, results: Sequence[Result], sample: Sample, calibration: Calibration
) -> dict[str, Any]:
    """The content of `export.json`, for whoever gets the export."""
    good = [result for result in results if not result.problem]
    return {
        "network": network.name,
        "run": run.directory.absolute().name,
        "run_started": run.environment.get("started"),
        "exported": datetime.now().astimezone().isoformat(timespec="seconds"),
        "packages": {name: version for name in PACKAGES if (version := package_version(name))},
        "input": dict(network.input),
        "classes": list(network.class_names),
        "folded": list(network.folded),
        "check": {
            "pictures": sample.count,
            "kind": sample.kind,
            "accuracy": _known(sample.accuracy),
            "milliseconds": _by_batch(sample.milliseconds),
        },
        "measured_on": cpu.description(),
        "fastest": dict(zip(map(str, BATCHES), [one.name for one in _fastest(good)], strict=True)),
        "formats": [_result(result, good, calibration) for result in good],
        "failed": {result.name: public_text(result.problem) for result in results if result.problem},
    }


def _result(result: Result, results: Sequence[Result], calibration: Calibration) -> dict[str, Any]:
    emulated = _on_bfloat16(result, results).replace("\n", " ") if _is_emulated(result) else ""
    seen = {"pictures": len(calibration.pictures), "kind": calibration.kind}
    return {
        "format": result.name,
        "file": result.format.file,
        "bytes": result.bytes,
        "largest_difference": result.difference,
        "agreement": result.agreement,
        "accuracy": _known(result.accuracy),
        "milliseconds": _by_batch(result.milliseconds),
        "note": "; ".join(note for note in (result.note, emulated) if note),
        **({"calibration": seen} if result.format.calibrates else {}),
        "tolerance": {
            "largest_difference": result.format.tolerance.difference,
            "agreement": result.format.tolerance.agreement,
        },
    }


def _known(value: float) -> float | None:
    """A number as JSON has it, which knows no NaN."""
    return None if math.isnan(value) else value


def _by_batch(milliseconds: Sequence[float]) -> dict[str, float]:
    """Times by the number of pictures in the batch, as JSON has them."""
    return dict(zip(map(str, BATCHES), milliseconds, strict=True))
