"""The compositions whose meaning depends on shapes: parallel branches, residual sums and towers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from archspec.errors import INVALID
from archspec.fields.containers import ListOf, Union
from archspec.fields.records import Count, Record, record_of
from archspec.fields.scalars import Choice
from archspec.layers.fields import ACTIVATION_FORM, MERGES, NORM_FORM, LayersForm
from archspec.layers.reading import Fragment, Layer, Layers, Structure
from archspec.ops.activations import Function

SHORTCUTS = ("identity", "projection", "pad", "none")
Shortcut = Annotated[
    Any,
    Union((Choice(SHORTCUTS), LayersForm())),
    "What is added where the shape changes: `projection`, `pad`, `identity`, `none` or layers, as in `residual`.",
]


@dataclass(frozen=True, kw_only=True)
class Parallel(Structure):
    """Branches from one input, merged. An empty branch passes its input through.

    Example:
        parallel: {branches: [[{conv: {filters: 64, kernel: 1}}], [{conv: {filters: 64, kernel: 3}}]], merge: concat}

    Attributes:
        branches: lists of layers; each list takes what arrives here.
        merge: how the results become one: `concat` joins the channels, `add` and `multiply` work element by element.
    """

    branches: Annotated[tuple[tuple[Layer, ...], ...], ListOf(LayersForm(), "list of branches", 2)]
    merge: Annotated[str, Choice(MERGES)] = "concat"


@dataclass(frozen=True, kw_only=True)
class Residual(Structure):
    """x + f(x), then an activation if one is named (He et al. 2015, arXiv:1512.03385, section 3.3).

    The shortcut, where f changes the shape: `projection` is a 1x1 convolution with a norm (option B), `pad` takes every
    stride-th position and pads channels with zeros (option A), `identity` is an error, `none` leaves out the sum
    altogether (a plain network), and a list of layers is used as it is.

    Example:
        residual: {layers: [{conv: {filters: 64, kernel: 3, norm: batch}}], activation: relu}

    Attributes:
        layers: the layers of f.
        shortcut: what is added to f(x) where f changes the shape, as described above.
        norm: the normalisation of a projection; null for none.
        activation: the activation after the sum; null for none.
    """

    layers: Layers
    shortcut: Shortcut = "projection"
    norm: Annotated[str | None, NORM_FORM] = "batch"
    activation: Annotated[Function | None, ACTIVATION_FORM] = None

    def prepared(self, read: Callable[[Fragment], Any]) -> Any:
        plain = {"kernel": 1, "stride": 1, "dilation": 1, "groups": 1, "padding": "valid", "activation": None}
        projection = read([{"conv": {"filters": 1, **plain, "norm": self.norm, "name": "shortcut"}}])
        after = read([{"activation": {"function": self.activation, "name": "activation"}}] if self.activation else [])
        if projection is INVALID or after is INVALID:
            return INVALID
        return PreparedResidual(**{**self.__dict__, "projection": projection[0], "after": after})


@dataclass(frozen=True, kw_only=True)
class PreparedResidual(Residual):
    """A residual whose projection and activation are read. The projection has one filter until the shapes are known."""

    projection: Layer
    after: tuple[Layer, ...]

    def projected(self, filters: int, stride: tuple[int, int]) -> Layer:
        return replace(self.projection, content=replace(self.projection.content, filters=filters, stride=stride))  # type: ignore[type-var]


@dataclass(frozen=True, kw_only=True)
class Towers(Structure):
    """Applies the same layers `count` times, with weights of their own, to equal parts of the channels, or each to all
    of them, and concatenates the results.

    The numbers of filters and units are those of one tower. Krizhevsky et al. 2012, figure 2, has two towers, one for
    each GPU; `train.distribute: {towers: 2}` trains them so.

    Example:
        towers: {count: 2, layers: [{conv: {filters: 128, kernel: 5}}]}

    Attributes:
        count: the number of towers.
        layers: the layers of one tower.
        input: what a tower takes: `split`, its own part of the channels, which `count` divides; or `whole`, all that
            arrives.
    """

    count: Count
    layers: Layers
    input: Literal["split", "whole"] = "split"


STRUCTURES: dict[str, Record] = {
    "parallel": record_of(Parallel, "parallel"),
    "residual": record_of(Residual, "residual"),
    "towers": record_of(Towers, "towers"),
}
