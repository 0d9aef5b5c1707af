"""Writing predictions as text, JSON or CSV, one after the other as they become available."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import Literal, TextIO

from archspec.wording import printable
from builder.prediction.classifier import Prediction

OutputFormat = Literal["text", "json", "csv"]


def write(predictions: Iterable[Prediction], out: TextIO, errors: TextIO, output_format: OutputFormat) -> int:
    """Writes predictions to `out`, and a line for each picture that could not be read to `errors`.

    Text has a line for each picture, JSON is a list with an object for each, and CSV has a row for each picture and
    class.

    Returns:
        The number of pictures that could not be read.
    """
    return {"text": _text, "json": _json, "csv": _csv}[output_format](_reported(predictions, errors), out)


def _reported(predictions: Iterable[Prediction], errors: TextIO) -> Iterable[Prediction]:
    for one in predictions:
        if one.error:
            print(f"{printable(one.path)}: {printable(one.error)}", file=errors, flush=True)
        yield one


def _text(predictions: Iterable[Prediction], out: TextIO) -> int:
    failed = 0
    for one in predictions:
        failed += bool(one.error)
        if not one.error:
            classes = "  ".join(f"{printable(name)} {share:.1%}" for name, share in one.classes)
            print(f"{printable(one.path)}  {classes}", file=out)
    return failed


def _json(predictions: Iterable[Prediction], out: TextIO) -> int:
    failed, between = 0, "[\n"
    for one in predictions:
        failed += bool(one.error)
        classes = [{"class": name, "probability": share} for name, share in one.classes]
        value = {"picture": one.path, **({"error": one.error} if one.error else {"classes": classes})}
        out.write(between + json.dumps(value))
        between = ",\n"
    out.write("\n]\n" if between != "[\n" else "[]\n")
    return failed


def _csv(predictions: Iterable[Prediction], out: TextIO) -> int:
    failed = 0
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("picture", "rank", "class", "probability", "error"))
    for one in predictions:
        if one.error:
            failed += 1
            writer.writerow((one.path, "", "", "", one.error))
        for rank, (name, share) in enumerate(one.classes, 1):
            writer.writerow((one.path, rank, name, f"{share:.6f}", ""))
    return failed
