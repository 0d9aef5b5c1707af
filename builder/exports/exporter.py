"""Exporting a trained network: folded for inference, written for other runtimes, and compared with the run's model."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archspec
from archspec.errors import file_problem, is_full_disk
from builder.exports import card, parity, report
from builder.exports.formats import FORMATS, Calibration, Format, chosen_formats
from builder.exports.processes import Call, ProcessLost, directly, in_own_process
from builder.exports.versions import check_folder, new_version
from builder.runs import provenance
from builder.runs.advice import resume_command
from builder.runs.directory import is_training
from builder.runs.names import BEST, CHECKPOINTS, EXPORT, MODEL
from builder.runs.run import Run, open_run
from builder.system import ctrl_c
from builder.system.endings import ExportFailed
from builder.system.files import write_json
from builder.system.tensorflow_start import import_tensorflow
from builder.system.tensors import write_tensor_file
from builder.system.terminal import Say

if TYPE_CHECKING:
    import numpy as np

    from builder.exports.inference import InferenceNetwork
    from builder.pictures.forms import Pictures

MOST_IN_ONE_PROCESS = 64 << 20
"""The bytes of weights up to which all steps run in this process. Those of a larger network run in a process each; it
imports TensorFlow, which takes 5 seconds and 0.6 GB, and this one does not."""
WEIGHTS = ".weights"
"""The file in the export's folder that hands the weights from one process to the next."""


def export(
    run: str | os.PathLike[str] | Run,
    formats: Sequence[str] = ("saved_model",),
    out: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
    data: str | os.PathLike[str] | None = None,
) -> Path:
    """Exports a run's best model, and checks every file in its own runtime against `model.keras`.

    The pictures for the check are the run's validation pictures, and a format that needs to see pictures is calibrated
    on training pictures. Where its data are not, or it has none, the pictures that it keeps serve for both, half of
    them each, or random ones for the check alone.

    Args:
        run: a run, or its directory; or a search, whose best trial is exported.
        formats: names from `builder.exports.formats.CHOICES`.
        out: the folder of the network's exports, by default `exports/<name>`. Each export is a folder `1`, `2` and so
            on in it, with the files of all formats, `export.json`, and a model card, `README.md`.
        data_dir: where TFDS keeps prepared data sets.
        say: called with each line of progress, and with the report.
        data: a folder or `.npz` file with pictures for the check, instead of the run's own.

    Returns:
        The folder of this export.

    Raises:
        UserError: a run or folder that cannot be used, a missing package, or a full disk. Nothing is left of the export
            in that case.
        ExportFailed: formats that cannot be made of this network, or failed their check. The others are written.
    """
    run, folder, chosen = _checked(run, formats, out)
    run = replace(run)  # without the model that the caller's may have cached
    if run.note:
        say(run.note)
    is_large = archspec.analyse(run.spec).parameters * 4 > MOST_IN_ONE_PROCESS
    call: Call = in_own_process if is_large else directly
    if is_large:
        ctrl_c.disarm()
    else:
        import_tensorflow()  # it takes seconds, so mistakes are reported first
    calibrates = any(output_format.calibrates for output_format in chosen.values())
    try:
        lines, some, kind, calibration = call(_pictures, run, data, data_dir, calibrates, None if is_large else say)
    except ProcessLost as error:
        raise file_problem(run.directory, f"its pictures cannot be read: {error}") from error
    for line in lines:
        say(line)
    with _disk_errors(folder), new_version(folder) as version:
        try:
            network, subject = call(_prepared, run, version.path / WEIGHTS if is_large else None)
            sample = parity.sample(run, some, kind, call)
        except ProcessLost as error:
            raise file_problem(run.directory / MODEL, f"cannot be loaded: {error}") from error
        say(report.headline(subject, sample))
        results = []
        for name, output_format in chosen.items():
            say(f"writing and checking {name}")
            part = version.path / f".{name}"
            part.mkdir()
            problem = calibration.problem if output_format.calibrates else ""
            problem = problem or _written(call, name, network, part, calibration.pictures)
            failed = parity.Result(name, output_format, 0, problem=problem)
            results.append(failed if problem else parity.check(name, output_format, part, sample))
            if not results[-1].problem:
                _move_up(part)
            shutil.rmtree(part)
        (version.path / WEIGHTS).unlink(missing_ok=True)
        good = [result for result in results if not result.problem]
        say(report.table(good, sample, calibration))
        failures = report.failures(results)
        if not good:
            raise ExportFailed("\n".join([*failures, "nothing was exported"]), None)
        content = report.to_json(run, subject, results, sample, calibration)
        write_json(version.path / EXPORT, content)
        card.write(version.path, run, content)
    if (version.path / provenance.GRAPH).is_file():
        provenance.record(version.path)
    say(f"{report.fastest(good)}\n")
    say(f"saved {version.path}")
    if failures:
        names = ", ".join(result.name for result in good)
        raise ExportFailed("\n".join([*failures, f"the others were exported: {names}"]), version.path)
    return version.path


def _move_up(part: Path) -> None:
    """Moves the files of a format that passed its check to where the export has them."""
    for path in part.iterdir():
        path.rename(part.parent / path.name)


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
    if not run.has_checkpoints:
        return
    found = run.model_weights
    differing = [name for name, value in run.weights.items() if name not in found or (value != found[name]).any()]
    if differing and is_training(run.directory):
        raise file_problem(
            run.directory / MODEL,
            f"has other weights than {CHECKPOINTS}/{BEST} ({differing[0]}, for one): a process trains in "
            f"{run.directory} at this moment, and writes the model at its end",
        )
    if differing:
        raise file_problem(
            run.directory / MODEL,
            f"has other weights than {CHECKPOINTS}/{BEST} ({differing[0]}, for one): the run was resumed and "
            f"then stopped; resume it with {resume_command('train', run.directory)}",
        )


def _pictures(
    run: Run, data: Any, data_dir: Any, calibrates: bool, say: Say | None
) -> tuple[list[str], Pictures, str, Calibration]:
    """The pictures of an export.

    Args:
        run: the run.
        data, data_dir: as for `export`.
        calibrates: whether any format needs pictures to find the ranges of activations.
        say: called with each line of progress. None in another process: the lines are then returned.

    Returns:
        The lines, the pictures of the check, what these are, and those of the calibration.
    """
    from builder.data.samples import pictures_of
    from builder.exports import inference, pictures

    lines: list[str] = []
    found = pictures.to_export(run, data, data_dir, calibrates, say or lines.append)
    shape, resizing = inference.input_shape(run.spec.graph), run.recipe.resizing
    some = pictures_of(found.check, shape, resizing, parity.MOST_PICTURES)
    return lines, some, found.kind, pictures.calibration(found, shape, resizing)


def _prepared(run: Run, file: Path | None) -> tuple[InferenceNetwork | bytes, report.Subject]:
    """A run's network, folded, and what the report says of it. If a file is named, it takes the weights, and the
    network is pickled, as a process without TensorFlow can hold it only so.

    Copies of the run cache its model, so that it is released: a large one takes gigabytes otherwise.

    Args:
        run: the run.
        file: where the weights are written to.

    Raises:
        UserError: the run's files are damaged or do not belong together.
        OSError: the file cannot be written.
    """
    from builder.exports import inference

    _check_is_best(replace(run))
    network = inference.network_of(replace(run))
    subject = report.subject(network)
    if file is None:
        return network, subject
    gc.collect()  # the models of both
    weights = write_tensor_file(file, network.folded.weights)
    return pickle.dumps(replace(network, folded=replace(network.folded, weights=weights))), subject


def _written(call: Call, name: str, network: InferenceNetwork | bytes, folder: Path, calibration: np.ndarray) -> str:
    """Writes one format, in this process or another; returns why it cannot be made, as `_write` does."""
    try:
        return call(_write, name, network, folder, calibration)
    except ProcessLost as error:
        return f"cannot be made: {error}"


def _write(name: str, network: InferenceNetwork | bytes, folder: Path, calibration: np.ndarray) -> str:
    """Writes one format of what `_prepared` returns.

    Returns:
        Why the format cannot be made of this network; empty if it was.

    Raises:
        OSError: the file cannot be written.
    """
    import tensorflow as tf

    whole = pickle.loads(network) if isinstance(network, bytes) else network  # noqa: S301  # `_prepared` pickled it
    try:
        FORMATS[name].write(whole, folder / FORMATS[name].file, calibration)
        gc.collect()  # the check has a process of its own, and needs the memory
    except OSError:
        raise
    except Exception as error:  # each converter has exceptions of its own
        reason = re.sub(r"\s+", " ", str(error))[:300]
        if isinstance(error, tf.errors.OpError | ValueError) and (is_full_disk(error) or _cannot_be_written(reason)):
            raise OSError(None, reason) from error
        return f"cannot be made: {type(error).__name__}: {reason}"
    return ""


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
