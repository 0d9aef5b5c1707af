"""The `fast` lowering: primitives for which another layer with the same weights trains faster than the stock layer."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from archspec import ops
from builder.network import fast_layers
from builder.network.naming import LayerName, Tensor
from builder.network.stock_layers import (
    PORTABLE,
    Lower,
    batch_norm_options,
    conv_options,
    zero_padded,
)


def _conv(op: ops.Conv, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, padding = zero_padded(op, inputs[0], layer_name)
    return fast_layers.FastConv2D(**conv_options(op, padding), **layer_name.options())(x)


def _batch_norm(op: ops.BatchNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return fast_layers.FusedBatchNormalization(**batch_norm_options(op), **layer_name.options())(inputs[0])


def _activation(op: ops.Activation, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    if op.function in ("tanh", "mish"):
        return fast_layers.UnjoinedActivation(op.function, **layer_name.options())(inputs[0])
    return PORTABLE[ops.Activation](op, inputs, layer_name)


def _dropout(op: ops.Dropout, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return fast_layers.ReplicaDropout(op.rate, **layer_name.options())(inputs[0])


def _local_response_norm(op: ops.LocalResponseNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, options = inputs[0], layer_name.options()
    return fast_layers.LocalResponseNormalization(x, op.radius, op.bias, op.alpha, op.beta, **options)(x)


def _synchronized_batch_norm(op: ops.BatchNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    options = {**batch_norm_options(op), **layer_name.options()}
    return keras.layers.BatchNormalization(synchronized=True, **options)(inputs[0])


FAST: dict[type[ops.Op], Lower] = {
    ops.Conv: _conv,
    ops.BatchNorm: _batch_norm,
    ops.Activation: _activation,
    ops.LocalResponseNorm: _local_response_norm,
    ops.Dropout: _dropout,
}
SYNCHRONIZED: dict[type[ops.Op], Lower] = {**FAST, ops.BatchNorm: _synchronized_batch_norm}
"""`FAST` with batch statistics over all replicas of a strategy, which the fused operation cannot compute."""
