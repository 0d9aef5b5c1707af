"""Opening what classifies pictures: the directory of a run, or an exported SavedModel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from archspec import load
from archspec.errors import file_problem, path_of
from archspec.recipe.resizing import Resizing
from builder.prediction.classifier import Classifier, Prediction, classify
from builder.prediction.finding import Found
from builder.runs import provenance
from builder.runs.description import darkest_of, pixel_range_of
from builder.runs.names import ENVIRONMENT, EXPORT, SPEC
from builder.runs.run import Run, open_run
from builder.system.files import read_json
from builder.system.plain_paths import plain_path
from builder.system.terminal import Say, silent

if TYPE_CHECKING:  # files and runs are looked up without TensorFlow
    import numpy as np


def open_classifier(source: str | os.PathLike[str] | Run, say: Say = silent) -> Callable[[], Classifier]:
    """Finds a run, or an exported SavedModel (`name/1/`, or `name/` for its newest version), without TensorFlow.

    Args:
        source: its directory; of a run also its `model.keras`, and of a search its own, for the best trial.
        say: called with which run it is, where that is not the path itself, and with a warning of an export that was
            not made here.

    Returns:
        A function that loads it.

    Raises:
        FileError: it is neither a run nor an export, or is damaged. The function that loads it raises the same.
    """
    if isinstance(source, Run):
        return _run_loader(source)
    path = path_of(source, "the directory of a run, or of an export")
    versions = [one for one in path.glob(f"*/{provenance.GRAPH}") if one.parent.name.isdecimal()]
    if (path / provenance.GRAPH).is_file():
        return _export_loader(path, say)
    if versions:
        return _export_loader(max((one.parent for one in versions), key=lambda one: int(one.name)), say)
    if (path / EXPORT).is_file() or next(path.glob(f"*/{EXPORT}"), None):
        raise file_problem(path, "is an export without a SavedModel; tools/export.py --format saved_model makes one")
    run = open_run(path)
    if run.note:
        say(run.note)
    return _run_loader(run)


def _run_loader(run: Run) -> Callable[[], Classifier]:
    def load_classifier() -> Classifier:
        import tensorflow as tf

        model = run.model

        @tf.function(input_signature=[tf.TensorSpec(model.input.shape, tf.uint8)])
        def probabilities(pictures: tf.Tensor) -> tf.Tensor:
            return tf.nn.softmax(tf.cast(model(pictures, training=False), tf.float32))

        height, width, channels = run.spec.graph.input.shape
        about, traced = run.about, probabilities.get_concrete_function()
        return Classifier(
            shape=(height, width, channels),
            resizing=run.recipe.resizing,
            class_names=about.class_names,
            pixel_range=about.pixel_range,
            darkest=about.darkest,
            probabilities=lambda some: traced(tf.constant(some)).numpy(),
        )

    return load_classifier


def _export_loader(path: Path, say: Say) -> Callable[[], Classifier]:
    assets = path / "assets"
    spec = load(assets / SPEC)
    try:
        data = read_json(assets / ENVIRONMENT)["data"]
        names, pixel_range, darkest = tuple(map(str, data["classes"])), pixel_range_of(data), darkest_of(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise file_problem(path, f"has no names of classes in assets/{ENVIRONMENT}; export it again") from error

    if line := provenance.warning(path):
        say(line)

    def load_classifier() -> Classifier:
        import numpy as np
        import tensorflow as tf

        try:
            with plain_path(path) as plain:
                model = tf.saved_model.load(str(plain))
        except Exception as problem:  # TensorFlow's errors for damaged files have no common class
            raise file_problem(
                path, f"is damaged, or no SavedModel: {type(problem).__name__}; export it again"
            ) from None
        if "serving_default" not in model.signatures:
            raise file_problem(path, f"has no signature serving_default, but {', '.join(model.signatures) or 'none'}")
        height, width, channels = spec.graph.input.shape
        answers = model.signatures["serving_default"].structured_outputs["probabilities"].shape
        if answers[-1] != len(names):
            raise file_problem(path, f"predicts {answers[-1]} classes, and assets/ names {len(names)}; export it again")

        def probabilities(pictures: np.ndarray) -> np.ndarray:
            serve = model.signatures["serving_default"]  # looked up on the model, which keeps its variables alive
            return serve(pictures=tf.constant(pictures.astype(np.float32)))["probabilities"].numpy()

        resizing = spec.train.resizing if spec.train else Resizing()
        return Classifier((height, width, channels), resizing, names, pixel_range, probabilities, darkest)

    return load_classifier


def open_predictor(
    source: str | os.PathLike[str], say: Say
) -> Callable[[Iterable[Found], int, Say], Iterator[Prediction]]:
    """Finds a run or an export as `open_classifier` does. The function that is returned loads it and calls `classify`
    with the pictures, the number of classes and the receiver of lines."""
    load = open_classifier(source, say)
    return lambda pictures, top, say: classify(load(), pictures, top, say)
