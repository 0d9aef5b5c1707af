"""Weight initialisers: Keras's names, with the parameters that papers state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from archspec.fields.records import Record, Tagged, record_of
from archspec.fields.scalars import Number

Scale = Annotated[float, Number(above=0)]

PLAIN = (
    "zeros", "ones", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform",
)  # fmt: skip


@dataclass(frozen=True)
class Initializer:
    """An initialiser by Keras's name, with its arguments as sorted pairs."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


def normal(*, std: Scale = 0.05, mean: float = 0.0) -> Initializer:
    """Gaussian values."""
    return Initializer("random_normal", (("mean", mean), ("stddev", std)))


def truncated_normal(*, std: Scale = 0.05, mean: float = 0.0) -> Initializer:
    """Gaussian values, those beyond two standard deviations drawn again."""
    return Initializer("truncated_normal", (("mean", mean), ("stddev", std)))


def uniform(*, low: float = -0.05, high: float = 0.05) -> Initializer:
    """Uniform values in [low, high)."""
    return Initializer("random_uniform", (("maxval", high), ("minval", low)))


def constant(*, value: float) -> Initializer:
    """One value."""
    return Initializer("constant", (("value", value),))


def orthogonal(*, gain: Scale = 1.0) -> Initializer:
    """An orthogonal matrix (Saxe et al. 2013, arXiv:1312.6120)."""
    return Initializer("orthogonal", (("gain", gain),))


def variance_scaling(
    *,
    scale: Scale = 1.0,
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
    distribution: Literal["normal", "truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal",
) -> Initializer:
    """Variance `scale / fan`. He et al. 2015 (arXiv:1502.01852) is scale 2."""
    return Initializer("variance_scaling", (("distribution", distribution), ("mode", mode), ("scale", scale)))


def _plain(name: str) -> Record:
    def build() -> Initializer:
        return Initializer(name)

    return Record(build, name, ())


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
