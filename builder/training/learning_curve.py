"""`learning_curve.png`: loss, error and learning rate of a training, by epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from archspec.palette import LIGHT
from archspec.recipe import Train
from archspec.wording import printable
from builder.charts.scales import foot, linear_scale, linear_ticks, log_scale
from builder.charts.style import STYLE
from builder.system.files import replacing
from builder.training.rates import draw_rates, trained_rates

MARGINS = {"left": 0.06, "right": 0.985, "bottom": 0.125, "top": 0.76, "wspace": 0.22}
"""The margins of the picture, as shares of its size."""
MARKED = 30
"""Up to this many epochs, each has a mark, so that the only one of a short run is seen too."""
SPAN = 5
"""From this ratio between the highest and the lowest error on, the error has a logarithmic axis."""


def draw(path: Path, name: str, rows: Sequence[Mapping[str, float]], best: Mapping[str, float], recipe: Train) -> None:
    """Writes the PNG of `learning_curve`."""
    with matplotlib.rc_context(STYLE), replacing(path) as temporary:
        FigureCanvasAgg(learning_curve(name, rows, best, recipe)).print_png(temporary)


def learning_curve(name: str, rows: Sequence[Mapping[str, float]], best: Mapping[str, float], recipe: Train) -> Figure:
    """Draws loss, error and learning rate by epoch, to be saved in the style of charts.

    Loss and error have logarithmic axes where they span much, so that the late epochs are not squeezed by the first.

    Args:
        name: the network's.
        rows: those of `metrics.csv`, at least one.
        best: the row of the epoch whose weights are saved.
        recipe: what the training followed.
    """
    figure = Figure(figsize=(10, 3.9), dpi=120)
    # Measuring all text to lay it out takes three times as long as drawing, which short trials of a sweep notice.
    loss, error, rate = figure.subplots(1, 3, gridspec_kw=MARGINS)
    _draw_metric(loss, "Loss", "loss", rows, best, lambda value: value)
    _draw_metric(error, "Top-1 error, %", "accuracy", rows, best, _error)
    draw_rates(rate, recipe, *trained_rates(recipe, rows))
    for axes in (loss, error, rate):
        axes.set(xlim=(0, 1.015 * len(rows)), xlabel="epoch")
        axes.set_xticks(linear_ticks(0, len(rows), is_count=True))
    head: dict[str, Any] = {"x": MARGINS["left"], "va": "center", "parse_math": False}
    figure.text(y=0.945, s=printable(name), fontsize=13, fontweight="bold", **head)
    result = f"loss {best['val_loss']:.4g}, top-1 error {_error(best['val_accuracy']):.2f} %"
    text = f"best epoch: {best['epoch']:.0f} of {len(rows)}, validation {result}"
    figure.text(y=0.875, s=text, fontsize=9.5, color=LIGHT["muted"], **head)
    place: dict[str, Any] = {"loc": "center right", "bbox_to_anchor": (MARGINS["right"], 0.925), "borderaxespad": 0}
    figure.legend(*loss.get_legend_handles_labels(), ncols=3, fontsize=9.5, columnspacing=1.6, **place)
    return figure


def _error(accuracy: float) -> float:
    """The top-1 error in per cent."""
    return 100 * (1 - accuracy)


def _draw_metric(
    axes: Axes,
    title: str,
    metric: str,
    rows: Sequence[Mapping[str, float]],
    best: Mapping[str, float],
    shown: Callable[[float], float],
) -> None:
    """Draws a metric of the training and of the validation pictures, and a ring at the best epoch."""
    epochs = [row["epoch"] for row in rows]
    training, validation = ([shown(row[f"{prefix}{metric}"]) for row in rows] for prefix in ("", "val_"))
    values = [*training, *validation]
    is_logarithmic = metric == "loss" or max(values) > SPAN * foot(values)
    (log_scale if is_logarithmic else linear_scale)(axes, values)
    least = foot(values) if is_logarithmic else 0.0  # where zeros are drawn
    marker = "o" if len(rows) <= MARKED else None
    for label, line, color in (("training", training, "series1"), ("validation", validation, "series2")):
        style: dict[str, Any] = {"linestyle": (0, (4, 1.5)), "linewidth": 1.3}
        if label == "validation":
            style = {"linewidth": 1.8}
        line = [max(value, least) for value in line]
        axes.plot(epochs, line, label=label, color=LIGHT[color], marker=marker, markersize=3, **style)
    ring: dict[str, Any] = {"markeredgewidth": 1.6, "markeredgecolor": LIGHT["ink"], "markerfacecolor": "none"}
    height = max(shown(best[f"val_{metric}"]), least)
    axes.plot(best["epoch"], height, "o", label="best epoch", markersize=8, zorder=5, clip_on=False, **ring)
    axes.set_title(title)
