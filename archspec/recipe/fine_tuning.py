"""Fine-tuning: the weights to start from, the layers to train, and their learning rates. Prefixes select layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

from archspec.errors import Problem, Where
from archspec.fields.base import FieldError
from archspec.fields.containers import ListOf, Union
from archspec.fields.records import record_of
from archspec.fields.scalars import Text
from archspec.source.tree import Tree
from archspec.wording import did_you_mean, quoted

if TYPE_CHECKING:  # this module stands below the graph
    from archspec.graph.graph import Graph

EVERY = "*"
"""The prefix of every layer, and shorter than any other. No layer's name has this character."""
Value = TypeVar("Value")


def covers(layer: str, prefix: str) -> bool:
    """Whether a prefix covers a layer. A prefix does not end inside a number: `stage1` covers `stage1.block1.conv1`,
    but not `stage10.block1.conv1`."""
    rest = layer.removeprefix(prefix)
    return layer.startswith(prefix) and not (prefix[-1:].isdigit() and rest[:1].isdigit())


def by_prefix(values: Iterable[tuple[str, Value]], layer: str, default: Value) -> Value:
    """The value of the longest prefix that covers a layer, else the default; `*` is the shortest of all."""
    found = {"" if prefix == EVERY else prefix: value for prefix, value in values}
    return found.get(max((prefix for prefix in found if covers(layer, prefix)), key=len, default=EVERY), default)


@dataclass(frozen=True, kw_only=True)
class InitFrom:
    """Starts from the weights of another run, or of a file.

    `run` takes them from the run's best model (VGG's deeper columns from column A: arXiv:1409.1556, section 3.1), for
    every layer with the same name and shapes. `weights` takes them from a state dict of PyTorch (`.safetensors`,
    `.pth`), from Keras (`.weights.h5`, `.keras`), or from a run, whatever the names there; everything must fit, except
    a last layer with another number of classes, which is initialised as usual.

    `layers` limits this to layers whose names start with one of these prefixes.

    Example:
        init_from: {weights: resnet50.pth}

    Attributes:
        run: the directory of a run.
        weights: a file of weights, or a run whose layers have other names.
        layers: prefixes of the names of the layers that take weights; without any, all do.
    """

    one_of: ClassVar[tuple[str, ...]] = ("run", "weights")

    run: Annotated[str | None, Union((Text("the directory of a run"),), optional=True)] = None
    weights: Annotated[str | None, Union((Text("a file of weights"),), optional=True)] = None
    layers: Annotated[tuple[str, ...], ListOf(Text(), "list of layer names", or_one=True)] = ()

    def __post_init__(self) -> None:
        if self.run is None and self.weights is None:
            raise FieldError("run", "needs 'run', the directory of a run, or 'weights', a file of weights")
        if self.run is not None and self.weights is not None:
            raise FieldError("weights", "there can be one source, and 'run' names another; keep one of the two")

    def asks_for(self, layer: str) -> bool:
        """Whether a layer's weights are to be copied."""
        return not self.layers or any(covers(layer, prefix) for prefix in self.layers)


INIT_FROM = Union((record_of(InitFrom, "init_from"),), optional=True)


# -- prefixes and a network ------------------------------------------------------------------------------------------


def unknown_prefix(network: str, prefix: str, layers: Sequence[str]) -> str:
    """The message for a prefix that covers no layer with weights."""
    known = {".".join(name.split(".")[: depth + 1]) for name in layers for depth in range(name.count(".") + 1)}
    return f"no layer with weights of {network} starts with {quoted(prefix)}{did_you_mean(prefix, known)}"


def prefix_problems(
    trainable: Sequence[tuple[str, bool]], multipliers: Sequence[tuple[str, float]], graph: Graph, train: Tree
) -> Iterator[Problem]:
    """Yields the problems of a network with the prefixes of `trainable` and `learning_rate_multipliers`.

    Args:
        train: the tree of the `train` section, for addresses.
    """
    if not trainable and not multipliers:
        return
    layers = [node.name for node in graph.nodes if any(node.op.parameters(graph.input_shapes(node)))]
    trained = [layer for layer in layers if by_prefix(trainable, layer, True)]
    fields: Mapping[str, Sequence[tuple[str, object]]] = {
        "trainable": trainable,
        "learning_rate_multipliers": multipliers,
    }
    for field, values in fields.items():
        for prefix, _ in values:
            where = Where(f"train.{field}.{prefix}", train.value[field].key_span(prefix))
            covered = layers if prefix == EVERY else [layer for layer in layers if covers(layer, prefix)]
            if not covered:
                yield Problem(where, unknown_prefix(graph.name, prefix, layers))
            elif values is multipliers and trained and not set(covered) & set(trained):
                yield Problem(where, "'trainable' freezes every layer that this is for; take it out here or there")
    if layers and not trained:
        mend = f'{{"*": false, {layers[-1]}: true}} freezes all but the last'
        where = Where("train.trainable", train.value["trainable"].span)
        yield Problem(where, f"every layer with weights is frozen, so there is nothing to train; {mend}")
