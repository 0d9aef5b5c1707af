"""The functions of an exported model: from pictures in any of three forms to probabilities and classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from archspec.recipe import Train
from builder.export.folding import Folded, fold
from builder.model import build
from builder.pixels import from_pixels
from builder.preprocess import Shape, evaluated, evaluated_bytes
from builder.trained import Trained

MOST_FROZEN = 1 << 30
"""Bytes of weights. A graph's file may have 2 GiB; a network of more keeps its weights beside the graph."""


@dataclass(frozen=True)
class Network:
    """A trained network made ready for inference.

    Attributes:
        name: the network's.
        folded: its graph and weights, with normalisations folded into kernels.
        shape: of its input, (height, width, channels).
        resize: a recipe's `eval_resize`.
        class_names: by label.
        trained: the run that it is from.
    """

    name: str
    folded: Folded
    shape: Shape
    resize: int | None
    class_names: tuple[str, ...]
    trained: Trained

    @classmethod
    def of(cls, trained: Trained) -> Network:
        """That of a run's best weights."""
        graph, recipe = trained.spec.graph, trained.spec.train
        assert isinstance(recipe, Train)
        height, width, channels = graph.input.shape
        folded = fold(graph, trained.weights)
        return cls(
            graph.name, folded, (height, width, channels), recipe.eval_resize, trained.about.class_names, trained
        )

    def model(self, lowering: Any = "portable") -> keras.Model:
        """From pictures of `shape`, pixels from 0 to 255 as floats, to logits."""
        network = build(self.folded.graph, lowering)
        for weight in network.weights:
            weight.assign(self.folded.weights[weight.path])
        return from_pixels(network, self.trained.about.pixels)

    def metadata(self) -> dict[str, str]:
        """What formats that keep texts are given."""
        return {
            "name": self.name,
            "classes": json.dumps(self.class_names, ensure_ascii=False),
            "input": json.dumps({"shape": self.shape, "resize": self.resize, "pixels": "0 to 255"}),
            "spec": self.trained.spec.to_yaml(),
        }


class Served(tf.Module):
    """The endpoints of a SavedModel. All share one graph of the network, whose weights are constants in it."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network
        model = network.model("fast")
        size = sum(np.asarray(value).nbytes for value in network.folded.weights.values())
        probabilities = frozen(model) if size <= MOST_FROZEN else plain(model)
        self.variables_kept = [] if size <= MOST_FROZEN else [variable.value for variable in model.weights]
        names = tf.constant(network.class_names)
        height, width, channels = network.shape

        def answers(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
            shares = probabilities(pictures)
            ids = tf.argmax(shares, -1)
            return {"probabilities": shares, "class_ids": ids, "class_names": tf.gather(names, ids)}

        def of_floats(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
            return answers(pictures)

        def of_uint8(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
            return answers(tf.cast(evaluated(pictures, network.shape, network.resize), tf.float32))

        def of_bytes(picture_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            return answers(tf.cast(evaluated_bytes(picture_bytes, network.shape, network.resize), tf.float32))

        floats = tf.TensorSpec((None, height, width, channels), tf.float32, "pictures")
        uint8 = tf.TensorSpec((None, None, None, channels), tf.uint8, "pictures")
        contents = tf.TensorSpec((None,), tf.string, "picture_bytes")
        self.serving_default = tf.function(of_floats, input_signature=[floats], autograph=False)
        self.serve_uint8 = tf.function(of_uint8, input_signature=[uint8], autograph=False)
        self.serve_bytes = tf.function(of_bytes, input_signature=[contents], autograph=False)

    def signatures(self) -> Mapping[str, Any]:
        names = ("serving_default", "serve_uint8", "serve_bytes")
        return {name: getattr(self, name).get_concrete_function() for name in names}


def plain(model: keras.Model) -> Any:
    """A model's probabilities as a compiled function of (batch, height, width, channels) floats."""
    spec = tf.TensorSpec((None, *model.input.shape[1:]), tf.float32, "pictures")

    @tf.function(input_signature=[spec], autograph=False)
    def probabilities(pictures: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(model(pictures, training=False), name="probabilities")

    return probabilities


def frozen(model: keras.Model) -> Any:
    """The same with the weights as constants, which TensorFlow then lays out for its kernels once and for all."""
    spec = tf.TensorSpec((None, *model.input.shape[1:]), tf.float32, "pictures")
    values = [(weight, tf.constant(keras.ops.convert_to_numpy(weight))) for weight in model.weights]

    @tf.function(input_signature=[spec], autograph=False)
    def probabilities(pictures: tf.Tensor) -> tf.Tensor:
        constants = [(weight, tf.constant(value.numpy())) for weight, value in values]
        with keras.StatelessScope(state_mapping=constants):
            return tf.nn.softmax(model(pictures, training=False), name="probabilities")

    return probabilities
