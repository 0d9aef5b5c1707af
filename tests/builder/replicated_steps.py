"""Steps of every optimizer on two replicas and on one, in a process of its own: devices are made before anything else.

Prints, for each case, the largest difference between the weights, and between their moving averages.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.data import Digits
from archspec.recipe.optimizers import Adam, Adamw, Lamb, Lion, Muon, Rmsprop, Sgd
from builder import recipe as recipes

OPTIMIZERS = (
    Sgd(),
    Adam(epsilon=1e-3),
    Adamw(decay=0.1, epsilon=1e-3),
    Rmsprop(momentum=0.5, epsilon=1e-3),
    Lion(decay=0.1),
    Lamb(decay=0.1, epsilon=1e-3),
    Muon(decay=0.1),
)
CASES = {type(kind).__name__: (kind, "float32") for kind in OPTIMIZERS} | {"scaled": (Sgd(), "mixed_float16")}
random = np.random.default_rng(0)
PICTURES, LABELS = random.standard_normal((8, 4, 4, 2)).astype(np.float32), np.arange(8) % 5


def weights_after(recipe: Train, strategy: tf.distribute.Strategy) -> list[list[np.ndarray]]:
    with strategy.scope():
        keras.utils.set_random_seed(1)
        layers = keras.layers
        model = keras.Sequential(
            [keras.Input((4, 4, 2)), layers.Conv2D(3, 2), layers.Conv2D(4, 2), layers.Flatten(), layers.Dense(5)]
        )
        optimizer = recipes.optimizer(recipe)
        optimizer.build(model.trainable_variables)
        ema = recipes.Ema(model, 0.9)
    losses = recipes.loss(recipe)
    scaled = recipe.precision == "mixed_float16"

    def replica_step(pictures: tf.Tensor, labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(losses(labels, model(pictures, training=False))) / len(PICTURES)
            loss = optimizer.scale_loss(loss) if scaled else loss
        gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        gradients = tf.distribute.get_replica_context().all_reduce("sum", gradients)
        optimizer.apply(gradients, model.trainable_variables)
        ema.update()

    def train(rates: tf.Tensor, pictures: tf.Tensor, labels: tf.Tensor) -> None:
        for rate in rates:
            optimizer.learning_rate.assign(rate)
            strategy.run(replica_step, args=(pictures, labels))

    def distributed(values: np.ndarray) -> tf.Tensor:
        parts = np.split(values, strategy.num_replicas_in_sync)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    steps_in_graph = tf.function(train) if strategy.num_replicas_in_sync > 1 else train  # eager is faster to start
    steps_in_graph(tf.constant([0.1, 0.05, 0.025]), distributed(PICTURES), distributed(LABELS))
    found = [weight.numpy() for weight in model.weights]
    with ema.swapped():
        averages = [weight.numpy() for weight in model.weights]
        copies = [getattr(weight.value, "values", ()) for weight in model.weights]
        assert all(np.array_equal(copy[0], copy[-1]) for copy in copies if copy)
    assert all(np.array_equal(weight.numpy(), before) for weight, before in zip(model.weights, found, strict=True))
    assert ema.variables[-1].numpy() == 3
    return [found, averages]


def main() -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for name, (kind, precision) in CASES.items():
        penalty = 0.0 if getattr(kind, "decay", 0) else 0.01
        recipe = Train(data=Digits(), optimizer=kind, clip_norm=0.5, precision=precision, weight_decay=penalty)
        pairs = zip(weights_after(recipe, tf.distribute.get_strategy()), weights_after(recipe, two), strict=True)
        differences = [max(float(np.abs(a - b).max()) for a, b in zip(*pair, strict=True)) for pair in pairs]
        print(json.dumps([name, *differences]))


if __name__ == "__main__":
    main()
