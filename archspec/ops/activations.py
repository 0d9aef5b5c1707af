"""Activation functions, by Keras's names, with the parameters that they take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from archspec.fields.base import Reader
from archspec.fields.choices import Tagged
from archspec.fields.records import Record, record_of
from archspec.fields.scalars import Number
from archspec.source.tree import Tree
from archspec.vocabulary.suggestions import value_hint
from archspec.wording import did_you_mean

__all__ = ["ACTIVATIONS", "Function"]

Arguments = tuple[tuple[str, Any], ...]
Positive = Annotated[float, Number(above=0)]
NonNegative = Annotated[float, Number(min=0)]

PLAIN = (
    "exponential", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "linear", "log_sigmoid",
    "log_softmax", "mish", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "swish", "tanh", "tanh_shrink",
)  # fmt: skip


@dataclass(frozen=True)
class Function:
    """An activation function by Keras's name, with those of its arguments that are not the defaults, sorted."""

    name: str
    arguments: Arguments = ()


def celu(*, alpha: Positive = 1.0) -> Arguments:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) (Barron 2017, arXiv:1704.07483)."""
    return (("alpha", alpha),)


def elu(*, alpha: NonNegative = 1.0) -> Arguments:
    """x, and alpha * (exp(x) - 1) below 0 (Clevert et al. 2015, arXiv:1511.07289)."""
    return (("alpha", alpha),)


def gelu(*, approximate: bool = False) -> Arguments:
    """x times the normal distribution function of x (Hendrycks and Gimpel 2016, arXiv:1606.08415), exactly or, where
    `approximate`, by tanh, as PyTorch's `approximate='tanh'`."""
    return (("approximate", approximate),)


def hard_shrink(*, threshold: NonNegative = 0.5) -> Arguments:
    """x, and 0 where |x| is at most `threshold`."""
    return (("threshold", threshold),)


def leaky_relu(*, slope: NonNegative = 0.2) -> Arguments:
    """x, and `slope` * x below 0. Keras's slope is 0.2, PyTorch's 0.01."""
    return (("slope", slope),)


def relu(*, slope: NonNegative = 0.0, max_value: Positive | None = None, threshold: NonNegative = 0.0) -> Arguments:
    """x from `threshold` up to `max_value`, and `slope` * (x - threshold) below."""
    return (("max_value", max_value), ("slope", slope), ("threshold", threshold))


def soft_shrink(*, threshold: NonNegative = 0.5) -> Arguments:
    """x moved by `threshold` towards 0, and 0 where it would pass it."""
    return (("threshold", threshold),)


def squareplus(*, b: NonNegative = 4.0) -> Arguments:
    """(x + sqrt(x^2 + b)) / 2 (Barron 2021, arXiv:2112.11687)."""
    return (("b", b),)


class _FunctionRecord(Record):
    """The parameters of a function. `leaky_relu: 0.01` gives its only one."""

    def shorthand(self) -> str | None:
        return next(iter(self.fields)) if len(self.fields) == 1 else None


def _plain(name: str) -> Record:
    return Record(lambda: Function(name), name, ())


def _parametric(arguments: Callable[..., Arguments]) -> Record:
    name = arguments.__name__
    defaults = {key: one.default for key, one in inspect.signature(arguments).parameters.items()}

    def build(**fields: Any) -> Function:
        return Function(name, tuple((key, value) for key, value in arguments(**fields) if value != defaults[key]))

    build.__doc__ = arguments.__doc__
    return _FunctionRecord(build, name, lambda: tuple(record_of(arguments, name).fields.values()))


_FUNCTIONS = {name: _plain(name) for name in PLAIN} | {
    one.__name__: _parametric(one) for one in (celu, elu, gelu, hard_shrink, leaky_relu, relu, soft_shrink, squareplus)
}
RECORDS = dict(sorted(_FUNCTIONS.items()))
ACTIVATIONS = tuple(RECORDS)
"""Keras's activation functions by name (keras.activations, 3.15), without `threshold`, which has no defaults."""


class FunctionForm(Tagged):
    """An activation function: its name, or `{leaky_relu: {slope: 0.01}}`."""

    expected = "the name of an activation function of Keras"

    def __init__(self) -> None:
        super().__init__("activation function", RECORDS, article="an")

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str | dict | Function)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, Function):  # a block's argument, which was read already
            return tree.value
        if isinstance(tree.value, dict) or (isinstance(tree.value, str) and tree.value in self.records):
            return super().convert(tree, path, reader)
        hint = value_hint(path, tree.value)
        if not hint and isinstance(tree.value, str):
            hint = did_you_mean(tree.value, self.records, few=0)
        return reader.expect(tree, path, self.expected, hint)

    def written(self, value: Any) -> Any:
        if isinstance(value, str):  # the default of a block's argument
            return value
        return {value.name: dict(value.arguments)} if value.arguments else value.name


FORM = FunctionForm()
FunctionField = Annotated[Function, FORM]
