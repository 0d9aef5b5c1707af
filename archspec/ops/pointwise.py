"""Primitives that keep the shape: normalisations, activations, dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from archspec.fields.scalars import Integer, Number
from archspec.ops.activations import Arguments, FunctionField
from archspec.ops.base import ActsOn, Op, Shape, ShapeError, Weight, picture
from archspec.ops.initializers import ONES, InitializerField

__all__ = [
    "Activation",
    "BatchNorm",
    "Dropout",
    "LayerNorm",
    "LocalResponseNorm",
    "Softmax",
]

_FUNCTIONS_OF_CHANNELS: dict[str, ActsOn] = {
    "softmax": "channels", "log_softmax": "channels", "sparsemax": "channels", "glu": "axes",
}  # fmt: skip
"""The activation functions of all channels at a position; `glu` multiplies the first half of them by the second."""

Rate = Annotated[float, Number(min=0, below=1)]
Positive = Annotated[float, Number(above=0)]


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Op):
    """Batch normalisation over the channels (Ioffe and Szegedy 2015, arXiv:1502.03167).

    `momentum` is the share of a moving average that each step keeps; Keras's own default is 0.99, PyTorch's (in
    this sense) and this language's is 0.9.

    Example:
        batch_norm: {momentum: 0.99, epsilon: 1e-3}

    Attributes:
        momentum: the share of the moving averages that each step keeps. PyTorch counts the other share: its 0.1 is 0.9
            here.
        epsilon: added to the variance before its square root is taken.
        scale: whether each channel is multiplied by a weight.
        center: whether a weight is added to each channel.
        scale_initializer: how the factors begin; with `zeros` in the last normalisation of a residual branch, that
            branch begins as the identity.
    """

    is_norm: ClassVar[bool] = True
    acts_on: ClassVar[ActsOn] = "channels"

    momentum: Annotated[float, Number(min=0, below=1)] = 0.9
    epsilon: Positive = 1e-5
    scale: bool = True
    center: bool = True
    scale_initializer: InitializerField = ONES

    def weights(self, inputs: Sequence[Shape]) -> Mapping[str, Weight]:
        statistics = dict.fromkeys(("mean", "variance"), Weight(inputs[0][-1:], trainable=False))
        return {**_affine(self.scale, self.center, inputs[0]), **statistics}


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Op):
    """Normalisation of each position over its channels (Ba et al. 2016, arXiv:1607.06450).

    Example:
        layer_norm: {epsilon: 1e-6}

    Attributes:
        epsilon: added to the variance before its square root is taken.
        scale: whether each channel is multiplied by a weight.
        center: whether a weight is added to each channel.
    """

    is_norm: ClassVar[bool] = True
    acts_on: ClassVar[ActsOn] = "channels"

    epsilon: Positive = 1e-5
    scale: bool = True
    center: bool = True

    def weights(self, inputs: Sequence[Shape]) -> Mapping[str, Weight]:
        return _affine(self.scale, self.center, inputs[0])


def _affine(scale: bool, center: bool, shape: Shape) -> dict[str, Weight]:
    """The factor and the offset for each channel with which a normalisation may end."""
    present = {"gamma": scale, "beta": center}
    return {role: Weight(shape[-1:]) for role, wanted in present.items() if wanted}


@dataclass(frozen=True, kw_only=True)
class LocalResponseNorm(Op):
    """x / (bias + alpha * (sum of x^2 over 2 * radius + 1 channels around)) ^ beta.

    Krizhevsky et al. 2012, section 3.3: the defaults are the paper's k=2, n=5, alpha=1e-4, beta=0.75. The sum is not
    divided by n, as it is in Caffe and PyTorch.

    Example:
        local_response_norm: {radius: 2}

    Attributes:
        radius: channels on each side that take part; the window has 2 * radius + 1.
        bias: the constant under the power, k in the paper.
        alpha: factor of the sum of squares.
        beta: the exponent.
    """

    is_norm: ClassVar[bool] = True
    acts_on: ClassVar[ActsOn] = "axes"

    radius: Annotated[int, Integer(min=1, max=1000)] = 2
    bias: Positive = 2.0
    alpha: Positive = 1e-4
    beta: Positive = 0.75

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        return picture(inputs[0], "local_response_norm")


@dataclass(frozen=True, kw_only=True)
class Activation(Op):
    """A Keras activation function by its name, with the arguments that differ from Keras's own."""

    function: str
    arguments: Arguments = ()

    @staticmethod
    def written(*, function: FunctionField) -> Activation:
        """A Keras activation function, with its parameters where it has any.

        Example:
            activation: {leaky_relu: {slope: 0.01}}

        Attributes:
            function: the name of a function of `keras.activations`, alone or with its parameters.
        """
        return Activation(function=function.name, arguments=function.arguments)

    @property
    def acts_on(self) -> ActsOn:  # type: ignore[override]  # it depends on the function
        return _FUNCTIONS_OF_CHANNELS.get(self.function, "elements")

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        if self.function != "glu":
            return inputs[0]
        if inputs[0][-1] % 2:
            raise ShapeError(f"glu halves the channels, and {inputs[0][-1]} arrive here", "function")
        return *inputs[0][:-1], inputs[0][-1] // 2

    def label(self) -> str:
        return " ".join([self.function, *(f"{name}={_shown(value)}" for name, value in self.arguments)])


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


@dataclass(frozen=True, kw_only=True)
class Softmax(Op):
    """Probabilities over the channels. A classifier here ends in logits; softmax belongs to evaluation and export.

    Example:
        softmax
    """

    acts_on: ClassVar[ActsOn] = "channels"


@dataclass(frozen=True, kw_only=True)
class Dropout(Op):
    """While training, zeroes a share `rate` of the elements and scales the rest up (Srivastava et al. 2014).

    Example:
        dropout: 0.5

    Attributes:
        rate: the share of the elements that is dropped.
    """

    acts_on: ClassVar[ActsOn] = "elements"

    rate: Rate
