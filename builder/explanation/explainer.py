"""Explaining predictions: which parts of a picture speak for the class that a run predicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.errors import FileError, file_problem, path_of
from builder.explanation import filters
from builder.explanation.targets import Target, target_of
from builder.prediction.classifier import Prediction, scored
from builder.prediction.finding import Found
from builder.prediction.opening import open_classifier
from builder.prediction.predictor import checked_pictures, found_pictures
from builder.runs import provenance
from builder.runs.names import EXPORT, FILTERS
from builder.runs.run import Run, open_run
from builder.system.files import check_writable
from builder.system.public_calls import warn
from builder.system.terminal import Say

if TYPE_CHECKING:
    import numpy as np

    from builder.explanation.maps import MapFunction
    from builder.prediction.predictor import Pictures

PER_SHEET = 24
"""The most pictures on a sheet."""
SHEET = "maps"
"""What the files of sheets begin with."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What in a picture speaks for the class that a network predicts.

    Attributes:
        path: the path of the file.
        predicted: the name of the class; empty if the picture could not be read.
        probability: its probability, from 0 to 1.
        picture: the network's input, uint8 (height, width, channels).
        map: float32 (rows, columns), over the whole picture: positive where a part speaks for the class, negative where
            it speaks against it.
        method: `CAM` or `Grad-CAM`.
        layer: the layer whose output is weighed.
        error: why the file could not be read; None if it could.
    """

    path: str
    predicted: str = ""
    probability: float = 0.0
    picture: np.ndarray | None = None
    map: np.ndarray | None = None
    method: str = ""
    layer: str = ""
    error: str | None = None


def explain(
    run: str | os.PathLike[str] | Run,
    pictures: Pictures | Sequence[Pictures],
    out: str | os.PathLike[str] | None = None,
) -> list[Explanation]:
    """Finds which parts of pictures speak for the class that a run predicts.

    Where global average pooling meets one dense layer, the map is exact (CAM): its mean, plus the bias of the class, is
    the class's logit. Elsewhere it is the last feature map, weighed by the gradient of the logit (Grad-CAM).

    Args:
        run: a run or its directory; of a search, it is the best trial.
        pictures: as for `builder.predict`.
        out: a folder for sheets of the pictures with their maps; none are drawn by default.

    Returns:
        An explanation for each picture, in order. If a file cannot be read, its explanation has an `error`.

    Raises:
        UserError: the run cannot be used, is an export, or has no feature map; pictures that cannot be found; or a
            folder that cannot be written to.
    """
    opened, target = open_target(run)
    folder = None if out is None else checked_folder(out)
    found = list(found_pictures(checked_pictures(pictures), opened.spec.graph.input.shape[-1]))
    explainer = Explainer(opened, target, folder)
    explanations: list[Explanation] = []
    for _ in explainer.explained(found, 1, warn, explanations.append):
        pass
    return explanations


def open_explainer(
    source: str | os.PathLike[str], out: str | os.PathLike[str], say: Say
) -> Callable[[Iterable[Found], int, Say], Iterator[Prediction]]:
    """Finds a run whose predictions are to be explained, without TensorFlow.

    Args:
        source: its directory.
        out: the folder for the sheets.
        say: called with which run it is, where that is not the path itself.

    Returns:
        A function that predicts as `builder.prediction.classifier.classify` does, and draws the sheets as it does so.

    Raises:
        UserError: as for `explain`.
    """
    run, target = open_target(source)
    folder = checked_folder(out)
    if run.note:
        say(run.note)

    def explained(pictures: Iterable[Found], top: int, say: Say) -> Iterator[Prediction]:
        explainer = Explainer(run, target, folder)
        yield from explainer.explained(pictures, top, say)
        say(f"saved {folder}/: {' '.join(explainer.files)}" if explainer.files else "no pictures were drawn")

    return explained


def open_target(source: str | os.PathLike[str] | Run) -> tuple[Run, Target]:
    """Opens a run, and finds where its network is looked into.

    Raises:
        UserError: it is no finished run, or has no feature map.
    """
    if not isinstance(source, Run):
        path = path_of(source, "the directory of a run")
        if any((path / name).is_file() for name in (EXPORT, provenance.GRAPH)) or next(path.glob(f"*/{EXPORT}"), None):
            message = f"is an export, with no layers to look into; give the run that it is of, which {EXPORT} names"
            raise file_problem(path, message)
        source = open_run(path)
    target = target_of(source.spec.graph)
    if target is None:
        raise file_problem(
            source.directory,
            "its predictions cannot be explained by maps: no layer after the picture has a feature map of more than "
            "one pixel that the whole answer depends on",
        )
    return source, target


def checked_folder(out: str | os.PathLike[str]) -> Path:
    """The folder that sheets are written to.

    Raises:
        FileError: it is a file, or cannot be written.
    """
    folder = path_of(out, "a folder for the pictures")
    try:
        check_writable(folder)
    except OSError as error:
        raise _cannot_hold(folder, error) from error
    return folder


def _cannot_hold(folder: Path, error: OSError) -> FileError:
    return file_problem(folder, f"cannot hold pictures: {error.strerror}; name a folder")


class Explainer:
    """A run whose predictions are explained.

    Attributes:
        files: the names of the files that were written, in order.
    """

    def __init__(self, run: Run, target: Target, folder: Path | None):
        """
        Args:
            run: the run.
            target: where its network is looked into.
            folder: where the sheets go; None for none.
        """
        self.run, self.target, self.folder = run, target, folder
        self.files: list[str] = []

    def explained(
        self,
        pictures: Iterable[Found],
        top: int,
        say: Say,
        collect: Callable[[Explanation], None] = lambda explanation: None,
    ) -> Iterator[Prediction]:
        """Predicts pictures and explains the predictions, in order, and draws a sheet as soon as it is full.

        Args:
            pictures: from `builder.prediction.finding.find`.
            top, say: as for `builder.prediction.classifier.classify`.
            collect: called with each explanation.

        Raises:
            FileError: the folder cannot be written.
        """
        classifier = open_classifier(self.run)()
        maps = maps_of(self.run, self.target)
        waiting: list[Explanation] = []
        for one in scored(classifier, pictures, say):
            prediction = one.prediction(classifier.class_names, top)
            if one.picture is None or one.shares is None:
                collect(Explanation(one.path, error=one.error))
            else:
                (found,) = maps(one.picture[None], [int(one.shares.argmax())])
                ((predicted, share), *_) = prediction.classes
                method, layer = self.target.method, self.target.layer
                waiting.append(Explanation(one.path, predicted, share, one.picture, found, method, layer))
                collect(waiting[-1])
            if len(waiting) == PER_SHEET:
                self._draw(waiting)
                waiting = []
            yield prediction
        self._draw(waiting)
        if (
            self.files
            and self.folder is not None
            and filters.draw(self.folder / FILTERS, self.run.spec, self.run.model_weights)
        ):
            self.files.append(FILTERS)

    def _draw(self, some: Sequence[Explanation]) -> None:
        """Writes a sheet of some explanations, if there are any and it is asked for."""
        if not some or self.folder is None:
            return
        from builder.explanation import sheets  # it imports Matplotlib

        cells = [
            sheets.Cell(
                one.picture, one.map, (os.path.basename(one.path), f"predicted: {one.predicted}, {one.probability:.1%}")
            )
            for one in some
            if one.picture is not None and one.map is not None
        ]
        self.files.append(f"{SHEET}-{len(self.files) + 1}.png" if self.files else f"{SHEET}.png")
        title = f"{self.run.spec.name}: what speaks for the class that it predicts"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # a disk that is full or cannot be written, which permissions do not show
            raise _cannot_hold(self.folder, error) from error
        sheets.draw(self.folder / self.files[-1], title, self.target.in_words, cells)


def maps_of(run: Run, target: Target) -> Callable[[np.ndarray, Sequence[int]], np.ndarray]:
    """The function from pictures, uint8 (batch, height, width, channels), and their classes to maps, float32 (batch,
    rows, columns), by the best model of a run."""
    import tensorflow as tf

    from builder.explanation.maps import map_function

    pixels = run.model.get_layer("pixels")
    look: MapFunction = map_function(run.model.get_layer(run.spec.name), target)

    def maps(pictures: np.ndarray, classes: Sequence[int]) -> np.ndarray:
        inputs = pixels(tf.cast(pictures, tf.float32))
        return look(inputs, tf.constant(classes, tf.int64))[1].numpy()

    return maps
