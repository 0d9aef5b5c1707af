"""Starting from the weights of another run's best model: what has the same name and shape is copied.

Names say stage and position (`conv3_2` of VGG's table, `stage1.block2.conv1` of a residual network), so a deeper
network takes from a shallower one what stands at the same place. VGG's columns B to E thus get the first four
convolutions of A (conv1_1, conv2_1, conv3_1, conv3_2) and its dense layers, as in Simonyan and Zisserman 2014,
arXiv:1409.1556, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np

from archspec import Problem, SpecError, tables
from archspec.errors import Where, did_you_mean, quoted
from archspec.ops.base import show
from archspec.recipe.train import InitFrom

Weights: TypeAlias = dict[str, np.ndarray]
TABLE_WIDTH = 120
NOTES = 3


@dataclass(frozen=True)
class _Row:
    """What became of a layer, or of several under one name."""

    name: str
    outcome: str
    parameters: int


TAKEN, ABSENT, NOT_ASKED = "taken", "random: not in the source", "random: not asked for"


def init_from(network: keras.Model, init: InitFrom, where: Where) -> str:
    """Gives a network the weights of another run's best model.

    Args:
        network: with its own initial weights, which what is not taken keeps.
        init: the run, and the layers to take.
        where: the address that problems are reported at.

    Returns:
        A table of what was taken, and of what was left random and why. Layers side by side to which the same happened
        are one row.

    Raises:
        SpecError: no such run, one without a model, layers to take that the network has not, or nothing that fits.
    """
    layers = {layer.name: layer for layer in _layers(network) if layer.weights}
    _check_asked(init, list(layers), network.name, where)
    name, source = best_weights(Path(init.run), where)
    rows = [_Row(key, _take(layer, init, source), layer.count_params()) for key, layer in layers.items()]
    taken = [row for row in rows if row.outcome == TAKEN]
    if not taken:
        differing = [row for row in rows if row.outcome not in (ABSENT, NOT_ASKED)]
        notes = tuple(f"{row.name}: {row.outcome.removeprefix('random: ')}" for row in differing[:NOTES])
        asked = " asked for" if init.layers else ""
        message = f"no layer{asked} of {network.name} has the name and the shapes of one of {name} in {init.run}"
        raise SpecError([Problem(where, message, notes)])
    counts = (sum(row.parameters for row in part) for part in (taken, rows))
    title = "{}: {:,} of {:,} layers, {:,} of {:,} parameters".format(
        f"weights from {init.run} ({name})", len(taken), len(rows), *counts
    )
    cells = [(row.name, row.outcome, f"{row.parameters:,}") for row in _folded(rows)]
    return f"{title}\n{tables.plain(('layer', 'weights', 'parameters'), cells, 2, TABLE_WIDTH)}"


def best_weights(run: Path, where: Where) -> tuple[str, dict[str, Weights]]:
    """The name of a run's network, and its best weights by layer and variable. The one place that knows where a run
    keeps them."""
    if not run.is_dir():
        beside = [path.name for path in run.parent.iterdir() if path.is_dir()] if run.parent.is_dir() else []
        raise _error(where, f"there is no run in '{run}'{did_you_mean(run.name, beside)}")
    path = run / "model.keras"
    if not path.is_file():
        inside = sorted(child.parent.name for child in run.glob("*/model.keras"))
        if inside:
            raise _error(where, f"'{run}' holds runs, and is none; name one of them: {', '.join(inside)}")
        raise _error(where, f"the run in '{run}' is not finished: it has no model.keras, its best model")
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # what Keras raises for a file that is not a model has no common class
        raise _error(where, f"{path} is not a model that Keras can read: {type(error).__name__}") from None
    layers = {layer.name: _weights(layer) for layer in _layers(model) if layer.weights}
    return model.name, layers


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers of a model and of the models inside it."""
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]


def _weights(layer: keras.Layer) -> Weights:
    return {weight.name: keras.ops.convert_to_numpy(weight) for weight in layer.weights}


def _check_asked(init: InitFrom, names: Sequence[str], network: str, where: Where) -> None:
    known = {".".join(name.split(".")[: depth + 1]) for name in names for depth in range(name.count(".") + 1)}
    problems = []
    for number, prefix in enumerate(init.layers):
        if not any(init.covers(name, prefix) for name in names):
            place = Where(f"{where.path}.layers[{number}]", where.span)
            hint = did_you_mean(prefix, known)
            problems.append(Problem(place, f"no layer with weights of {network} starts with {quoted(prefix)}{hint}"))
    if problems:
        raise SpecError(problems)


def _take(layer: keras.Layer, init: InitFrom, source: dict[str, Weights]) -> str:
    """Copies a layer's weights where they fit; what became of it."""
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
    """One row for all layers of a stage or block to which the same happened."""

    def prefix(row: _Row) -> str:
        return ".".join(row.name.split(".")[:depth])

    for name, members in groupby(rows, prefix):
        group = list(members)
        if len({row.outcome for row in group}) == 1:
            yield _Row(name, group[0].outcome, sum(row.parameters for row in group))
        else:
            yield from _folded(group, depth + 1)


def _error(where: Where, message: str) -> SpecError:
    return SpecError([Problem(where, message)])
