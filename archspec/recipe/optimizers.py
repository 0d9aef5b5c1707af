"""Optimizers, with their constants under the usual names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from archspec.fields.records import record_of
from archspec.recipe.numbers import Factor, NonNegative, Positive, Share

Decay = Annotated[
    NonNegative, "The decoupled weight decay of kernels: each step subtracts `learning_rate * decay` times the kernel."
]
Epsilon = Annotated[Positive, "Added to the root of the average of squares, so that no step divides by 0."]
Beta1 = Annotated[Share, "The share of the average of gradients that each step keeps."]
Beta2 = Annotated[Share, "The share of the average of squared gradients that each step keeps."]


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Stochastic gradient descent.

    Example:
        optimizer: {sgd: {momentum: 0.9}}

    Attributes:
        momentum: the share of the last step that the next one keeps.
        nesterov: whether the gradient is taken ahead of the step (Nesterov 1983).
    """

    momentum: Share = 0.9
    nesterov: bool = False


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980).

    Example:
        optimizer: adam
    """

    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


@dataclass(frozen=True, kw_only=True)
class Adamw:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv:1711.05101) of kernels: each step subtracts
    `learning_rate * decay` times the kernel.

    Example:
        optimizer: {adamw: {decay: 0.05}}
    """

    decay: Decay = 0.004
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


@dataclass(frozen=True, kw_only=True)
class Rmsprop:
    """RMSProp (Tieleman and Hinton 2012, lecture 6e).

    Example:
        optimizer: {rmsprop: {rho: 0.9, momentum: 0.9}}

    Attributes:
        rho: the share of the average of squared gradients that each step keeps.
        momentum: the share of the last step that the next one keeps.
        centered: whether the mean gradient is subtracted from the average of squares.
    """

    rho: Share = 0.9
    momentum: Share = 0.0
    epsilon: Epsilon = 1e-7
    centered: bool = False


@dataclass(frozen=True, kw_only=True)
class Lion:
    """Lion (Chen et al. 2023, arXiv:2302.06675), with decoupled weight decay of kernels.

    Example:
        optimizer: {lion: {decay: 0.5}}

    Attributes:
        beta_1: the share of the average in the direction of a step.
        beta_2: the share of the average of gradients that each step keeps.
    """

    decay: Decay = 0.0
    beta_1: Factor = 0.9
    beta_2: Share = 0.99


@dataclass(frozen=True, kw_only=True)
class Lamb:
    """LAMB (You et al. 2019, arXiv:1904.00962), with decoupled weight decay of kernels.

    Example:
        optimizer: {lamb: {decay: 0.02}}
    """

    decay: Decay = 0.0
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


@dataclass(frozen=True, kw_only=True)
class Muon:
    """Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) for hidden kernels, AdamW for all other weights,
    with decoupled weight decay of kernels.

    Hidden kernels are all trained kernels except the first and the last. The kernel of a convolution, (height, width,
    inputs, filters), counts as a matrix of height * width * inputs rows. Steps have AdamW's size (Liu et al. 2025,
    arXiv:2502.16982), so learning rates that suit AdamW suit Muon too.

    Example:
        optimizer: {muon: {decay: 0.05}}

    Attributes:
        momentum: the share of the average of gradients that each step keeps.
        nesterov: whether the gradient is taken ahead of the step.
    """

    decay: Decay = 0.0
    momentum: Share = 0.95
    nesterov: bool = True


Optimizer: TypeAlias = Sgd | Adam | Adamw | Rmsprop | Lion | Lamb | Muon
KINDS = (Sgd, Adam, Adamw, Rmsprop, Lion, Lamb, Muon)
OPTIMIZERS = {kind.__name__.lower(): record_of(kind, kind.__name__.lower()) for kind in KINDS}
