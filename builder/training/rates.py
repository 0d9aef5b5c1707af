"""The learning rate over a training, step by step, and its panel in a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from archspec.palette import LIGHT
from archspec.recipe import Train
from archspec.recipe.monitor import Watch
from archspec.recipe.schedules import Plateau, Step
from archspec.wording import counted
from builder.charts.scales import linear_scale, log_scale

POINTS = 500
"""How many steps of a training are drawn, evenly spread; those of the warm-up come on top."""
WARMUP_POINTS = 100
SAME = 1e-4
"""How far, relative to it, a recorded rate may be from the recipe's: `metrics.csv` has seven digits."""
SPAN = 5
"""From this ratio between the highest and the lowest rate on, those of a schedule with drops are drawn on a logarithmic
axis."""


def learning_rates(recipe: Train, steps: int, at: Sequence[int]) -> list[float]:
    """The learning rates at some steps of a training with `steps` steps in each epoch. A plateau schedule is given
    without its drops, which only the training decides."""
    return [recipe.rate(step, steps) for step in at]


def drawn_steps(recipe: Train, steps: int, epochs: float) -> list[int]:
    """The steps to draw of so many epochs with `steps` steps each: evenly spread, and those of the warm-up, which may
    be shorter than an epoch."""
    last = max(round(epochs * steps) - 1, 0)
    warmup = min(math.ceil(recipe.schedule.warmup * steps), last)
    spread = (round(last * point / (POINTS - 1)) for point in range(POINTS))
    return sorted({*spread, *(round(warmup * point / WARMUP_POINTS) for point in range(WARMUP_POINTS + 1))})


def trained_rates(recipe: Train, rows: Sequence[Mapping[str, float]]) -> tuple[list[float], list[float]]:
    """The learning rates of a training from its first step on, as far as its rows in `metrics.csv` go.

    An epoch whose recorded rate is not the recipe's was trained by another one, before the run was extended; it is
    given as recorded, which is the rate of its last step.

    Returns:
        Epochs, with fractions, and the rate from each on.
    """
    steps = round(rows[-1]["step"] / rows[-1]["epoch"])
    drops, plateau = [0], Watch()
    for row in rows:
        if isinstance(recipe.schedule, Plateau):
            plateau = plateau.update(recipe.schedule, row[recipe.schedule.monitor])
        drops.append(plateau.ran_out)
    ends = [recipe.rate((index + 1) * steps - 1, steps, drops[index]) for index in range(len(rows))]
    is_planned = [
        math.isclose(end, row["learning_rate"], rel_tol=SAME, abs_tol=1e-12)
        for end, row in zip(ends, rows, strict=True)
    ]
    points = [
        (step / steps, recipe.rate(step, steps, drops[step // steps]))
        for step in drawn_steps(recipe, steps, len(rows))
        if is_planned[step // steps]
    ]
    points += [
        ((index + 1) - 1 / steps, row["learning_rate"]) for index, row in enumerate(rows) if not is_planned[index]
    ]
    epochs, rates = zip(*sorted(set(points)), strict=True)
    return [*epochs, float(len(rows))], [*rates, rates[-1]]


def draw_rates(axes: Axes, recipe: Train, epochs: Sequence[float], rates: Sequence[float], line: str = "-") -> None:
    """Draws learning rates in a panel, with the warm-up shaded; a note says how long it is.

    Args:
        axes: the panel.
        recipe: with the schedule.
        epochs, rates: epochs, with fractions, and the rate from each on, the last of which is the end.
        line: Matplotlib's style of the line.
    """
    schedule = recipe.schedule
    if schedule.warmup:
        axes.axvspan(0, min(schedule.warmup, epochs[-1]), color=LIGHT["line"], alpha=0.6, linewidth=0, zorder=0)
    falls_in_steps = isinstance(schedule, Step | Plateau) and min(rates) > 0
    scale = log_scale if falls_in_steps and max(rates) > SPAN * min(rates) else linear_scale
    scale(axes, rates)
    axes.plot(epochs, rates, drawstyle="steps-post", linestyle=line, color=LIGHT["series3"], linewidth=1.6)
    axes.set(title="Learning rate", xlabel="epoch", xlim=(0, epochs[-1]))
    if schedule.warmup:
        axes.set_title(f"warm-up: {_epochs(schedule.warmup)}", loc="right", fontsize=9, color=LIGHT["muted"])


def _epochs(count: float) -> str:
    """A number of epochs in words: `1 epoch`, `0.5 epochs`."""
    return counted(int(count), "epoch") if count == int(count) else f"{count:g} epochs"
