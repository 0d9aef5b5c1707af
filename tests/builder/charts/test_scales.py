"""Ticks: round, few, apart from each other, and inside their axis, over any span."""

import itertools

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from builder.charts.scales import MOST, linear_ticks, log_scale, log_ticks, tick_texts
from builder.charts.style import STYLE

POSITIVE = st.floats(1e-9, 1e9)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.29, 0.51, ["0.30", "0.35", "0.40", "0.45", "0.50"]),
        (0.9, 9.5, ["1", "2", "5"]),
        (2.1, 6.5, ["3", "4", "5", "6"]),
        (0.008, 2.5, ["0.01", "0.03", "0.1", "0.3", "1"]),
        (2e-5, 4, ["1e-4", "0.001", "0.01", "0.1", "1"]),
        (1e-12, 1, ["1e-12", "1e-9", "1e-6", "0.001", "1"]),
    ],
)
def test_logarithmic_ticks(low, high, texts):
    assert tick_texts(log_ticks(low, high)) == texts


@pytest.mark.parametrize(
    ("high", "is_count", "texts"),
    [
        (1, True, ["0", "1"]),
        (2, True, ["0", "1", "2"]),
        (15, True, ["0", "5", "10", "15"]),
        (100, True, ["0", "20", "40", "60", "80", "100"]),
        (0.106, False, ["0", "0.02", "0.04", "0.06", "0.08", "0.10"]),
    ],
)
def test_linear_ticks(high, is_count, texts):
    assert tick_texts(linear_ticks(0, high, is_count=is_count)) == texts


@given(POSITIVE, st.floats(1.02, 1e15))
def test_ticks_are_few_and_inside(low, ratio):
    high = low * ratio
    for ticks in (log_ticks(low, high), linear_ticks(low, high)):
        room = 1e-6 * (high - low)  # of rounding
        assert 2 <= len(ticks) <= MOST
        assert ticks == sorted(ticks) and low - room <= ticks[0] and ticks[-1] <= high + room
        assert len(set(tick_texts(ticks))) == len(ticks)


@pytest.mark.parametrize(
    "values", [[0.3, 0.5], [3, 3e-5], [0.5], [0, 0], [0, 1e-3, 80], [0.1234, 0.12341], [1e-7, 1e7], []]
)
def test_labels_never_touch(values):
    with matplotlib.rc_context(STYLE):
        figure = Figure((3, 2.5))
        canvas, axes = FigureCanvasAgg(figure), figure.subplots()
        log_scale(axes, values)
        canvas.draw()
        boxes = [label.get_window_extent() for label in axes.get_yticklabels() if label.get_text()]
    assert len(boxes) >= 2
    assert all(one.y1 <= other.y0 for one, other in itertools.pairwise(boxes))
    if values and min(values) == 0:
        assert axes.get_yticklabels()[0].get_text() == "0"
