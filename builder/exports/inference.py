"""The functions of an exported model: from pictures in any of three forms to probabilities and classes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from builder.exports.folding import Folded, fold
from builder.network.model import Lowering, build
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.pictures.resizing import Shape, centre_crop, centre_crop_bytes
from builder.runs.directory import recipe_of
from builder.runs.names import ENVIRONMENT, METRICS, SPEC
from builder.runs.run import Run

LABELS = "labels.txt"
FILE_CHANNELS = (1, 3, 4)
"""Of pictures that there are files of; a network of others is not served bytes."""
MOST_FROZEN = 1 << 30
"""Bytes of weights. A graph's file may have 2 GiB; a network of more keeps its weights beside the graph."""


@dataclass(frozen=True)
class InferenceNetwork:
    """A trained network made ready for inference.

    Attributes:
        name: the network's.
        folded: its graph and weights, with normalisations folded into kernels.
        resize: a recipe's `eval_resize`.
        class_names: by label.
        pixels: the normalisation before it.
        texts: what goes along, by file name: the spec, metrics and environment of its run, and the labels.
    """

    name: str
    folded: Folded
    resize: int | None
    class_names: tuple[str, ...]
    pixels: Normalisation
    texts: Mapping[str, str]

    @property
    def shape(self) -> Shape:
        """Of its input, (height, width, channels)."""
        height, width, channels = self.folded.graph.input.shape
        return height, width, channels

    @property
    def weight_bytes(self) -> int:
        return sum(value.nbytes for value in self.folded.weights.values())

    def model(self, lowering: Lowering = "portable") -> keras.Model:
        """From pictures of `shape`, pixels from 0 to 255 as floats, to logits."""
        network = build(self.folded.graph, lowering, "float32")
        for weight in network.weights:
            weight.assign(self.folded.weights[weight.path])
        return from_pixels(network, self.pixels)

    def metadata(self) -> dict[str, str]:
        """What formats that keep texts are given."""
        about = {"shape": self.shape, "resize": self.resize, "pixels": "0 to 255"}
        return {"input": json.dumps(about), **self.texts}


def of_run(trained: Run) -> InferenceNetwork:
    """The network of a run's best weights."""
    run, classes = trained.directory, trained.about.class_names
    files = [path for name in (SPEC, METRICS, ENVIRONMENT) if (path := run / name).is_file()]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    return InferenceNetwork(
        name=trained.spec.name,
        folded=fold(trained.spec.graph, trained.weights),
        resize=recipe_of(trained.spec).eval_resize,
        class_names=classes,
        pixels=trained.about.pixels,
        texts={**texts, LABELS: "".join(f"{name}\n" for name in classes)},
    )


def endpoints(network: InferenceNetwork) -> tuple[dict[str, Any], list[Any]]:
    """The signatures of a SavedModel, and the variables that they read. All share one graph of the network.

    Returns:
        `serving_default` of `pictures`, floats of the network's input; `serve_uint8` of `pictures` of any one size;
        `serve_bytes` of `picture_bytes`, the contents of JPEG (turned upright), PNG, GIF or BMP files. Each gives
        `probabilities` (batch, classes), and of the likeliest class `class_ids` (batch,) and `class_names` (batch,).
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
        return answers(tf.cast(centre_crop(pictures, network.shape, network.resize), tf.float32))

    def of_bytes(picture_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return answers(
            tf.cast(centre_crop_bytes(picture_bytes, network.shape, network.resize, is_turned=True), tf.float32)
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
    """A model's probabilities as a compiled function of (batch, height, width, channels) floats."""
    return _probabilities(model, lambda: contextlib.nullcontext())


def frozen(model: keras.Model) -> Any:
    """The same with the weights as constants, which TensorFlow lays out for its kernels once and for all."""
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
