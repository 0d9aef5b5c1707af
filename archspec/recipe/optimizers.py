"""Optimizers, with the names that the field gives their constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from archspec.fields.records import record_of
from archspec.recipe.numbers import Factor, NonNegative, Positive, Share


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Stochastic gradient descent."""

    momentum: Share = 0.9
    nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980)."""

    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7


@dataclass(frozen=True, kw_only=True)
class Adamw:
    """Adam with decoupled decay (Loshchilov and Hutter 2017, arXiv:1711.05101) of kernels: each step takes
    `learning_rate * decay` of them away."""

    decay: NonNegative = 0.004
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7


@dataclass(frozen=True, kw_only=True)
class Rmsprop:
    """RMSProp (Tieleman and Hinton 2012, lecture 6e)."""

    rho: Share = 0.9
    momentum: Share = 0.0
    epsilon: Positive = 1e-7
    centered: bool = False


@dataclass(frozen=True, kw_only=True)
class Lion:
    """Lion (Chen et al. 2023, arXiv:2302.06675), with decoupled decay of kernels."""

    decay: NonNegative = 0.0
    beta_1: Factor = 0.9
    beta_2: Share = 0.99


@dataclass(frozen=True, kw_only=True)
class Lamb:
    """LAMB (You et al. 2019, arXiv:1904.00962), with decoupled decay of kernels."""

    decay: NonNegative = 0.0
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7


@dataclass(frozen=True, kw_only=True)
class Muon:
    """Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) for hidden kernels, AdamW for the rest; decoupled
    decay of kernels.

    Hidden are all kernels but the first and the last that are trained. That of a convolution, (height, width, inputs,
    filters), is a matrix of height * width * inputs rows. Steps have AdamW's size (Liu et al. 2025, arXiv:2502.16982),
    so rates that suit AdamW suit this too.
    """

    decay: NonNegative = 0.0
    momentum: Share = 0.95
    nesterov: bool = True


Optimizer: TypeAlias = Sgd | Adam | Adamw | Rmsprop | Lion | Lamb | Muon
KINDS = (Sgd, Adam, Adamw, Rmsprop, Lion, Lamb, Muon)
OPTIMIZERS = {kind.__name__.lower(): record_of(kind, kind.__name__.lower()) for kind in KINDS}
