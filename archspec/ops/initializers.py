"""Weight initialisers, by Keras's names, with the parameters that papers state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from archspec.fields.choices import Tagged
from archspec.fields.documentation import Documentation
from archspec.fields.records import Record, record_of
from archspec.fields.scalars import Number

Scale = Annotated[float, Number(above=0)]

PLAIN = {
    "zeros": "Zeros.",
    "ones": "Ones.",
    "he_normal": "Gaussian values of variance 2 / inputs, for ReLU (He et al. 2015, arXiv:1502.01852); PyTorch's "
    "kaiming_normal.",
    "he_uniform": "Uniform values of variance 2 / inputs (He et al. 2015, arXiv:1502.01852).",
    "glorot_normal": "Gaussian values of variance 2 / (inputs + outputs) (Glorot and Bengio 2010); PyTorch's "
    "xavier_normal.",
    "glorot_uniform": "Uniform values of variance 2 / (inputs + outputs) (Glorot and Bengio 2010); PyTorch's "
    "xavier_uniform.",
    "lecun_normal": "Gaussian values of variance 1 / inputs (LeCun et al. 1998, Efficient BackProp).",
    "lecun_uniform": "Uniform values of variance 1 / inputs (LeCun et al. 1998, Efficient BackProp).",
}
"""The initialisers without fields. Inputs and outputs are those of one element: kernel height * width * channels."""


@dataclass(frozen=True)
class Initializer:
    """An initialiser by Keras's name, with its arguments as sorted pairs."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


def normal(*, std: Scale = 0.05, mean: float = 0.0) -> Initializer:
    """Gaussian values.

    Example:
        initializer: {normal: {std: 0.01}}

    Args:
        std: the standard deviation.
        mean: the mean.
    """
    return Initializer("random_normal", (("mean", mean), ("stddev", std)))


def truncated_normal(*, std: Scale = 0.05, mean: float = 0.0) -> Initializer:
    """Gaussian values, those beyond two standard deviations drawn again.

    Example:
        initializer: {truncated_normal: {std: 0.02}}

    Args:
        std: the standard deviation before the ends are cut off.
        mean: the mean.
    """
    return Initializer("truncated_normal", (("mean", mean), ("stddev", std)))


def uniform(*, low: float = -0.05, high: float = 0.05) -> Initializer:
    """Uniform values in [low, high).

    Example:
        initializer: {uniform: {low: -0.1, high: 0.1}}

    Args:
        low: the lower end.
        high: the upper end.
    """
    return Initializer("random_uniform", (("maxval", high), ("minval", low)))


def constant(*, value: float) -> Initializer:
    """A constant value.

    Example:
        bias_initializer: {constant: 1}

    Args:
        value: the value.
    """
    return Initializer("constant", (("value", value),))


def orthogonal(*, gain: Scale = 1.0) -> Initializer:
    """An orthogonal matrix (Saxe et al. 2013, arXiv:1312.6120).

    Example:
        initializer: orthogonal

    Args:
        gain: what the matrix is multiplied by.
    """
    return Initializer("orthogonal", (("gain", gain),))


def variance_scaling(
    *,
    scale: Scale = 1.0,
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
    distribution: Literal["normal", "truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal",
) -> Initializer:
    """Variance `scale / fan`. He et al. 2015 (arXiv:1502.01852) is scale 2.

    Example:
        initializer: {variance_scaling: {scale: 2, mode: fan_out}}

    Args:
        scale: the numerator of the variance.
        mode: the denominator: inputs, outputs, or their mean.
        distribution: the distribution of that variance.
    """
    return Initializer("variance_scaling", (("distribution", distribution), ("mode", mode), ("scale", scale)))


def _plain(name: str) -> Record:
    def build() -> Initializer:
        return Initializer(name)

    return Record(build, name, (), Documentation((PLAIN[name],), f"initializer: {name}"))


FORM = Tagged(
    "initializer",
    {name: _plain(name) for name in PLAIN}
    | {f.__name__: record_of(f) for f in (normal, truncated_normal, uniform, constant, orthogonal, variance_scaling)},
    article="an",
)
InitializerField = Annotated[Initializer, FORM]

ZEROS = Initializer("zeros")
ONES = Initializer("ones")
GLOROT_UNIFORM = Initializer("glorot_uniform")
