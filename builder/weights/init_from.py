"""Starting from existing weights: those of a run, or of a file.

From another run's best weights, every layer with the same name and shapes is copied. Names say stage and position
(`conv3_2` of VGG's table, `stage1.block2.conv1` of a residual network), so that a deeper network takes from a shallower
one the layers at the same places. VGG's columns B to E thus get the first four convolutions of A (conv1_1, conv2_1,
conv3_1, conv3_2) and its dense layers, as in Simonyan and Zisserman 2014, arXiv:1409.1556, section 3.1.

A file may use other names, so the network's graph decides what goes where (`builder.weights`), and all of the file has
to fit, except for a last layer with another number of classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

import keras
import numpy as np

from archspec import Graph, Problem, SpecError, tables
from archspec.errors import FileError, UserError, Where, file_problem
from archspec.ops.base import show
from archspec.recipe.fine_tuning import InitFrom, covers, unknown_prefix
from archspec.wording import first_few, printable
from builder.network.model import weighted_layers
from builder.runs.run import open_run
from builder.weights.conventions import unlike_pytorch
from builder.weights.matching import Matching, match
from builder.weights.reading import read
from builder.weights.report import differences, require_finite, summary
from builder.weights.units import NamedTensor
from builder.weights.writing import apply

Weights: TypeAlias = dict[str, np.ndarray]
TABLE_WIDTH = 120
NOTES = 3


@dataclass(frozen=True)
class _Row:
    """What happened to a layer, or to several layers under a common name."""

    name: str
    outcome: str
    parameters: int


TAKEN, ABSENT, NOT_ASKED = "taken", "random: not in the source", "random: not asked for"


def init_from(network: keras.Model, graph: Graph, init: InitFrom, where: Where) -> str:
    """Gives a network the best weights of another run, or the weights of a file.

    Args:
        network: the graph's model. Layers that take no weights from the source keep their initial ones.
        init: the source, and the layers to take.
        where: the address at which problems are reported.

    Returns:
        A table of the layers that took weights, and of those left random, with the reason. Neighbouring layers to which
        the same happened share a row.

    Raises:
        UserError: see `from_run` and `from_weights`.
    """
    return from_run(network, init, where) if init.run is not None else from_weights(network, graph, init, where)


def from_run(network: keras.Model, init: InitFrom, where: Where) -> str:
    """Takes every layer that has the same name and shapes among a run's best weights; see `init_from`.

    Raises:
        FileError: there is no such run, it has no best weights yet, or nothing fits.
        SpecError: the network lacks a layer that was asked for.
    """
    layers = {layer.name: layer for layer in weighted_layers(network)}
    _check_asked(init, list(layers), network.name, where)
    name, source = _best_weights(init.run or "", where)
    outcomes = {key: _take(layer, init, source) for key, layer in layers.items()}
    if TAKEN not in outcomes.values():
        differing = [key for key, outcome in outcomes.items() if outcome not in (ABSENT, NOT_ASKED)]
        notes = tuple(f"{key}: {outcomes[key].removeprefix('random: ')}" for key in differing[:NOTES])
        asked = " asked for" if init.layers else ""
        message = f"no layer{asked} of {network.name} has the name and the shapes of one of {name} in {init.run}"
        raise file_problem(where, message, *notes)
    return _report(f"{init.run} ({name})", layers, outcomes)


def from_weights(network: keras.Model, graph: Graph, init: InitFrom, where: Where) -> str:
    """Takes everything in a file, or what the layers asked for need of it; see `init_from`.

    A last layer that the file lacks, or that has another number of classes there, keeps its initial weights.

    Raises:
        FileError: the file cannot be read or does not fit, with the differences. The network is then unchanged.
        SpecError: the network lacks a layer that was asked for.
    """
    layers = {layer.name: layer for layer in weighted_layers(network)}
    _check_asked(init, list(layers), network.name, where)
    path = init.weights or ""
    try:
        source = read(path)
        matching = match(graph, source)
        matching = _asked(matching, init) if init.layers else _with_new_head(matching)
    except UserError as error:
        raise _readdressed(error, where) from error
    if not (matching.complete and matching.layers):
        mend = f"python tools/convert_weights.py {path} SPEC shows all, decides what is undecided, writes what fits"
        message = f"{path} does not fit {graph.name}: {summary(matching)}"
        raise file_problem(where, message, *differences(matching), mend)
    require_finite(matching, where)
    apply(matching, network)
    head = _head(matching)
    new = f"random: a new head, the source's is {head.layer}, {show(head.shape)}" if head else "random: a new head"
    left = NOT_ASKED if init.layers else new
    report = _report(path, layers, {name: TAKEN if name in matching.layers else left for name in layers})
    return "\n".join([report, *_of_loss(matching), *unlike_pytorch(matching)])


def _of_loss(matching: Matching) -> Iterator[str]:
    """The line that names what of a file belongs to a loss, if there is anything."""
    ignored = [entry.theirs.name for entry in matching.entries if entry.status == "ignored" and entry.theirs]
    if ignored:
        yield f"not used, as they belong to a loss: {', '.join(first_few([printable(one) for one in ignored], 10))}"


def _asked(matching: Matching, init: InitFrom) -> Matching:
    """The part of a matching that concerns the layers asked for and their counterparts in the file."""
    entries = [entry for entry in matching.entries if entry.unit and init.asks_for(entry.unit.name)]
    partners = {entry.theirs.layer for entry in entries if entry.theirs}
    rest = [entry for entry in matching.entries if not entry.unit and entry.theirs and entry.theirs.layer in partners]
    return replace(matching, entries=(*entries, *rest))


def _with_new_head(matching: Matching) -> Matching:
    """The matching with a new last layer, where the file has none for it, or one with another number of classes."""
    if all(entry.unit.name != matching.head for entry in matching.entries if entry.unit and entry.status == "missing"):
        return matching
    new = match(matching.graph, matching.source, new_head=True)
    head = _head(new)
    classes = head and head.shape[-1 if matching.source.layout == "keras" else 0]
    return matching if classes == matching.graph.output.shape[-1] else new


def _head(matching: Matching) -> NamedTensor | None:
    """The kernel of the file's last layer, if a new one replaces it."""
    replaced = [entry.theirs for entry in matching.entries if entry.status == "replaced" and entry.role == "kernel"]
    return replaced[0] if replaced else None


def _report(source: str, layers: Mapping[str, keras.Layer], outcomes: Mapping[str, str]) -> str:
    rows = [_Row(name, outcomes[name], layer.count_params()) for name, layer in layers.items()]
    taken = [row for row in rows if row.outcome == TAKEN]
    counts = (sum(row.parameters for row in part) for part in (taken, rows))
    title = "{}: {:,} of {:,} layers, {:,} of {:,} parameters".format(
        f"weights from {source}", len(taken), len(rows), *counts
    )
    cells = [(row.name, row.outcome, f"{row.parameters:,}") for row in _folded(rows)]
    return f"{title}\n{tables.plain(('layer', 'weights', 'parameters'), cells, 2, TABLE_WIDTH)}"


def _best_weights(run: str, where: Where) -> tuple[str, dict[str, Weights]]:
    """The name of a run's network, and its best weights by layer and variable."""
    try:
        opened = open_run(run, is_finished=False)
        tensors = opened.weights
    except UserError as error:
        raise _readdressed(error, where) from error
    layers: dict[str, Weights] = {}
    for path, tensor in tensors.items():
        layer, _, variable = path.rpartition("/")
        layers.setdefault(layer, {})[variable] = tensor
    return opened.spec.name, layers


def _readdressed(error: UserError, where: Where) -> FileError:
    """Problems of a file or a run, at the address of the field that names it."""
    return FileError(Problem(where, f"{one.where.path}: {one.message}", one.notes) for one in error.problems)


def _weights(layer: keras.Layer) -> Weights:
    return {weight.name: keras.ops.convert_to_numpy(weight) for weight in layer.weights}


def _check_asked(init: InitFrom, names: Sequence[str], network: str, where: Where) -> None:
    problems = []
    for number, prefix in enumerate(init.layers):
        if not any(covers(name, prefix) for name in names):
            place = Where(f"{where.path}.layers[{number}]", where.span)
            problems.append(Problem(place, unknown_prefix(network, prefix, names)))
    if problems:
        raise SpecError(problems)


def _take(layer: keras.Layer, init: InitFrom, source: dict[str, Weights]) -> str:
    """Copies a layer's weights if they fit, and says what happened."""
    if not init.asks_for(layer.name):
        return NOT_ASKED
    if layer.name not in source:
        return ABSENT
    here, there = _weights(layer), source[layer.name]
    shapes = [{name: show(value.shape) for name, value in weights.items()} for weights in (here, there)]
    if shapes[0] != shapes[1]:
        differing = [name for name in here | there if shapes[0].get(name) != shapes[1].get(name)]
        mine, theirs = (
            ", ".join(f"{name} {shape[name]}" for name in differing if name in shape) or "none" for shape in shapes
        )
        return f"random: {mine} here, {theirs} there"
    layer.set_weights([there[weight.name] for weight in layer.weights])
    return TAKEN


def _folded(rows: Sequence[_Row], depth: int = 1) -> Iterator[_Row]:
    """One row for each stage or block to all of whose layers the same happened, else one for each layer."""

    def prefix(row: _Row) -> str:
        return ".".join(row.name.split(".")[:depth])

    for name, members in groupby(rows, prefix):
        group = list(members)
        if len({row.outcome for row in group}) == 1:
            yield _Row(name, group[0].outcome, sum(row.parameters for row in group))
        else:
            yield from _folded(group, depth + 1)
