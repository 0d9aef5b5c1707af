"""The `fast` lowering: primitives for which another layer with the same weights trains faster than the stock layer.

Each of these layers is a subclass of the stock layer and inherits its variables, with their names, shapes, order and
initialisers, so that `stock.set_weights(fast.get_weights())` and the reverse are exact, and its configuration, so that
Keras saves it as the stock layer (`saved_as`). How it computes depends on the device, by the table in `choices`.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from archspec import ops
from builder.network.fast_activation import FUNCTIONS, FastActivation
from builder.network.fast_convolution import FastConv2D
from builder.network.fast_normalisation import (
    FastLayerNormalization,
    FusedBatchNormalization,
    LocalResponseNormalization,
)
from builder.network.naming import LayerName, Tensor
from builder.network.replica_dropout import ReplicaDropout
from builder.network.stock_layers import (
    PORTABLE,
    Lower,
    batch_norm_options,
    conv_options,
    layer_norm_options,
    zero_padded,
)


def _conv(op: ops.Conv, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, padding = zero_padded(op, inputs[0], layer_name)
    return FastConv2D(**conv_options(op, padding), **layer_name.options())(x)


def _batch_norm(op: ops.BatchNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return FusedBatchNormalization(**batch_norm_options(op), **layer_name.options())(inputs[0])


def _activation(op: ops.Activation, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    if op.function in FUNCTIONS and not op.arguments:
        return FastActivation(op.function, **layer_name.options())(inputs[0])
    return PORTABLE[ops.Activation](op, inputs, layer_name)


def _layer_norm(op: ops.LayerNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return FastLayerNormalization(**layer_norm_options(op), **layer_name.options())(inputs[0])


def _dropout(op: ops.Dropout, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return ReplicaDropout(op.rate, **layer_name.options())(inputs[0])


def _local_response_norm(op: ops.LocalResponseNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, options = inputs[0], layer_name.options()
    return LocalResponseNormalization(x, op.radius, op.bias, op.alpha, op.beta, **options)(x)


def _synchronized_batch_norm(op: ops.BatchNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    options = {**batch_norm_options(op), **layer_name.options()}
    return keras.layers.BatchNormalization(synchronized=True, **options)(inputs[0])


FAST: dict[type[ops.Op], Lower] = {
    ops.Conv: _conv,
    ops.BatchNorm: _batch_norm,
    ops.LayerNorm: _layer_norm,
    ops.Activation: _activation,
    ops.LocalResponseNorm: _local_response_norm,
    ops.Dropout: _dropout,
}
SYNCHRONIZED: dict[type[ops.Op], Lower] = {**FAST, ops.BatchNorm: _synchronized_batch_norm}
"""`FAST` with batch statistics over all replicas of a strategy, which the fused operation cannot compute."""
