"""A trained network ready for inference: from pictures in any of three forms to probabilities and classes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from archspec.files import read_text
from archspec.recipe.resizing import Resizing
from builder.data.samples import FILE_CHANNELS
from builder.exports.folding import Folded, fold
from builder.network.model import Lowering, build
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.pictures.resizing import Shape, fitted, fitted_bytes
from builder.runs.names import ENVIRONMENT, METRICS, SPEC
from builder.runs.public import public_environment, public_spec
from builder.runs.run import Run
from builder.system.files import json_text

LABELS = "labels.txt"
MOST_FROZEN = 1 << 30
"""The bytes of weights that may become constants of the graph. A graph's file is limited to 2 GiB, so a larger network
keeps its weights beside the graph."""


@dataclass(frozen=True)
class InferenceNetwork:
    """A trained network made ready for inference.

    Attributes:
        name: the network's name.
        folded: its graph and weights, with batch normalisations folded into kernels.
        resizing: the evaluation transform.
        class_names: the names of the classes, by label.
        normalisation: the normalisation of pixels in front of it.
        texts: the texts that accompany it, by file name: the labels, and the spec, metrics and environment of its run,
            without what these say of the machine.
    """

    name: str
    folded: Folded
    resizing: Resizing
    class_names: tuple[str, ...]
    normalisation: Normalisation
    texts: Mapping[str, str]

    @property
    def shape(self) -> Shape:
        """The shape of its input, (height, width, channels)."""
        height, width, channels = self.folded.graph.input.shape
        return height, width, channels

    @property
    def weight_bytes(self) -> int:
        return sum(value.nbytes for value in self.folded.weights.values())

    def model(self, lowering: Lowering = "portable") -> keras.Model:
        """A Keras model from pictures (batch, *shape), float32 from 0 to 255, to logits (batch, classes)."""
        network = build(self.folded.graph, lowering, "float32")
        for weight in network.weights:
            weight.assign(self.folded.weights[weight.path])
        return from_pixels(network, self.normalisation)

    @property
    def input_description(self) -> dict[str, Any]:
        """What the input is, for people and programs that have only the exported file."""
        resizing = self.resizing
        return {
            "shape": list(self.shape),
            "resize": resizing.mode,
            "eval_resize": resizing.side,
            "pixels": "0 to 255",
        }

    def metadata(self) -> dict[str, str]:
        """The texts for formats that can hold some, with a description of the input."""
        return {"input": json.dumps(self.input_description), **self.texts}


def network_of(run: Run) -> InferenceNetwork:
    """A run's network with its best weights."""
    classes = run.about.class_names
    texts = {SPEC: public_spec(run.spec)}
    if (run.directory / METRICS).is_file():
        texts[METRICS] = read_text(run.directory / METRICS)
    texts[ENVIRONMENT] = json_text(public_environment(run.environment))
    return InferenceNetwork(
        name=run.spec.name,
        folded=fold(run.spec.graph, run.weights),
        resizing=run.recipe.resizing,
        class_names=classes,
        normalisation=run.about.normalisation,
        texts={**texts, LABELS: "".join(f"{name}\n" for name in classes)},
    )


def endpoints(network: InferenceNetwork) -> tuple[dict[str, Any], list[Any]]:
    """The signatures of a SavedModel, and the variables that they read. All share one graph of the network.

    Returns:
        `serving_default` takes `pictures`, float32 of the network's input shape; `serve_uint8` takes `pictures`, which
        may have any one size; `serve_bytes` takes `picture_bytes`, the contents of JPEG (turned upright), PNG, GIF, BMP
        or WebP files, whose transparent parts are put on a background as in training. Each returns `probabilities`
        (batch, classes), and for the most probable class `class_ids` (batch,) and `class_names` (batch,).
    """
    model = network.model("fast")
    is_frozen = network.weight_bytes <= MOST_FROZEN
    probabilities = frozen(model) if is_frozen else plain(model)
    height, width, channels = network.shape

    def answers(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        shares = probabilities(pictures)
        ids = tf.argmax(shares, -1)
        names = tf.gather(tf.constant(network.class_names), ids)
        return {"probabilities": shares, "class_ids": ids, "class_names": names}

    def of_uint8(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        return answers(tf.cast(fitted(pictures, network.shape, network.resizing), tf.float32))

    def of_bytes(picture_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return answers(
            tf.cast(fitted_bytes(picture_bytes, network.shape, network.resizing, is_turned=True), tf.float32)
        )

    inputs = {
        "serving_default": (answers, tf.TensorSpec((None, height, width, channels), tf.float32, "pictures")),
        "serve_uint8": (of_uint8, tf.TensorSpec((None, None, None, channels), tf.uint8, "pictures")),
        "serve_bytes": (of_bytes, tf.TensorSpec((None,), tf.string, "picture_bytes")),
    }
    signatures = {
        name: tf.function(function, input_signature=[spec], autograph=False).get_concrete_function()
        for name, (function, spec) in inputs.items()
        if name != "serve_bytes" or channels in FILE_CHANNELS
    }
    return signatures, [] if is_frozen else [weight.value for weight in model.weights]


def plain(model: keras.Model) -> Any:
    """A model's probabilities as a compiled function of pictures, float32 (batch, height, width, channels)."""
    return _probabilities(model, lambda: contextlib.nullcontext())


def frozen(model: keras.Model) -> Any:
    """A model's probabilities with its weights as constants, which TensorFlow arranges for its kernels only once."""
    values = [(weight, keras.ops.convert_to_numpy(weight)) for weight in model.weights]

    def constants() -> contextlib.AbstractContextManager[Any]:
        return keras.StatelessScope(state_mapping=[(weight, tf.constant(value)) for weight, value in values])

    return _probabilities(model, constants)


def _probabilities(model: keras.Model, scope: Callable[[], contextlib.AbstractContextManager[Any]]) -> Any:
    spec = tf.TensorSpec((None, *model.input.shape[1:]), tf.float32, "pictures")

    @tf.function(input_signature=[spec], autograph=False)
    def probabilities(pictures: tf.Tensor) -> tf.Tensor:
        with scope():
            return tf.nn.softmax(model(pictures, training=False), name="probabilities")

    return probabilities
