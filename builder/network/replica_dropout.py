"""Dropout on several replicas."""

from __future__ import annotations

import keras
import tensorflow as tf

from builder.network.saving import saved_as


@saved_as(keras.layers.Dropout)
class ReplicaDropout(keras.layers.Dropout):
    """Dropout with a different mask on each replica of a strategy.

    The stock layer's seed state is equal on all replicas, so that all of them drop the same elements. Here the
    replica's number is part of the key of the random numbers; the state stays one value for all, since a checkpoint
    holds one.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or not self.rate:
            return inputs
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context is not None else 0
        key, count = tf.unstack(tf.cast(self.seed_generator.next(), tf.int64))
        key += REPLICA_STRIDE * tf.cast(replica, tf.int64)
        seed = tf.cast(tf.stack([key, count]) % (tf.int32.max - 1), tf.int32)
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed)


REPLICA_STRIDE = 1_000_003
"""The distance between the keys of neighbouring replicas: far from the keys of other layers, drawn from up to 10**9."""
