"""An analysis for people and programs: a table of layers with totals, several networks side by side, HTML, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from archspec import tables
from archspec.analysis import Analysis, LayerAnalysis, analyse_graph
from archspec.errors import UserError
from archspec.graph.graph import Graph
from archspec.graph.hints import hints
from archspec.nesting import Nested, nested
from archspec.ops import show
from archspec.receptive_fields import Distance
from archspec.recipe.numbers import ACTIVATION_BYTES
from archspec.segments import rematerialized_elements

if TYPE_CHECKING:  # a spec shows itself by its summary
    from archspec.spec.spec import Spec

NONE = "-"
INDENT = "  "
MOST_EXACT = 10**9
"""Counts from here on are rounded in tables, as a terminal has no room for their digits; totals and JSON are exact."""


@dataclass(frozen=True, repr=False)
class Summary:
    """A network's analysis with what its memory is counted for. Its text is a table of layers and totals.

    Attributes:
        analysis: the network's shapes and counts.
        graph: the network, of which a notebook shows a drawing above the table.
        description: one line about the network.
        batch_size: pictures in a training step.
        batch_size_from: where that number comes from, in words.
        precision: of the activations, as in `train.precision`; weights are float32 throughout.
        rematerialized_elements: the most elements of one picture that a training step holds at once, for a recipe with
            `train.rematerialize`; None without it.
        hints: what is probably not meant, a sentence each.
    """

    analysis: Analysis
    graph: Graph
    description: str
    batch_size: int
    batch_size_from: str
    precision: str
    hints: tuple[str, ...] = ()
    rematerialized_elements: int | None = None

    def __str__(self) -> str:
        return table(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self)

    def to_json(self) -> dict[str, Any]:
        """All of the analysis as JSON values, as `convspec summary --json` prints them."""
        return to_json(self)

    @property
    def bytes_per_element(self) -> int:
        """Bytes of one element of an activation."""
        return ACTIVATION_BYTES[self.precision]

    @property
    def inference_bytes(self) -> int:
        """Peak memory of the activations of one picture in inference."""
        return self.analysis.inference_bytes(1, self.bytes_per_element)

    @property
    def training_bytes(self) -> int:
        """Memory of the activations of a training step of `batch_size` pictures."""
        return self.training_bytes_at(self.batch_size)

    def training_bytes_at(self, batch_size: int) -> int:
        """Memory of the activations of a training step of so many pictures."""
        if self.rematerialized_elements is not None:
            return self.rematerialized_elements * batch_size * self.bytes_per_element
        return self.analysis.training_bytes(batch_size, self.bytes_per_element)


def summarise(network: Spec | Graph, batch_size: int | None = None, option: str = "--batch-size") -> Summary:
    """The summary of a network, with memory for `batch_size` pictures, or else for the spec's own batch size, or one
    where the spec has none or `auto`.

    `option` is how the user sets the batch size.
    """
    notes: tuple[str, ...] = ()
    if isinstance(network, Graph):
        graph, train, description = network, None, ""
    else:
        graph, train, description = network.graph, network.train, network.description
        notes = network.hints
    analysis = analyse_graph(network) if isinstance(network, Graph) else network.analysis
    if batch_size is not None:
        batch, source = batch_size, option
    elif train is not None and train.is_automatic:
        batch, source = 1, "train.batch_size is auto"
    elif train is not None:
        batch, source = train.global_batch, "train.batch_size"
    else:
        batch, source = 1, f"see {option}"
    precision = train.precision if train is not None else "float32"
    rematerialized = rematerialized_elements(graph) if train is not None and train.rematerialize else None
    hinted = (*hints(graph), *notes)
    return Summary(analysis, graph, description, batch, source, precision, hinted, rematerialized)


# -- one network -----------------------------------------------------------------------------------------------------

HEADER = ("layer", "operation", "output", "parameters", "MACs", "field", "stride")


def table(summary: Summary, depth: int | None = None, markdown: bool = False) -> str:
    """A table of one row per layer, a row of subtotals above each stage and block, and totals below.

    `depth` folds layers to that many levels of their names.
    """
    analysis = summary.analysis
    rows = [(layer.name if markdown else label, *_cells(layer)) for label, layer in _outline(analysis.layers, depth)]
    if markdown:
        parts = [f"## {analysis.name}", summary.description, tables.markdown(HEADER, rows, text_columns=3)]
        totals = [f"- {label}: {value}{f' ({note})' if note else ''}" for label, value, note in _totals(summary)]
        notes = [f"Hint: {hint}." for hint in summary.hints]
    else:
        title = tables.filled(": ".join(filter(None, (analysis.name, summary.description))))
        parts = [title, tables.plain(HEADER, rows, text_columns=3)]
        totals = _total_lines(_totals(summary))
        notes = [tables.filled(f"hint: {hint}") for hint in summary.hints]
    return "\n\n".join([*filter(None, parts), "\n".join(totals), *notes])


def _outline(layers: Sequence[LayerAnalysis], depth: int | None) -> Iterator[tuple[str, LayerAnalysis]]:
    """The rows as (label, layer): each group's name with its subtotals, then its layers, named relative to it."""
    return _rows(nested([layer.name for layer in layers]), layers, depth, "", 0)


def _rows(
    parts: Sequence[Nested], layers: Sequence[LayerAnalysis], depth: int | None, prefix: str, level: int
) -> Iterator[tuple[str, LayerAnalysis]]:
    indent = INDENT * level
    for part in parts:
        group, folds = layers[part.start : part.stop], level + 1 == depth
        owned = part.owner is not None
        if len(group) > 1 and (folds or not owned):
            yield indent + part.path.removeprefix(prefix), _folded(part.path, group)
            if not folds:
                yield from _rows(part.inner, layers, depth, f"{part.path}.", level + 1)
            continue
        for layer in group:
            label = layer.name.removeprefix(prefix)
            if owned and layer.name != part.path:
                label = INDENT + layer.name.removeprefix(part.path)
            yield indent + label, layer


def _folded(name: str, layers: Sequence[LayerAnalysis]) -> LayerAnalysis:
    """Consecutive layers as one row: the sums of their counts, and the output of the last."""
    first, last = layers[0], layers[-1]
    return LayerAnalysis(
        name=name,
        op=first.op,
        label=f"{first.label} +{len(layers) - 1}" if first.name == name else f"{len(layers)} layers",
        output_shape=last.output_shape,
        trainable_parameters=sum(layer.trainable_parameters for layer in layers),
        non_trainable_parameters=sum(layer.non_trainable_parameters for layer in layers),
        macs=sum(layer.macs for layer in layers),
        receptive_field=last.receptive_field,
        stride=last.stride,
    )


def _cells(layer: LayerAnalysis) -> tuple[str, ...]:
    parameters = layer.trainable_parameters + layer.non_trainable_parameters
    return (
        layer.label,
        show(layer.output_shape),
        _exact(parameters) if parameters else NONE,
        tables.compact(layer.macs) if layer.macs else NONE,
        _square(layer.receptive_field),
        _square(layer.stride) if layer.stride else NONE,
    )


def _exact(count: int) -> str:
    return f"{count:,}" if count < MOST_EXACT else tables.compact(count)


def _square(pair: Sequence[Distance]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else "x".join(map(str, pair))


def _totals(summary: Summary) -> list[tuple[str, str, str]]:
    """The lines below the table as (label, value, note)."""
    analysis = summary.analysis
    field = ("Receptive field", show(analysis.receptive_field), f"the picture is {show(analysis.input[:2])}")
    return [
        ("Trainable parameters", f"{analysis.trainable_parameters:,}", ""),
        ("Non-trainable parameters", f"{analysis.non_trainable_parameters:,}", ""),
        ("MACs", f"{analysis.macs:,}", f"{tables.compact(analysis.macs)}, one picture"),
        ("FLOPs", f"{analysis.flops:,}", "2 x MACs"),
        *([field] if len(analysis.input) == 3 else []),
        ("Weights", tables.size(analysis.weights_bytes()), "float32"),
        ("Activations, inference", tables.size(summary.inference_bytes), f"peak at batch 1, {summary.precision}"),
        (
            f"Activations, {'training' if summary.rematerialized_elements is None else 'rematerialized'}",
            tables.size(summary.training_bytes),
            f"at batch {summary.batch_size:,} ({summary.batch_size_from})",
        ),
    ]


def _total_lines(totals: Sequence[tuple[str, str, str]]) -> list[str]:
    labels, values, _ = (max(map(len, column)) for column in zip(*totals, strict=True))
    lines = (f"{label:<{labels}}  {value:>{values}}  {note}".rstrip() for label, value, note in totals)
    return [tables.shortened(line, tables.WIDTH) for line in lines]


# -- several networks ------------------------------------------------------------------------------------------------

COLUMNS = ("network", "input", "trainable", "MACs", "field", "inference", "training")


def comparison(summaries: Sequence[Summary], batch_size: int | None = None, markdown: bool = False) -> str:
    """A table of one row per network, with training memory at one batch size for all (1 if None)."""
    batch = batch_size or 1
    rows = [
        (
            summary.analysis.name,
            show(summary.analysis.input),
            _exact(summary.analysis.trainable_parameters),
            tables.compact(summary.analysis.macs),
            _square(summary.analysis.receptive_field),
            tables.size(summary.inference_bytes),
            tables.size(summary.training_bytes_at(batch)),
        )
        for summary in summaries
    ]
    note = (
        "Trainable: parameters that training changes. MACs: of one picture; FLOPs are twice that. Field: receptive "
        "field of the last feature map. Inference: peak memory of activations at batch 1. Training: memory of a step's "
        f"activations at batch {batch:,}{'' if batch_size else ' (--batch-size sets it)'}."
    )
    said = [f"{one.analysis.name}: {hint}" for one in summaries for hint in one.hints]
    if markdown:
        parts = [tables.markdown(COLUMNS, rows, text_columns=2), note, *(f"Hint: {hint}." for hint in said)]
    else:
        filled = [tables.filled(f"hint: {hint}") for hint in said]
        parts = [tables.plain(COLUMNS, rows, text_columns=2), tables.filled(note), *filled]
    return "\n\n".join(parts)


# -- HTML ------------------------------------------------------------------------------------------------------------

MOST_ROWS = 300
"""Larger tables are folded to fewer levels of names in HTML, so that a notebook stays usable."""


def to_html(summary: Summary) -> str:
    """The drawing, the table of layers and the totals for a notebook."""
    for depth in (None, 3, 2, 1):
        rows = [(label, *_cells(layer)) for label, layer in _outline(summary.analysis.layers, depth)]
        if len(rows) <= MOST_ROWS:
            break
    title = ": ".join(filter(None, (summary.analysis.name, summary.description)))
    totals = "".join(
        f"<li>{escape(label)}: {escape(value)}{f' ({escape(note)})' if note else ''}</li>"
        for label, value, note in _totals(summary)
    )
    notes = "".join(f"<p>Hint: {escape(hint)}.</p>" for hint in summary.hints)
    drawing = f'<div style="max-height: 40rem; overflow: auto; border: 1px solid #8888">{_drawing(summary.graph)}</div>'
    return f"<p>{escape(title)}</p>{drawing}{tables.html(HEADER, rows, text_columns=3)}<ul>{totals}</ul>{notes}"


def _drawing(graph: Graph) -> str:
    """The drawing of a network as an element of a page, or why there is none."""
    from archspec.drawing import draw_graphs  # tables in a terminal do not wait for it

    try:
        return draw_graphs([graph]).svg()
    except UserError as error:  # it is too large
        return f"<p>{escape(str(error))}</p>"


# -- JSON ------------------------------------------------------------------------------------------------------------


def to_json(summary: Summary) -> dict[str, Any]:
    """All of an analysis as JSON values, the attributes of `Analysis` and `LayerAnalysis` under their names."""
    analysis = summary.analysis
    return {
        "name": analysis.name,
        "description": summary.description,
        "input": list(analysis.input),
        "output": list(analysis.output),
        "trainable_parameters": analysis.trainable_parameters,
        "non_trainable_parameters": analysis.non_trainable_parameters,
        "macs": analysis.macs,
        "flops": analysis.flops,
        "receptive_field": list(analysis.receptive_field),
        "weights_bytes": analysis.weights_bytes(),
        "inference_activation_bytes": summary.inference_bytes,
        "training_activation_bytes": summary.training_bytes,
        "batch_size": summary.batch_size,
        "precision": summary.precision,
        **({"hints": list(summary.hints)} if summary.hints else {}),
        "layers": [
            {
                "name": layer.name,
                "op": layer.op,
                "label": layer.label,
                "output_shape": list(layer.output_shape),
                "trainable_parameters": layer.trainable_parameters,
                "non_trainable_parameters": layer.non_trainable_parameters,
                "macs": layer.macs,
                "receptive_field": list(layer.receptive_field),
                "stride": [_json_number(distance) for distance in layer.stride] if layer.stride else None,
            }
            for layer in analysis.layers
        ],
    }


def _json_number(distance: Distance) -> int | float:
    return int(distance) if distance.denominator == 1 else float(distance)
