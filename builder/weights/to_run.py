"""A run made of imported weights, without a training: it predicts, is evaluated and is exported like any other."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras

from archspec import Spec
from archspec.commands import as_started
from archspec.errors import argument_problem, file_problem
from archspec.files import read_text
from archspec.wording import counted
from builder.network.model import build
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.runs.directory import check_free
from builder.runs.environment import record_import
from builder.runs.names import MODEL
from builder.runs.run import Run, open_run
from builder.system.limits import MOST_JSON
from builder.system.terminal import Say, silent
from builder.weights.matching import Matching
from builder.weights.report import require_finite
from builder.weights.writing import apply


def write_run(
    matching: Matching,
    spec: Spec,
    directory: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    normalisation: Normalisation | str = "torchvision",
    say: Say = silent,
) -> Run:
    """Makes a run of a network with imported weights.

    Args:
        matching: the weights; every one of the network's has to be there.
        spec: the spec that they were matched with.
        directory: the run's own, new or empty.
        class_names: the names of the classes, by label; by default their numbers.
        normalisation: how pixels become the network's input, as the weights expect it: a name of
            `archspec.recipe.normalisation.NORMALISATIONS`, or mean and deviation of pixels from 0 to 255.
        say: called with what was made, and with what to do with it.

    Returns:
        The run. `builder.predict`, `evaluate(data=...)` and `export` take it.

    Raises:
        UserError: weights are missing or not finite, the names are not as many as the classes, there is no such
            normalisation or it has another number of channels, or the directory is not free.
    """
    path = Path(directory)
    check_free(path, "--out")
    names = _class_names(spec, class_names)
    pixels = _normalisation(spec, normalisation)
    if lacking := matching.counts.keys() - {"matched", "ignored"}:
        message = f"has not all weights of the network ({', '.join(sorted(lacking))}), and a run needs them all"
        raise file_problem(matching.source.name, message)
    require_finite(matching)
    network = build(spec, "portable", "float32")
    apply(matching, network)
    created = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        from_pixels(network, pixels).save(path / MODEL)
        record_import(path, spec, matching.source.name, names, pixels.mean, pixels.std)
    except BaseException as error:
        for child in path.iterdir() if path.is_dir() else ():
            child.unlink()
        if created:
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            raise file_problem(path, f"cannot be written: {error.strerror or error}") from error
        raise
    finally:
        keras.backend.clear_session()
    if class_names is None:
        say(f"the classes are called 0 to {len(names) - 1}; --classes FILE names them")
    say(f"saved {path}, to be used as any run:")
    for tool, argument in (("predict", " PICTURES"), ("evaluate", " --data FOLDER"), ("export", "")):
        say(as_started(f"  python tools/{tool}.py {shlex.quote(str(path))}{argument}"))
    return open_run(path)


def read_class_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names of classes in a text file, one a line.

    Raises:
        FileError: the file cannot be read, or is no text in UTF-8.
    """
    path = Path(path)
    try:
        lines = read_text(path, MOST_JSON).splitlines()
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise file_problem(path, "is no text in UTF-8; expected the names of the classes, one a line") from None
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(line.strip() for line in lines)


def _class_names(spec: Spec, given: Sequence[str] | None) -> tuple[str, ...]:
    output = spec.graph.output.shape
    if len(output) != 1:
        raise argument_problem("--to run", f"needs a classifier, and {spec.name} ends in {output}")
    if given is None:
        return tuple(map(str, range(output[0])))
    if len(given) != output[0]:
        message = f"has {counted(len(given), 'name')}, and {spec.name} has {counted(output[0], 'class', 'classes')}"
        raise argument_problem("--classes", message)
    return tuple(given)


def _normalisation(spec: Spec, given: Normalisation | str) -> Normalisation:
    channels = spec.graph.input.shape[-1]
    found = Normalisation.named(given, channels) if isinstance(given, str) else given
    if len(found.mean) != channels or len(found.std) != channels:
        message = f"is for {counted(len(found.mean), 'channel')}, and {spec.name} takes {counted(channels, 'channel')}"
        raise argument_problem("--normalisation", message)
    return found
