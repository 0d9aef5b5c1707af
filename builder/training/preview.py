"""Draws what a training will see: augmented pictures with their labels, evaluation pictures, and learning rates."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from pathlib import Path

import matplotlib
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from archspec import Spec
from archspec.errors import file_problem
from archspec.network import SpecLike, as_spec
from archspec.palette import LIGHT
from archspec.recipe import Train
from archspec.recipe.augment import NAMES
from archspec.recipe.schedules import Plateau
from archspec.spec.addresses import recipe_of
from archspec.wording import counted, printable
from builder.charts.style import STYLE
from builder.data import Data, load_data
from builder.data.batches import steps_per_epoch, training_batches
from builder.data.pipeline import validation_pictures
from builder.data.splits import labels_of
from builder.distribution.strategy import one_device
from builder.pictures.grid import DPI, Grid, brightening, draw_grid, white_level
from builder.system.files import replacing
from builder.system.terminal import Say
from builder.training.batch_size import estimate
from builder.training.rates import draw_rates, drawn_steps, learning_rates

COLUMNS, EVALUATION_COLUMNS = 8, 4
MOST_COLUMNS, MOST_ROWS = 12, 13
"""How far the evaluation pictures grow so that every class is among them."""
CELL = 1.1
"""The width of a picture, in inches."""
HEAD, LABEL, CURVE = 0.4, 0.32, 2.6
"""The height of a title, of a label and of the curve, in inches."""
LONGEST_LABEL = 20
"""The number of characters that fit below a picture."""

Example = tuple[np.ndarray, np.ndarray]
"""A picture, uint8 (height, width, channels), and its label: a number, or the share of each class."""


def preview(
    spec: SpecLike,
    out: str | os.PathLike[str],
    count: int = 32,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
) -> Path:
    """Draws the first training pictures of a spec as they come out of augmentation, with their labels, the evaluation
    pictures beside them, and the learning rate over the epochs below.

    Args:
        spec: a spec with a `train` section: a `Spec`, its path or shipped name, or its data as a mapping.
        out: a PNG file; one that exists is replaced, when the new one is complete.
        count: how many training pictures.
        data_dir: where TFDS keeps prepared data sets.
        say: takes lines of progress, if loading the data takes long.

    Raises:
        UserError: no `train` section, data that does not exist or fit, or a file that cannot be written.
    """
    spec = as_spec(spec)
    recipe, path = recipe_of(spec), _writable(out)
    data = load_data(spec, data_dir=data_dir, say=say)
    if recipe.is_automatic:
        choice = estimate(spec, data, one_device())
        recipe = replace(recipe, batch_size=choice.batch_size)
        say(f"{choice.line}; a training on more devices may choose another")
    count = min(count, data.train_count)
    classes = len(data.class_names)
    rows = max(math.ceil(count / COLUMNS), min(math.ceil(classes / MOST_COLUMNS), MOST_ROWS))
    columns = max(EVALUATION_COLUMNS, min(math.ceil(classes / rows), MOST_COLUMNS))

    shown = training_examples(data, recipe, count)
    held_out = validation_examples(data, recipe, rows * columns)
    with matplotlib.rc_context(STYLE):
        figure = _draw(spec, recipe, data, shown, held_out, (rows, columns))
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png")
    return path


def _writable(out: str | os.PathLike[str]) -> Path:
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise file_problem(path, "the picture is a PNG; give it a name that ends in .png")
    if path.is_dir():
        raise file_problem(path, "is a directory; give the name of a file in it")
    if not path.parent.is_dir():
        raise file_problem(path, f"cannot be written: there is no directory {path.parent}")
    return path


# -- what is shown ---------------------------------------------------------------------------------------------------


def training_examples(data: Data, recipe: Train, count: int) -> list[Example]:
    """The first pictures and labels of the first epoch, as the network will receive them."""
    return _first(training_batches(data, recipe, recipe.global_batch), count)


def validation_examples(data: Data, recipe: Train, count: int) -> list[Example]:
    """Pictures and labels of the validation split: the first of each class, then the second of each, and so on."""
    labels = labels_of(data.validation)
    numbers = of_every_class(labels, count)
    pictures = validation_pictures(data, numbers, recipe.resizing)
    return [(picture, np.asarray(labels[number])) for picture, number in zip(pictures, numbers, strict=True)]


def of_every_class(labels: np.ndarray, count: int) -> list[int]:
    """The numbers of at most `count` pictures, with every class as often as the others, as far as there are pictures.

    Where there are more classes than pictures to show, those shown are evenly spread.
    """
    by_class = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    if len(by_class) > count:
        by_class = [by_class[i * len(by_class) // count] for i in range(count)]
    rounds = (number for some in zip_longest(*by_class) for number in some if number is not None)
    return list(islice(rounds, count))


def _first(batches: tf.data.Dataset, count: int) -> list[Example]:
    pairs = (
        example
        for pictures, labels, *_ in batches.as_numpy_iterator()
        for example in zip(pictures, labels, strict=True)
    )
    return list(islice(pairs, count))


def label_text(label: np.ndarray, names: Sequence[str]) -> str:
    """The text below a picture: `cat`, or `cat 0.7 / dog 0.3` for a mixed label, in two lines if it is long."""
    if label.ndim == 0:
        return _short(names[int(label)], LONGEST_LABEL)
    rounded = zip((round(share, 2) for share in label.tolist()), names, strict=True)
    shares = sorted(((share, name) for share, name in rounded if share > 0), reverse=True)
    if len(shares) == 1:
        return _short(shares[0][1], LONGEST_LABEL)
    parts = [f"{_short(name, LONGEST_LABEL - 5)} {share:g}" for share, name in shares]
    line = " / ".join(parts)
    return line if len(line) <= LONGEST_LABEL else " /\n".join(parts)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 3]}..."


# -- drawing ---------------------------------------------------------------------------------------------------------


def _draw(
    spec: Spec, recipe: Train, data: Data, shown: list[Example], held_out: list[Example], cells: tuple[int, int]
) -> Figure:
    rows, columns = cells
    heights = HEAD, rows * (CELL + LABEL) + HEAD, CURVE
    figure = Figure(((COLUMNS + columns) * CELL * 1.08, sum(heights)), dpi=DPI)
    head, pictures, curve = figure.subfigures(3, 1, squeeze=False, height_ratios=heights).ravel()
    left, right = pictures.subfigures(1, 2, squeeze=False, width_ratios=[COLUMNS, columns]).ravel()
    white = white_level(picture for picture, _ in held_out)
    pictures_of = f"{data.train_count:,} + {data.validation_count:,} pictures"
    title = f"{spec.name}: {data.name}, {pictures_of}{brightening(white)}"
    head.text(0.5, 0.5, printable(title), fontsize=13, ha="center", va="center", parse_math=False)
    applied = ", ".join(NAMES[type(options)] for options in recipe.augment)
    grid = Grid(rows, COLUMNS, CELL, LABEL, HEAD, gap=0.08)
    _captioned(left, grid, f"Training: {applied or 'not augmented'}", shown, data.class_names, white)
    seen, classes = len({int(label) for _, label in held_out}), len(data.class_names)
    evaluation = "Evaluation" if seen == classes else f"Evaluation: {seen:,} of {counted(classes, 'class', 'classes')}"
    _captioned(right, replace(grid, columns=columns), evaluation, held_out, data.class_names, white)
    _curve(curve.subplots(gridspec_kw={"left": 0.06, "right": 0.98, "bottom": 0.22, "top": 0.86}), recipe, data)
    return figure


def _captioned(
    figure: SubFigure, grid: Grid, title: str, examples: list[Example], names: Sequence[str], white: int
) -> None:
    cells = draw_grid(figure, grid, title, [picture for picture, _ in examples], white, 11)
    for axis, (_, label) in zip(cells, examples, strict=False):
        text, place = label_text(label, names), axis.transAxes
        axis.text(0.5, -0.04, text, fontsize=7, ha="center", va="top", transform=place, parse_math=False)


def _curve(axis: Axes, recipe: Train, data: Data) -> None:
    schedule, steps = recipe.schedule, steps_per_epoch(data, recipe)
    at = drawn_steps(recipe, steps, recipe.epochs)
    rates = learning_rates(recipe, steps, at)
    is_plateau = isinstance(schedule, Plateau)
    epochs = [*(step / steps for step in at), float(recipe.epochs)]
    draw_rates(axis, recipe, epochs, [*rates, rates[-1]], "--" if is_plateau else "-")
    if isinstance(schedule, Plateau):
        text = (
            f"times {schedule.factor:g} whenever {schedule.monitor} has not improved for "
            f"{counted(schedule.patience, 'epoch')}: when, the training decides"
        )
        axis.text(0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes, backgroundcolor=LIGHT["paper"])
