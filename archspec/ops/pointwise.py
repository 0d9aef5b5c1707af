"""Primitives that keep the shape: normalisations, activations, dropout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from archspec.fields.scalars import Choice, Integer, Number
from archspec.ops.base import Op, Shape, ShapeError, picture
from archspec.ops.initializers import ONES, InitializerField

ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "squareplus", "swish", "tanh", "tanh_shrink",
)  # fmt: skip
"""Keras's activation functions by name (keras.activations, 3.15), without `threshold`, which has no defaults."""

ActivationName = Annotated[str, Choice(ACTIVATIONS, "an activation function of Keras")]
Rate = Annotated[float, Number(min=0, below=1)]
Positive = Annotated[float, Number(above=0)]


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Op):
    """Batch normalisation over the channels (Ioffe and Szegedy 2015, arXiv:1502.03167).

    `momentum` is the share of a moving average that each step keeps; Keras's own default is 0.99, PyTorch's (in
    this sense) and this language's is 0.9.
    """

    momentum: Annotated[float, Number(min=0, below=1)] = 0.9
    epsilon: Positive = 1e-5
    scale: bool = True
    center: bool = True
    scale_initializer: InitializerField = ONES

    def parameters(self, inputs: Sequence[Shape]) -> tuple[int, int]:
        channels = inputs[0][-1]
        return channels * (self.scale + self.center), 2 * channels


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Op):
    """Normalisation of each position over its channels (Ba et al. 2016, arXiv:1607.06450)."""

    epsilon: Positive = 1e-5
    scale: bool = True
    center: bool = True

    def parameters(self, inputs: Sequence[Shape]) -> tuple[int, int]:
        return inputs[0][-1] * (self.scale + self.center), 0


@dataclass(frozen=True, kw_only=True)
class LocalResponseNorm(Op):
    """x / (bias + alpha * (sum of x^2 over 2 * radius + 1 channels around)) ^ beta.

    Krizhevsky et al. 2012, section 3.3: the defaults are the paper's k=2, n=5, alpha=1e-4, beta=0.75. The sum is not
    divided by n, as it is in Caffe and PyTorch.
    """

    radius: Annotated[int, Integer(min=1, max=1000)] = 2
    bias: Positive = 2.0
    alpha: Positive = 1e-4
    beta: Positive = 0.75

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        return picture(inputs[0], "local_response_norm")


@dataclass(frozen=True, kw_only=True)
class Activation(Op):
    """A Keras activation function by its name."""

    function: ActivationName

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        if self.function != "glu":
            return inputs[0]
        if inputs[0][-1] % 2:
            raise ShapeError(f"glu halves the channels, and {inputs[0][-1]} arrive here", "function")
        return *inputs[0][:-1], inputs[0][-1] // 2

    def label(self) -> str:
        return self.function


@dataclass(frozen=True, kw_only=True)
class Softmax(Op):
    """Probabilities over the channels. A classifier here ends in logits; softmax belongs to evaluation and export."""


@dataclass(frozen=True, kw_only=True)
class Dropout(Op):
    """While training, zeroes a share `rate` of the elements and scales the rest up (Srivastava et al. 2014)."""

    rate: Rate
