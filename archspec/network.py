"""A network however it is given: a file, Python data, a spec or a graph; and what is asked of one."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from archspec.analysis import Analysis, analyse_graph
from archspec.errors import argument_problem
from archspec.graph.graph import Graph
from archspec.report import Summary, summarise
from archspec.spec.spec import Spec, load, loads

if TYPE_CHECKING:
    from archspec.drawing import Drawing, Marks
    from archspec.drawing.fields.drawing import FieldDrawing

SpecLike = str | os.PathLike[str] | Mapping[str, Any] | Spec
"""The path of a spec or the name of a shipped one, its data as a mapping, or a spec."""
Network = SpecLike | Graph
"""A spec in any of these ways, or a graph."""


def as_spec(network: SpecLike) -> Spec:
    """The spec of a path, a mapping or a spec.

    Raises:
        SpecError: the spec has mistakes.
        TypeError: something else is given.
    """
    if isinstance(network, Spec):
        return network
    if isinstance(network, Mapping):
        return loads(network)
    if isinstance(network, str | os.PathLike):
        return load(network)
    _refuse(network, "expected the path of a spec, a mapping or a Spec")


def as_graph(network: Network) -> Graph:
    """The graph of a path, a mapping, a spec or a graph.

    Raises:
        SpecError: the spec has mistakes.
        TypeError: something else is given.
    """
    given = _spec_or_graph(network)
    return given if isinstance(given, Graph) else given.graph


def _spec_or_graph(network: Network) -> Spec | Graph:
    if isinstance(network, Graph):
        return network
    if not isinstance(network, str | os.PathLike | Mapping | Spec):
        _refuse(network, "expected the path of a spec, a mapping, a Spec or a Graph")
    return as_spec(network)


def _refuse(network: object, expected: str) -> NoReturn:
    hint = "; a Graph has no recipe" if isinstance(network, Graph) else ""
    raise TypeError(f"{expected}, got an object of type {type(network).__name__}{hint}")


def analyse(network: Network) -> Analysis:
    """The shapes, parameters, MACs, receptive fields and memory of a network, in milliseconds and without a framework.

        archspec.analyse("specs/resnet50.yaml").macs

    Args:
        network: the path of a spec, its data as a mapping, a `Spec` or a `Graph`.

    Returns:
        Totals, and one `LayerAnalysis` for each node of the graph but the input. Counts are for one picture, in
        multiply-accumulates and elements.

    Raises:
        SpecError: the spec has mistakes.
        TypeError: something else is given.
    """
    given = _spec_or_graph(network)
    return analyse_graph(given) if isinstance(given, Graph) else given.analysis


def summary(network: Network, batch_size: int | None = None) -> Summary:
    """What `convspec summary` prints: a row for each layer, with its shape, parameters, MACs and receptive field, then
    the totals.

        print(archspec.summary("specs/resnet50.yaml", batch_size=64))

    Args:
        network: the path of a spec, its data as a mapping, a `Spec` or a `Graph`.
        batch_size: pictures in a training step, for its memory; by default `train.batch_size` of the spec; 1 where
            that is missing or `auto`.

    Returns:
        An object whose text is the table. Notebooks show it as HTML, and `to_json()` gives it as JSON values.

    Raises:
        SpecError: the spec has mistakes.
        TypeError: something else is given.
    """
    return summarise(network if isinstance(network, Graph) else as_spec(network), batch_size, option="batch_size")


def draw(
    networks: Network | Sequence[Network],
    *,
    depth: int | None = None,
    open: Collection[str] = (),
    by: str | None = None,
    marks: Marks | Sequence[Marks] | None = None,
) -> Drawing:
    """A drawing of a network, or of several side by side with equal strides at equal heights; what `convspec draw`
    writes.

        drawing = archspec.draw("specs/resnet50.yaml", by="macs")
        Path("resnet50.svg").write_text(drawing.svg())

    Args:
        networks: the path of a spec, its data as a mapping, a `Spec` or a `Graph`; or a list of them.
        depth: groups are open to so many levels of names. By default as deep as is legible: to at most 40 boxes, with
            repeats drawn once where that is needed.
        open: paths of groups that are open in any case, such as `stage3.block2`; `all` opens everything.
        by: shades the boxes by `macs`, `parameters`, `memory` (of the outputs) or `field` (the receptive field).
        marks: what a comparison says of the parts of a network, by path: `added`, `removed`, `changed` or `unchanged`;
            for several networks, a list with one for each.

    Returns:
        An object whose text is SVG, in light and dark colours by what the reader prefers. Notebooks show it.

    Raises:
        SpecError: a spec has mistakes.
        UserError: a path in `open` that no network has, an unknown `by`, or a network that is too large to draw.
        ValueError: no network, or marks that fit none.
        TypeError: something else is given.
    """
    from archspec.drawing import draw_graphs  # what only analyses networks does not wait for it

    several = networks if isinstance(networks, Sequence) and not isinstance(networks, str) else [networks]
    each = [marks] if isinstance(marks, Mapping) else marks
    return draw_graphs([as_graph(one) for one in several], depth, open, by, each)


def draw_field(
    networks: Network | Sequence[Network],
    layer: str | None = None,
    picture: str | os.PathLike[str] | None = None,
    option: str = "layer",
) -> FieldDrawing:
    """What one element of a layer sees of the input, for one network or several side by side.

    The grid shows pixels of the input, and on it the fields of the layers on the way, one inside the other: two 3x3
    convolutions see what one of 5x5 sees (Simonyan and Zisserman 2014, arXiv:1409.1556, section 2.3). Below stand the
    field, the stride, the parameters of all layers up to this one, and the activations that follow each other.

        archspec.draw_field(["vgg_a", "resnet18"]).svg()

    Args:
        networks: one, or a list of them, as `analyse` takes them.
        layer: the name of a layer, block or stage; None for the last feature map of each network.
        picture: a file of a picture, cropped and resized to the input of each network, over which the fields of some
            elements are drawn; None for a grid of pixels.
        option: how the user names the layer, for messages.

    Returns:
        An object whose text is SVG. Notebooks show it.

    Raises:
        SpecError: a spec has mistakes.
        UserError: a network has no such layer, or takes no picture.
        FileError: the picture cannot be read.
        TypeError: something else is given.
    """
    from archspec.drawing.fields.drawing import field_drawing  # what only analyses networks does not wait for it

    several = networks if isinstance(networks, Sequence) and not isinstance(networks, str) else [networks]
    if not several:
        raise argument_problem("networks", "is empty; name at least one network")
    return field_drawing([as_graph(network) for network in several], layer, picture, option)
