"""The `inference` lowering: the fast one, in operations that TensorFlow joins when it runs a graph.

TensorFlow makes one operation of a convolution, a bias and a ReLU (and of a residual sum, with oneDNN), if the bias is
added by the operation of that name; Keras adds it as any other tensor.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from archspec import ops
from builder.fast import FAST, padding_of
from builder.layers import PORTABLE, Lower, Place, Tensor, conv_options
from builder.lowerings import FastConv2D


class BiasAddConv2D(FastConv2D):
    """A fast convolution whose bias is added by the operation that TensorFlow joins with it."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        outputs = self.convolution_op(inputs, self.kernel)
        return tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias)) if self.use_bias else outputs


def _conv(op: ops.Conv, inputs: Sequence[Tensor], place: Place) -> Tensor:
    word, sides = padding_of(op, inputs[0])
    return BiasAddConv2D(**conv_options(op, word), explicit_padding=sides, **place.options())(inputs[0])


INFERENCE: dict[type[ops.Op], Lower] = {**PORTABLE, **FAST, ops.Conv: _conv}
