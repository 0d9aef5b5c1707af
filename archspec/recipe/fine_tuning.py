"""Fine-tuning: the weights to start from, and which layers train, and how fast. Layers are named by prefixes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from archspec.errors import Problem, Where
from archspec.fields.base import FieldError
from archspec.fields.containers import ListOf, Union
from archspec.fields.records import record_of
from archspec.fields.scalars import Text
from archspec.source.tree import Tree
from archspec.wording import did_you_mean, quoted

if TYPE_CHECKING:  # layers are named here, and the graph is made of them later
    from archspec.graph.graph import Graph

EVERY = "*"
"""The prefix of every layer, where no longer one has it. No layer's name has this character."""
Value = TypeVar("Value")


def covers(layer: str, prefix: str) -> bool:
    """Whether a layer's name starts with a prefix that cuts no number: `stage1` is `stage1.block1.conv1`, and not
    `stage10.block1.conv1`."""
    rest = layer.removeprefix(prefix)
    return layer.startswith(prefix) and not (prefix[-1:].isdigit() and rest[:1].isdigit())


def by_prefix(values: Iterable[tuple[str, Value]], layer: str, default: Value) -> Value:
    """The value of the longest prefix that a layer's name starts with; `*` is shorter than all."""
    found = {"" if prefix == EVERY else prefix: value for prefix, value in values}
    return found.get(max((prefix for prefix in found if covers(layer, prefix)), key=len, default=EVERY), default)


@dataclass(frozen=True, kw_only=True)
class InitFrom:
    """Starts from the weights of another run, or of a file.

    `run`: those of its best model (VGG's deeper columns from column A: arXiv:1409.1556, section 3.1), every layer that
    has the same name and the same shapes there. `weights`: those of a state dict of PyTorch (`.safetensors`, `.pth`),
    of Keras (`.weights.h5`, `.keras`), or of a run, whatever the names there; all of it must fit, but for a last layer
    of another number of classes, which starts anew.

    `layers` limits the copy to layers whose names start with one of these; a number is not cut.
    """

    run: Annotated[str | None, Union((Text("the directory of a run"),), optional=True)] = None
    weights: Annotated[str | None, Union((Text("a file of weights"),), optional=True)] = None
    layers: Annotated[tuple[str, ...], ListOf(Text(), "list of layer names")] = ()

    def __post_init__(self) -> None:
        if self.run is None and self.weights is None:
            raise FieldError("run", "needs 'run', the directory of a run, or 'weights', a file of weights")
        if self.run is not None and self.weights is not None:
            raise FieldError("weights", "there can be one source, and 'run' names another; keep one of the two")

    def asks_for(self, layer: str) -> bool:
        """Whether a layer is among those to copy."""
        return not self.layers or any(covers(layer, prefix) for prefix in self.layers)


INIT_FROM = Union((record_of(InitFrom, "init_from"),), optional=True)


# -- prefixes and a network ------------------------------------------------------------------------------------------


def unknown_prefix(network: str, prefix: str, layers: Sequence[str]) -> str:
    """What is said of a prefix that no layer with weights has."""
    known = {".".join(name.split(".")[: depth + 1]) for name in layers for depth in range(name.count(".") + 1)}
    return f"no layer with weights of {network} starts with {quoted(prefix)}{did_you_mean(prefix, known)}"


def prefix_problems(
    trainable: Sequence[tuple[str, bool]], multipliers: Sequence[tuple[str, float]], graph: Graph, train: Tree
) -> Iterator[Problem]:
    """What is wrong with the prefixes of `trainable` and `learning_rate_multipliers` in a network.

    Args:
        train: the section that they are from.
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
