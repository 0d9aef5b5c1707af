"""The numbers that a drawing gives a shade to, `--by`, and those of its tooltips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from archspec import tables
from archspec.drawing.labels import Caption, amount, caption, declared, times
from archspec.drawing.outline import Outline
from archspec.drawing.views import View

By = Literal["macs", "parameters", "memory", "field"]


@dataclass(frozen=True)
class Measure:
    """A number of parts.

    Attributes:
        title: what it is and what it is a share of, as a note below a drawing says it.
        of: the number of a view.
        whole: what it is a share of.
        shown: the number in words.
    """

    title: str
    of: Callable[[View], int]
    whole: Callable[[Outline], int]
    shown: Callable[[int], str]

    def share(self, view: View, outlined: Outline) -> float:
        """The share of a view, at most 1."""
        return min(1.0, self.of(view) / max(1, self.whole(outlined)))


MEASURES: Mapping[str, Measure] = {
    "macs": Measure(
        "multiply-accumulates of one picture and their share of the whole",
        lambda view: view.macs,
        lambda outlined: outlined.root.macs,
        tables.compact,
    ),
    "parameters": Measure(
        "parameters and their share of the whole",
        lambda view: view.parameters,
        lambda outlined: outlined.root.parameters,
        tables.compact,
    ),
    "memory": Measure(
        "memory of the outputs of one picture, in float32, and its share of the whole",
        lambda view: view.memory,
        lambda outlined: outlined.root.memory,
        tables.size,
    ),
    "field": Measure(
        "receptive field in pixels and its share of the picture's side",
        lambda view: max(view.part.field),
        lambda outlined: max(outlined.analysis.input[:2]),
        str,
    ),
}
"""What the boxes of a drawing may be shaded by, by the word for it."""


def caption_by(by: str, outlined: Outline) -> Callable[[View], Caption]:
    """The words on boxes that are shaded by a number: that number, and its share."""
    measure = MEASURES[by]

    def written(view: View) -> Caption:
        words, count = caption(view), measure.of(view)
        if not count or words.kind == "merge":
            return replace(words, numbers="")
        return replace(words, numbers=f"{measure.shown(count)} · {percent(measure.share(view, outlined))}")

    return written


def percent(share: float) -> str:
    """A share in per cent, with two figures where it is small."""
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def description(view: View) -> str:
    """All numbers of a part, for a tooltip: a line each."""
    part = view.part
    what = f"{part.path} ({caption(view).title}{f', {declared(part)}' if declared(part) else ''})"
    if not part.is_layer:
        what = f"{part.path or 'network'}: {part.stop - part.start:,} operations"
    if view.times > 1:
        what += f", {view.times} times: to {view.copies[-1]}"
    counts = [f"{view.parameters:,} parameters", f"{view.macs:,} MACs"]
    stride = "" if part.stride is None else f", stride {amount(part.stride)}"
    return "\n".join(
        [
            what,
            f"{times(part.shape_in)} → {times(part.shape)}",
            ", ".join(counts),
            f"{tables.size(view.memory)} of outputs",
            f"receptive field {times(part.field)}{stride}",
        ]
    )
