"""The report of a search."""

import re

from archspec import palette

FIGURE = r'<div class="wide figure">(<svg.*?</svg>)'


def test_the_report_needs_no_network(finished):
    _, directory, _, _ = finished
    text = (directory / "report.html").read_text()
    assert text.count("<svg") == 4 + 1  # the figures, and the drawing of the best trial's network
    assert text.index("The network of the best trial") < text.index('data-network="tiny"')
    addresses = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert all(
        address.startswith(("http://www.w3.org/", "http://purl.org/", "http://creativecommons"))
        for address in addresses
    )
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_report_shows_no_paths_of_the_machine(finished):
    _, directory, _, _ = finished
    text = (directory / "report.html").read_text()
    assert "The spec of the best trial" in text and f"of {directory.name}: val_accuracy" in text
    assert str(directory.parent) not in text


def test_the_report_leads_to_the_runs_of_all_trials(finished):
    _, directory, results, _ = finished
    text = (directory / "report.html").read_text()
    links = re.findall(r'<a href="([^"]+)">(\w+)</a>', text)
    assert all((directory / address).exists() for address, _ in links)
    for one in results.outcomes:
        assert (f"trials/{one.trial.id}/run-1/", one.trial.id) in links
        assert (f"trials/{one.trial.id}/run-1/learning_curve.png", "curve") in links


def test_each_trial_says_its_values_in_each_figure_and_in_the_table(finished):
    _, directory, results, _ = finished
    text = (directory / "report.html").read_text()
    figures = re.findall(FIGURE, text, re.DOTALL)
    for one in results.finished():
        mark = f'data-mark="trial-{one.trial.id}"'
        assert all(mark in figure for figure in figures) and f"<tr {mark}" in text.replace(' class="best"', "")
        assert f"<title>Trial {one.trial.id}\nval_accuracy {one.objective:.4f}\nwidth = " in text


def test_the_figures_have_no_colours_of_their_own(finished):
    """So that they are readable on a dark background too."""
    _, directory, _, _ = finished
    text = (directory / "report.html").read_text()
    figures = "".join(re.findall(FIGURE, text, re.DOTALL))
    assert not re.search(r"#[0-9a-f]{6}", figures)
    assert set(re.findall(r"var\(--(\w+)\)", figures)) <= palette.LIGHT.keys()
