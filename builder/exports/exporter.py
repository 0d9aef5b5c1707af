"""Exporting a trained network: folded for inference, written for other runtimes, and compared with the run's model."""

from __future__ import annotations

import contextlib
import gc
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archspec import Problem
from archspec.errors import FileError, UserError, Where, file_problem, is_full_disk
from builder.exports.formats import Format, chosen_formats
from builder.exports.versions import check_folder, new_version
from builder.runs.names import BEST, CHECKPOINTS, EXPORT, MODEL, SPEC
from builder.runs.run import Run, open_run
from builder.system.files import write_json
from builder.system.terminal import Say

if TYPE_CHECKING:
    import numpy as np

    from builder.exports.inference import InferenceNetwork
    from builder.exports.parity import Result

CALIBRATION_PICTURES = 200
"""Training pictures that show the ranges of activations; LiteRT's own guide recommends a hundred or two."""


def export(
    run: str | os.PathLike[str] | Run,
    formats: Sequence[str] = ("saved_model",),
    out: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
) -> Path:
    """Exports a run's best model, and checks every file in its own runtime against `model.keras`.

    Args:
        run: a run, or its directory.
        formats: names from `builder.exports.formats.CHOICES`.
        out: the folder of the network's exports, by default `exports/<name>`. Each export is a folder `1`, `2` and so
            on in it, with the files of all formats and `export.json`.
        data_dir: where TFDS keeps prepared data sets.
        say: called with each line of progress, and with the report.

    Returns:
        The folder of this export.

    Raises:
        UserError: a run or folder that cannot be used, a missing package, a full disk, or a file that failed its
            check. Nothing is left of the export in that case.
    """
    run, folder, chosen = _checked(run, formats, out)
    from builder.system.tensorflow_start import import_tensorflow

    import_tensorflow()  # it takes seconds, so mistakes are reported first
    from builder.exports import inference, parity, report

    _check_is_best(run)
    network = inference.network_of(run)
    data = run.data(data_dir, say)
    sample = parity.sample(run, data, network.resizing)
    calibrates = any(output_format.calibrates for output_format in chosen.values())
    calibration = parity.pictures_of(
        data.train, data.shape, network.resizing, CALIBRATION_PICTURES if calibrates else 0
    )
    say(report.headline(network, sample, data.name))
    with _disk_errors(folder), new_version(folder) as version:
        results = []
        for name, output_format in chosen.items():
            say(f"writing and checking {name}")
            _write(name, output_format, network, version.path, calibration.evaluated)
            results.append(parity.check(name, output_format, version.path, sample))
        say(report.table(results, sample))
        _check_passed(results)
        write_json(version.path / EXPORT, report.to_json(run, network, results, sample))
    say(f"saved {version.path}")
    return version.path


def _checked(
    run: str | os.PathLike[str] | Run, formats: Sequence[str], out: str | os.PathLike[str] | None
) -> tuple[Run, Path, dict[str, Format]]:
    """Opens the run, and looks for mistakes that can be found without TensorFlow."""
    run = run if isinstance(run, Run) else open_run(run)
    folder = Path(out) if out else Path("exports") / run.spec.name
    check_folder(folder, run.spec.name)
    return run, folder, chosen_formats(formats)


def _check_is_best(run: Run) -> None:
    """Refuses a `model.keras` that is older than the best checkpoint: the run was resumed, and stopped again."""
    import keras

    found = {weight.path: keras.ops.convert_to_numpy(weight) for weight in run.model.weights}
    differing = [name for name, value in run.weights.items() if name not in found or (value != found[name]).any()]
    if differing:
        raise file_problem(
            run.directory / MODEL,
            f"has other weights than {CHECKPOINTS}/{BEST} ({differing[0]}, for one): the run was resumed and "
            f"then stopped; resume it with python tools/train.py {run.directory / SPEC} --resume {run.directory}",
        )


def _write(name: str, output_format: Format, network: InferenceNetwork, folder: Path, calibration: np.ndarray) -> None:
    """Writes one format.

    Raises:
        OSError: the file cannot be written.
        FileError: the format cannot express the network.
    """
    import tensorflow as tf

    path = folder / output_format.file
    gc.collect()  # the graph of the previous format holds its weights many times over
    try:
        output_format.write(network, path, calibration)
    except (OSError, UserError):
        raise
    except Exception as error:  # each converter has exceptions of its own
        reason = re.sub(r"\s+", " ", str(error))[:300]
        if isinstance(error, tf.errors.OpError | ValueError) and (is_full_disk(error) or _cannot_be_written(reason)):
            raise OSError(None, reason) from error
        raise file_problem(path.name or name, f"cannot be made: {type(error).__name__}: {reason}") from None


def _cannot_be_written(reason: str) -> bool:
    return any(words in reason.lower() for words in ("file too large", "read-only file"))


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Reports a disk error as a problem of the folder."""
    try:
        yield
    except BrokenPipeError:  # whoever reads the lines of `say` has stopped reading, which is not the folder's fault
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise file_problem(folder, f"cannot be written: {reason}; nothing is left of this export") from error


def _check_passed(results: Sequence[Result]) -> None:
    failed = [result for result in results if result.problem]
    if failed:
        raise FileError(Problem(Where(result.name), f"{result.problem}; nothing was exported") for result in failed)
