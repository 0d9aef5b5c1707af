"""A chart as an element of a page."""

import re

import matplotlib
from matplotlib.figure import Figure

from archspec.palette import LIGHT
from builder.charts.style import STYLE
from builder.charts.svg import svg


def drawn():
    with matplotlib.rc_context(STYLE):
        figure = Figure((3, 2))
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=LIGHT["series1"], gid="one")
        axes.plot([0, 1], [1, 0], color=LIGHT["shade6"], gid="two:left")
        axes.plot([0, 1], [1, 1], gid="three")
    return figure


def test_marks_have_their_texts():
    text = svg(drawn(), "chart", marks={"one": "<first> & only", "two": "second"})
    assert '<g id="chart-one" class="mark" data-mark="one"><title>&lt;first&gt; &amp; only</title>' in text
    assert '<g id="chart-two:left" class="mark" data-mark="two"><title>second</title>' in text
    assert '<g id="chart-three">' in text and text.count("<title>") == 2


def test_all_colours_are_those_of_the_page():
    text = svg(drawn(), "chart")
    assert "var(--series1)" in text and "var(--shade6)" in text and not re.search(r"#[0-9a-f]{6}", text)
    assert text == svg(drawn(), "chart")
