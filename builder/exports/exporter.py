"""Exporting a trained network: folded for inference, written for other runtimes, and compared with the run."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import Problem, tables
from archspec.errors import FileError, UserError, Where, file_problem, is_full_disk
from builder.exports.formats import Format, chosen
from builder.exports.versions import check_folder, new_version
from builder.runs.environment import package_version
from builder.runs.run import REPORT, Run, open_run
from builder.system.files import write_json

if TYPE_CHECKING:
    from builder.exports.inference import InferenceNetwork
    from builder.exports.parity import Result, Sample

Say = Callable[[str], None]
PACKAGES = ("tensorflow", "keras", "onnx", "tf2onnx", "onnxruntime", "ai-edge-litert")
CALIBRATION = 200
"""Training pictures that show the ranges of activations: the usual hundred or two (LiteRT's own guide)."""


def export(
    run: str | os.PathLike[str],
    formats: Sequence[str] = ("saved_model",),
    out: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
) -> Path:
    """Exports a run's best model.

    Args:
        run: the run's directory.
        formats: of `builder.exports.formats.CHOICES`.
        out: the folder of the network's exports, by default `exports/<name>`; each is a folder `1`, `2` and so on in
            it, with the files of all formats and `export.json`.
        data_dir: where TFDS keeps prepared data sets.
        say: takes lines of progress, and the report.

    Returns:
        The folder of this export.

    Raises:
        UserError: a run or a folder that cannot be used, a package that is missing, a full disk, or a file whose check
            failed. Nothing is left of the export then.
    """
    trained, folder, forms = check_before(run, formats, out)
    network, pictures, calibration = _prepared(trained, forms, data_dir, say)
    try:
        with new_version(folder) as place:
            results = [_one(name, form, network, place[0], calibration, pictures, say) for name, form in forms.items()]
            say(_table(results, pictures))
            _check_passed(results)
            write_json(place[0] / REPORT, _report(trained, network, results, pictures))
    except BrokenPipeError:  # who reads what `say` says takes no more
        raise
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    say(f"saved {place[0]}")
    return place[0]


def check_before(
    run: str | os.PathLike[str], formats: Sequence[str], out: str | os.PathLike[str] | None
) -> tuple[Run, Path, dict[str, Format]]:
    """Looks for mistakes that can be told without TensorFlow.

    Raises:
        UserError: there is one.
    """
    trained = open_run(run)
    folder = Path(out) if out else Path("exports") / trained.spec.name
    check_folder(folder, trained.spec.name)
    return trained, folder, chosen(formats)


def _prepared(
    trained: Run, forms: dict[str, Format], data_dir: str | os.PathLike[str] | None, say: Say
) -> tuple[InferenceNetwork, Sample, Any]:
    """The network, the pictures of the check, and those to calibrate with."""
    import numpy as np

    from builder.exports import parity
    from builder.exports.inference import of_run

    _check_finished(trained)
    network = of_run(trained)
    data = trained.data(data_dir, say)
    pictures = parity.sample(trained, data, network.resize)
    calibration = np.zeros((0, *network.shape), np.uint8)
    if "litert-int8" in forms:
        calibration = parity.evaluated_pictures(data.train, network.shape, network.resize, CALIBRATION)[0]
    say(
        f"{network.name}: {len(network.folded.folded)} batch normalisations folded, checked on {len(pictures.labels)} "
        f"validation pictures of {data.name}"
    )
    return network, pictures, calibration


def _check_finished(trained: Run) -> None:
    """Refuses a model that is not of the best checkpoint: the training went on, and was stopped."""
    import keras

    found = {weight.path: keras.ops.convert_to_numpy(weight) for weight in trained.model.weights}
    differing = [name for name, value in trained.weights.items() if name not in found or (value != found[name]).any()]
    if differing:
        raise file_problem(
            trained.directory / "model.keras",
            f"has other weights than checkpoints/best.safetensors ({differing[0]}, for one): the training went on and "
            f"was stopped; go on with python tools/train.py {trained.directory}/spec.yaml --resume {trained.directory}",
        )


def _one(
    name: str, form: Format, network: InferenceNetwork, folder: Path, calibration: Any, pictures: Sample, say: Say
) -> Result:
    """Writes one format and checks it.

    Raises:
        OSError: it cannot be written.
        UserError: the network has what the format cannot say.
    """
    import tensorflow as tf

    from builder.exports import parity

    path = folder / form.file
    say(f"writing and checking {name}")
    gc.collect()  # the graph of the format before holds its weights many times over
    try:
        form.write(network, path, calibration)
    except (OSError, UserError):
        raise
    except Exception as error:  # each converter has its own
        reason = re.sub(r"\s+", " ", str(error))[:300]
        if isinstance(error, tf.errors.OpError | ValueError) and (is_full_disk(error) or _cannot_be_written(reason)):
            raise OSError(None, reason) from error
        raise file_problem(path.name or name, f"cannot be made: {type(error).__name__}: {reason}") from None
    tolerance = parity.Tolerance(form.difference, form.agreement)
    return parity.check(name, form.kind, path, form.file, tolerance, pictures)


def _cannot_be_written(reason: str) -> bool:
    return any(words in reason.lower() for words in ("file too large", "read-only file"))


def _unwritable(folder: Path, reason: str) -> FileError:
    return file_problem(folder, f"cannot be written: {reason}; nothing is left of this export")


def _check_passed(results: Sequence[Result]) -> None:
    failed = [result for result in results if result.problem]
    if failed:
        raise FileError(Problem(Where(result.name), f"{result.problem}; nothing was exported") for result in failed)


def _table(results: Sequence[Result], pictures: Sample) -> str:
    first = [f"{ms:.2f}" for ms in pictures.milliseconds]
    rows = [("the run's model.keras", tables.size(pictures.keras_bytes), "-", "-", f"{pictures.accuracy:.2%}", *first)]
    for one in results:
        checks = (f"{one.difference:.1e}", f"{one.agreement:.2%}", f"{one.accuracy:.2%}")
        rows.append((one.name, tables.size(one.bytes), *checks, *(f"{ms:.2f}" for ms in one.milliseconds)))
    header = ("format", "size", "difference", "agreement", "accuracy", "ms, 1", "ms, 8")
    note = (
        "Difference: the largest of a probability. Agreement: of the top class. Both with\n"
        "the run's model. ms: a call's median time for 1 picture, and for 8."
    )
    return f"\n{tables.plain(header, rows)}\n\n{note}\n"


def _report(trained: Run, network: InferenceNetwork, results: Sequence[Result], pictures: Sample) -> dict[str, Any]:
    """What `export.json` says."""
    return {
        "network": network.name,
        "run": str(trained.directory.absolute()),
        "exported": datetime.now().astimezone().isoformat(timespec="seconds"),
        "packages": {name: version for name in PACKAGES if (version := package_version(name))},
        "input": {"shape": list(network.shape), "resize": network.resize, "pixels": "0 to 255"},
        "classes": list(network.class_names),
        "folded": list(network.folded.folded),
        "check": {
            "pictures": len(pictures.labels),
            "accuracy": pictures.accuracy,
            "milliseconds": dict(zip(("1", "8"), pictures.milliseconds, strict=True)),
        },
        "formats": [result.to_json() for result in results],
    }
