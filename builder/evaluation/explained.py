"""The most confident mistakes of a run, with what in each picture spoke for the wrong class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from archspec.errors import argument_problem
from archspec.recipe.resizing import Resizing
from builder.data import Data
from builder.data.pipeline import validation_pictures
from builder.evaluation.metrics import confident_mistakes
from builder.evaluation.report import picture_captions
from builder.evaluation.result import Evaluation
from builder.explanation import sheets
from builder.explanation.explainer import PER_SHEET, maps_of, open_target
from builder.explanation.targets import Target
from builder.runs.run import Run

FILE = "mistakes_explained.png"


def target_of_runs(opened: Sequence[Run], directory: Path | None) -> Target:
    """Where the network of a run is looked into.

    Args:
        opened: the runs, of which there has to be one.
        directory: where files go.

    Raises:
        UserError: there are several runs, no files are written, or the network has no feature map.
    """
    if len(opened) > 1 or directory is None:
        raise argument_problem("--explain", "looks into one network, and several runs are an ensemble; name one run")
    return open_target(opened[0])[1]


def draw(directory: Path, evaluation: Evaluation, run: Run, target: Target, data: Data, resizing: Resizing) -> bool:
    """Writes `FILE`: the central view of each of the most confident mistakes, and the map of the class that it was
    taken for.

    Returns:
        Whether there were mistakes to draw.

    Raises:
        FileError: the directory cannot be written.
    """
    names, predicted = evaluation.class_names, evaluation.predicted
    wrong = confident_mistakes(evaluation.labels, evaluation.log_probabilities, PER_SHEET)
    if not len(wrong):
        return False
    maps = maps_of(run, target)
    captions = picture_captions(data)
    cells = []
    for number, picture in zip(wrong, validation_pictures(data, wrong, resizing), strict=True):
        name = os.path.basename(captions[number])
        label, guess = names[evaluation.labels[number]], names[predicted[number]]
        share = np.exp(evaluation.log_probabilities[number].max())
        (found,) = maps(picture[np.newaxis], [int(predicted[number])])
        cells.append(sheets.Cell(picture, found, (name, f"{label}, taken for {guess}, {share:.1%}")))
    title = f"{run.spec.name} on {data.name}: what spoke for the wrong class in its most confident mistakes"
    sheets.draw(directory / FILE, title, target.in_words, cells)
    return True
