"""The figures of a search, by what they show."""

import dataclasses

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import archspec
from archspec.candidates.check import Checker
from builder.charts.style import STYLE
from builder.sweep.records import COMPLETED, Execution, Files, Trial
from builder.sweep.report import marks
from builder.sweep.report.figures import figures
from builder.sweep.results import Outcome, Results
from tests.builder.sweep.searches import write

SPACE = {
    "width": {"int": [2, 12]},
    "rate": {"float": [0.001, 1], "log": True},
    "train.batch_size": {"choice": [32, 64, 128, 256]},
    "train.weight_decay": {"float": [1e-6, 1e-2], "log": True},
    "train.label_smoothing": {"float": [0, 0.2]},
    "train.seed": {"int": [0, 5]},
    "train.clip_norm": {"float": [0.5, 5]},
    "train.optimizer.sgd.momentum": {"float": [0.5, 0.99]},
    "train.deterministic": {"bool": True},
}


def results_of(folder, space, count, direction="max"):
    """Made-up trials: the objective grows with the width, and so does the time."""
    search = Checker(archspec.load(write(folder, space=space))).search
    search = dataclasses.replace(search, objective=dataclasses.replace(search.objective, direction=direction))
    outcomes = []
    for number in range(1, count + 1):
        name, width = f"{number:04}", 2 + number % 11
        values = {"width": width, "rate": 0.01 * number, "train.batch_size": 64, "train.weight_decay": 1e-4}
        values |= {"train.label_smoothing": 0.1, "train.seed": 1, "train.clip_norm": 1.0}
        values |= {"train.optimizer.sgd.momentum": 0.9, "train.deterministic": True}
        trial = Trial(name, {key: values[key] for key in space}, 100 * width + number, 10 * width, name, 2)
        time = {"seconds": 2.0 * width, "wall_seconds": 2.0 * width + 3}
        record = Execution(name, 1, COMPLETED, 0.5 + width / 50 + number / 1000, epochs=2, best_epoch=1, **time)
        outcomes.append(Outcome(trial, [record], 1, direction))
    return Results(Files(folder), search, outcomes, {})


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return results_of(tmp_path_factory.mktemp("many"), SPACE, 40)


def texts(figure):
    """The texts of a figure's axes with their boxes, as they are drawn."""
    with matplotlib.rc_context(STYLE):
        FigureCanvasAgg(figure).draw()
        return [(one.get_text(), one.get_window_extent()) for axes in figure.axes for one in axes.texts]


def test_the_trials_of_the_fronts_carry_their_numbers(many):
    figure = figures(many)["pareto"]
    for axes, size in zip(figure.axes, ("trainable_parameters", "macs"), strict=False):
        shown = {one.get_text() for one in axes.texts}
        assert {marks.number(one) for one in many.fronts()[size]} <= shown
    found = [[box for text, box in texts(figure) if box.overlaps(axes.bbox)] for axes in figure.axes]
    assert all(not a.overlaps(b) for boxes in found for number, a in enumerate(boxes) for b in boxes[:number])
    assert [axes.get_xlabel() for axes in figure.axes] == ["trainable parameters", "MACs", "time of training, s"]


@pytest.mark.parametrize("direction", ["max", "min"])
def test_a_front_of_one_trial_is_drawn(direction, tmp_path):
    results = results_of(tmp_path, {"width": SPACE["width"]}, 1, direction)
    drawn = figures(results)
    assert [text for text, _ in texts(drawn["pareto"])] == ["1", "1", "1"]
    assert texts(drawn["parallel_coordinates"])


def test_many_axes_fit_the_page_with_the_objective_first(many):
    figure = figures(many)["parallel_coordinates"]
    (axes,) = figure.axes
    assert figure.get_figwidth() == marks.WIDTH
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[:3] == ["val_accuracy", "trainable.parameters", "width"] and len(names) == len(SPACE) + 2
    shown = texts(figure)
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for _, box in shown)
    gids = {line.get_gid() for line in axes.lines}
    assert {marks.gid(one) for one in many.finished()} <= gids


def test_each_trial_has_its_time(many):
    (axes,) = figures(many)["times"].axes
    heights = [(bar.get_gid(), round(bar.get_height(), 6)) for bar in axes.patches]
    assert heights[:2] == [("trial-0001:training", 6), ("trial-0001:rest", 3)] and len(heights) == 80


def test_the_text_of_a_trial_has_its_values(many):
    text = marks.texts(many)["trial-0001"]
    assert text.splitlines()[:4] == ["Trial 0001", "val_accuracy 0.5610", "width = 3", "rate = 0.01"]
    assert text.endswith("301 trainable parameters, 30 MACs\n2 epochs in 0:06 of training")
