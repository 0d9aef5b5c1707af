"""Steps of a network with two towers on one device and on two, in a process of its own, as devices are made before
anything else.

Prints, for each case, the largest difference between the weights, the devices of the variables, and what the partition
of each device computes, sends and assigns, as TensorFlow ran it.
"""

import json
from functools import partial

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

import archspec
from archspec.spec.addresses import address
from builder.data import load_data
from builder.data.batches import training_batches
from builder.distribution.strategy import choose_strategy
from builder.training.setup import distributed, set_up

CONV = {"conv": {"filters": 8, "kernel": 3, "norm": "batch", "activation": "relu", "name": "conv"}}
NETWORK = {
    "name": "towers",
    "model": {
        "input": [8, 8, 1],
        "layers": [
            {"conv": {"filters": 8, "kernel": 3, "name": "before"}},
            {
                "towers": {
                    "count": 2,
                    "name": "a",
                    "layers": [CONV, {"local_response_norm": {"name": "lrn"}}, {"max_pool": 2}, {"dropout": 0.2}],
                }
            },
            {"conv": {"filters": 8, "kernel": 3, "name": "between"}},
            {"flatten": {"name": "flat"}},
            {
                "towers": {
                    "count": 2,
                    "input": "whole",
                    "name": "b",
                    "layers": [{"dense": {"units": 16, "activation": "relu", "name": "dense"}}],
                }
            },
            {"dense": {"units": 10, "name": "after"}},
        ],
    },
    "train": {"data": "digits", "batch_size": 32, "learning_rate": 0.05, "clip_norm": 1.0, "ema": 0.9},
}
CASES = {
    "parts": {"train.accumulate": 2, "train.optimizer": {"sgd": {"momentum": 0.9}}, "train.weight_decay": 1e-3},
    "half": {"train.precision": "mixed_float16", "train.optimizer": "adam"},
}


def trained(overrides, data, distribute):
    """The state after three steps and the metrics of each, and of a validation batch, and how the steps ran."""
    spec = archspec.loads(NETWORK, {**overrides, "train.distribute": distribute})
    recipe = spec.train
    placement = choose_strategy(recipe, partial(address, spec, "train"))
    tf.keras.utils.set_random_seed(1)
    setup = set_up(spec, recipe, data, placement, True, print)
    batches = distributed(placement, lambda shard: training_batches(data, recipe, recipe.global_batch, shard=shard))
    batches = iter(batches)
    context.context().enable_run_metadata()
    sums = setup.train(batches, [0.05, 0.03, 0.02], 0.0).numpy()
    ran = context.context().export_run_metadata()
    context.context().disable_run_metadata()
    state = {name: variable.value for name, variable in setup.state.variables.items()}
    return {name: value.numpy() for name, value in state.items()}, sums, state, ran


def main():
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    data = load_data(archspec.loads(NETWORK), say=lambda line: None)
    for name, overrides in CASES.items():
        one, one_sums, *_ = trained(overrides, data, "off")
        two, two_sums, variables, ran = trained(overrides, data, {"towers": 2})
        assert one.keys() == two.keys()
        graphs = [graph for function in ran.function_graphs for graph in function.partition_graphs]
        nodes = [node for graph in graphs for node in graph.node]
        kinds = [{node.name: node.op for node in graph.node} for graph in graphs]
        result = {
            "case": name,
            "difference": max(float(np.abs(one[key].astype(float) - two[key]).max()) for key in one),
            "sums": float(np.abs(one_sums - two_sums).max()),
            "variables": {key: value.device[-5:] for key, value in variables.items()},
            "nodes": sorted({(node.device[-5:], node.op, node.name) for node in nodes}),
            "assigned": sorted(
                (
                    node.device[-5:],
                    node.name,
                    known[node.input[1].partition(":")[0]],
                )  # the operation that gives the value
                for graph, known in zip(graphs, kinds, strict=True)
                for node in graph.node
                if node.op.startswith("Assign")
            ),
            "sent": sorted(
                (node.device[-5:], node.attr["tensor_name"].s.decode()) for node in nodes if node.op == "_Send"
            ),
        }
        print(json.dumps(result))


if __name__ == "__main__":
    main()
