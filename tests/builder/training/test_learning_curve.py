"""The picture of a training, and the learning rates in it."""

import dataclasses

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from archspec.recipe import Train
from archspec.recipe.data import Digits
from archspec.recipe.schedules import Constant, Cosine, Plateau
from builder.charts.style import STYLE
from builder.training.learning_curve import draw, learning_curve
from builder.training.rates import trained_rates

STEPS = 10


def recipe_of(schedule, epochs):
    return Train(data=Digits(), epochs=epochs, learning_rate=schedule)


def rows_of(recipe, epochs, loss=(2.0, 0.5), error=(0.5, 0.1), drops=0):
    """Rows whose loss and error fall evenly from the first value to the last."""
    rows = []
    for epoch in range(1, epochs + 1):
        share = (epoch - 1) / max(epochs - 1, 1)
        losses, errors = (
            (first * (last / first) ** share if last else first * (1 - share)) for first, last in (loss, error)
        )
        metrics = {"loss": losses, "accuracy": 1 - errors, "val_loss": losses, "val_accuracy": 1 - errors}
        rate = recipe.rate(epoch * STEPS - 1, STEPS, drops)
        rows.append({"epoch": epoch, "step": epoch * STEPS, **metrics, "learning_rate": float(f"{rate:.7g}")})
    return rows


def panels(rows, recipe):
    """The three panels of the picture, with the texts at their y axes, as they are drawn."""
    with matplotlib.rc_context(STYLE):
        figure = learning_curve("small", rows, rows[-1], recipe)
        FigureCanvasAgg(figure).draw()
        return [([label.get_text() for label in axes.get_yticklabels()], axes) for axes in figure.axes]


@pytest.mark.parametrize(
    ("loss", "error", "ticks"),
    [
        ((0.5, 0.3), (0.3, 0.2), (["0.30", "0.35", "0.40", "0.45", "0.50"], ["0", "10", "20", "30"])),
        ((3, 3e-5), (0.8, 0.01), (["1e-4", "0.001", "0.01", "0.1", "1"], ["1", "3", "10", "30", "100"])),
        ((2.3, 0.04), (0.75, 0), (["0.05", "0.1", "0.2", "0.5", "1", "2"], None)),
    ],
)
def test_ticks_are_readable_whatever_is_spanned(loss, error, ticks):
    recipe = recipe_of(0.1, 30)
    found = panels(rows_of(recipe, 30, loss, error), recipe)
    assert found[0][0] == ticks[0] and ticks[1] in (None, found[1][0])
    if error[1] == 0:  # no logarithm: it stands at the foot of the axis, which says so
        texts, axes = found[1]
        assert texts[0] == "0" and axes.get_ylim()[0] < axes.lines[1].get_ydata()[-1] == axes.get_yticks()[0]


def test_no_error_at_all_is_drawn_at_zero():
    recipe = recipe_of(0.1, 3)
    for errors in ([0, 0, 0], [0, 0.001, 0]):
        rows = rows_of(recipe, 3)
        for row, error in zip(rows, errors, strict=True):
            row |= {"accuracy": 1.0, "val_accuracy": 1 - error}
        _, axes = panels(rows, recipe)[1]
        heights = axes.transAxes.inverted().transform(axes.transData.transform(axes.lines[0].get_xydata()))[:, 1]
        assert heights.max() < 0.1 and axes.get_yticklabels()[0].get_text() == "0"


def test_late_epochs_are_not_squeezed_by_the_first():
    recipe = recipe_of(0.1, 20)
    rows = rows_of(recipe, 20, error=(0.02, 0.01))
    rows[0] |= {"val_accuracy": 0.1, "accuracy": 0.1}
    _, axes = panels(rows, recipe)[1]
    height = axes.transAxes.inverted().transform(axes.transData.transform([(1, 1), (1, 2)]))[:, 1]
    assert height[1] - height[0] > 0.1  # 2 % of error against 1 %; with 90 % on the axis, it would be a hundredth of it


@pytest.mark.parametrize("epochs", [1, 2, 100])
def test_any_number_of_epochs_is_drawn(epochs, tmp_path):
    recipe = recipe_of(Cosine(base=0.1, warmup=0.5), epochs)
    rows = rows_of(recipe, epochs)
    draw(tmp_path / "curve.png", "a name of $ and _", rows, rows[0], recipe)
    assert imread(tmp_path / "curve.png").shape == (468, 1200, 4)
    for _, axes in panels(rows, recipe):
        assert axes.get_xlim() == (0, 1.015 * epochs) and axes.get_xticks()[0] == 0


def test_a_warm_up_shorter_than_an_epoch_is_seen():
    recipe = recipe_of(Constant(base=0.1, warmup=0.5), 2)
    epochs, rates = trained_rates(recipe, rows_of(recipe, 2))
    assert epochs[:6] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert rates[:6] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
    assert (epochs[-1], rates[-1]) == (2, 0.1)
    _, axes = panels(rows_of(recipe, 2), recipe)[2]
    assert axes.get_title(loc="right") == "warm-up: 0.5 epochs"


def test_the_drops_of_a_plateau_are_those_of_the_training():
    recipe = recipe_of(Plateau(base=0.1, patience=2), 6)
    rows = rows_of(recipe, 6, error=(0.5, 0.5))
    for row, rate in zip(rows, [0.1, 0.1, 0.1, 0.01, 0.01, 0.001], strict=True):
        row["learning_rate"] = rate
    epochs, rates = trained_rates(recipe, rows)
    changes = [
        (epoch, rate) for epoch, rate, before in zip(epochs[1:], rates[1:], rates, strict=False) if rate != before
    ]
    assert changes == [(3, pytest.approx(0.01)), (5, pytest.approx(0.001))]


def test_epochs_from_before_an_extension_are_drawn_as_they_were():
    before, after = (recipe_of(Cosine(base=0.1), epochs) for epochs in (4, 8))
    rows = [*rows_of(before, 4)[:3], *rows_of(after, 8)[3:]]
    epochs, rates = trained_rates(after, rows)
    early = [(epoch, rate) for epoch, rate in zip(epochs, rates, strict=True) if epoch < 3]
    assert early == [(number - 0.1, rows[number - 1]["learning_rate"]) for number in (1, 2, 3)]
    late = dict(zip(epochs, rates, strict=True))
    assert late[3.0] == pytest.approx(dataclasses.replace(after).rate(30, STEPS))
