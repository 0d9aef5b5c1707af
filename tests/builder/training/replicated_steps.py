"""Steps of every optimizer on two replicas and on one, in a process of its own: devices are made before anything else.

Prints, for each case, the largest difference between the weights, and between their moving averages.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from archspec.network import as_spec
from archspec.recipe import Train
from archspec.recipe.data import Digits
from archspec.recipe.optimizers import Adam, Adamw, Lamb, Lion, Muon, Rmsprop, Sgd
from builder.network.model import build
from builder.network.replica_dropout import ReplicaDropout
from builder.training import losses as loss_functions
from builder.training import optimizers
from builder.training.averaging import Ema
from builder.training.recomputation import recomputing
from builder.training.steps import training_steps

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
        optimizer = optimizers.optimizer(recipe)
        optimizer.build(model.trainable_variables)
        ema = Ema(model, 0.9)
    losses = loss_functions.loss(recipe)
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


def weights_after_parts(strategy: tf.distribute.Strategy, order: list[int], normalised: bool) -> list[np.ndarray]:
    """Weights, and statistics over all replicas where asked, after two steps of a batch in two parts; `order` is that
    of its rows."""
    recipe = Train(data=Digits(), batch_size=8, accumulate=2, synchronized_batch_norm=normalised)
    replicas, layers = strategy.num_replicas_in_sync, keras.layers
    with strategy.scope():
        keras.utils.set_random_seed(1)
        norm = layers.BatchNormalization(synchronized=replicas > 1) if normalised else layers.Activation("relu")
        model = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 2), norm, layers.Flatten(), layers.Dense(5)])
        optimizer = optimizers.optimizer(recipe)
        optimizer.build(model.trainable_variables)
    steps = training_steps(model, optimizer, None, recipe, strategy)
    rows = tf.data.Dataset.from_tensor_slices((PICTURES[order], LABELS[order])).batch(8 // replicas).repeat(2)
    batches = iter(strategy.distribute_datasets_from_function(lambda context: rows))
    steps(batches, tf.constant([0.1, 0.05]), tf.constant(0.0))
    return [weight.numpy() for weight in model.weights]


def check_rematerialized(strategy: tf.distribute.Strategy) -> None:
    """Steps that compute segments again change the variables of each replica as those that keep everything do."""
    layers = [{"conv": {"filters": 4, "kernel": 3, "norm": "batch", "activation": "relu"}}, {"dropout": 0.3}]
    network = {"name": "net", "model": {"input": [4, 4, 2], "layers": [*layers, *layers, "flatten", {"dense": 5}]}}
    spec, recipe = as_spec(network), Train(data=Digits(), batch_size=8)
    found = []
    for is_rematerialized in (False, True):
        with strategy.scope():
            keras.utils.set_random_seed(1)
            model = build(spec, "fast", "float32")
            optimizer = optimizers.optimizer(recipe)
            optimizer.build(model.trainable_variables)
        forward = recomputing(model, spec.graph) if is_rematerialized else None
        steps = training_steps(model, optimizer, None, recipe, strategy, forward=forward)
        rows = tf.data.Dataset.from_tensor_slices((PICTURES, LABELS)).batch(4).repeat(2)
        batches = iter(strategy.distribute_datasets_from_function(lambda context: rows))  # noqa: B023
        steps(batches, tf.constant([0.1, 0.05]), tf.constant(0.0))
        found.append([copy.numpy() for variable in model.variables for copy in variable.value.values])
    for kept, again in zip(*found, strict=True):
        np.testing.assert_allclose(again, kept, rtol=1e-4, atol=1e-6)


def check_dropout(strategy: tf.distribute.Strategy) -> None:
    """Each replica drops what the other does not, and the same again from the same state."""
    with strategy.scope():
        layer = ReplicaDropout(0.5, seed=1)
        layer.build((1, 64))

    def dropped() -> tf.Tensor:
        return layer(tf.ones((1, 64)), training=True)

    once = tf.function(strategy.run, autograph=False)
    first, second = ([copy.numpy() for copy in once(dropped).values] for _ in range(2))
    layer.seed_generator.state.assign([1, 0])
    masks = [mask.tobytes() for mask in (*first, *second)]
    assert len({*masks}) == 4 and all(10 < mask.astype(bool).sum() < 54 for mask in first), (first, second)
    assert [copy.numpy().tobytes() for copy in once(dropped).values] == masks[:2]
    stock = keras.layers.Dropout(0.5, seed=1)(tf.ones((1, 64)), training=True)
    assert np.array_equal(stock, first[0])


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
    for normalised in (False, True):
        one = weights_after_parts(tf.distribute.get_strategy(), [0, 1, 4, 5, 2, 3, 6, 7], normalised)  # part after part
        pairs = zip(one, weights_after_parts(two, list(range(8)), normalised), strict=True)
        print(json.dumps(["parts", max(float(np.abs(a - b).max()) for a, b in pairs)]))
    check_dropout(two)
    check_rematerialized(two)


if __name__ == "__main__":
    main()
