"""Hints on networks that are valid and probably not meant."""

from html import escape

import pytest

import archspec
from archspec import report
from archspec.graph.hints import hints

SPEC = """
name: small
model:
  input: [8, 8, 3]
  layers:
    - {conv: {filters: 4, kernel: 3}}
    - {batch_norm: {momentum: MOMENTUM}}
    - {conv: {filters: 4, kernel: 3}}
    - {batch_norm: {momentum: MOMENTUM}}
    - global_avg_pool
    - {dense: {units: 2}}
"""


def network(momentum):
    return archspec.loads(SPEC.replace("MOMENTUM", str(momentum)))


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.99, 0.9997])
def test_usual_momenta_get_none(momentum):
    assert hints(network(momentum).graph) == ()


@pytest.mark.parametrize(("momentum", "ours"), [(0.1, "0.9"), (0.01, "0.99"), (0, "1")])
def test_a_momentum_of_pytorch_is_explained(momentum, ours):
    (hint,) = hints(network(momentum).graph)
    assert hint == (
        f"batch_norm's momentum of {momentum} (batch_norm1, batch_norm2) is the share of the moving averages that each "
        "step keeps, as in Keras (0.99 by default); PyTorch's momentum is the share that each step replaces (0.1 by "
        f"default), and its {momentum} is {ours} here"
    )


def test_summaries_show_hints():
    one, other = report.summarise(network(0.1)), report.summarise(network(0.9))
    (hint,) = one.hints
    assert report.table(one).replace("\n", " ").endswith(f"hint: {hint}")
    assert report.table(one, markdown=True).endswith(f"\n\nHint: {hint}.")
    assert report.comparison([one, other]).replace("\n", " ").endswith(f"hint: small: {hint}")
    assert one.to_json()["hints"] == [hint] and "hints" not in other.to_json()
    assert f"<p>Hint: {escape(hint)}.</p>" in one._repr_html_()
