"""A trained network ready for inference: from pictures in any of three forms to probabilities and classes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from archspec import Graph, Node
from archspec.files import read_text
from archspec.ops.initializers import ZEROS
from archspec.recipe.resizing import Resizing
from builder.data.samples import FILE_CHANNELS
from builder.exports.folding import Folded, fold
from builder.network.choices import CONVOLUTION_TYPE, forced, groups_apart
from builder.network.model import Lowering, build
from builder.network.shapes_only import shapes_only
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.pictures.pixel_range import ANY, PixelRange
from builder.pictures.resizing import Shape, fitted, fitted_bytes
from builder.runs.environment import package_version
from builder.runs.names import ENVIRONMENT, METRICS, SPEC
from builder.runs.public import public_environment, public_spec
from builder.runs.run import Run
from builder.system.files import json_text

LABELS = "labels.txt"
ALL_CONSTANT = 256 << 20
"""The bytes of kernels of convolutions up to which all of them become constants of a SavedModel's graph: those of
ResNet-152. Constants take 25 times their memory while they are written, and as much when they are served (ResNet-50,
TensorFlow 2.21: 2.5 GB in each), variables twice; but TensorFlow arranges variables for its kernels in each call."""
MOST_CONSTANT = 64 << 20
"""The bytes of kernels that become constants where there are more than that, so that such a network can be exported in
4 GB."""
LEAST_VARIABLE = 1 << 20
"""Weights of fewer bytes are constants in any case."""
WeightOf = Callable[[str], Any]
"""From the name of a weight to a tensor, an array or a variable, in the graph that is being traced."""


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
        pixel_range: the lowest and the highest pixel that it was trained on.
    """

    name: str
    folded: Folded
    resizing: Resizing
    class_names: tuple[str, ...]
    normalisation: Normalisation
    texts: Mapping[str, str]
    pixel_range: PixelRange = ANY

    @property
    def shape(self) -> Shape:
        """The shape of its input, (height, width, channels)."""
        return input_shape(self.folded.graph)

    @property
    def weight_bytes(self) -> int:
        return sum(value.nbytes for value in self.folded.weights.values())

    def model(self) -> keras.Model:
        """A Keras model of stock layers, from pictures (batch, *shape), float32 from 0 to 255, to logits (batch,
        classes)."""
        network = build(_begun_with_zeros(self.folded.graph), "portable", "float32")
        for weight in network.weights:
            weight.assign(self.folded.weights[weight.path])
        return from_pixels(network, self.normalisation)

    def probabilities(
        self, lowering: Lowering, weight_of: WeightOf, precision: str = "float32"
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """A function to trace, from pictures (batch, *shape), float32 from 0 to 255, to probabilities (batch, classes),
        float32.

        Args:
            lowering: the layers that it is made of.
            weight_of: gives each weight by its name. It is called while the function is traced, so that a file can
                have its weights as constants, variables or inputs; the function itself holds none.
            precision: that of the layers; the weights are float32 in each.
        """
        with shapes_only():
            model = from_pixels(build(self.folded.graph, lowering, precision), self.normalisation)

        def probabilities(pictures: tf.Tensor) -> tf.Tensor:
            # Half width even where this machine lacks it: the file may be for another.
            own_type = contextlib.nullcontext() if precision == "float32" else forced(CONVOLUTION_TYPE, "its own")
            # As updates rather than as a state, for which Keras converts bfloat16 to float32.
            # Groups apart, as TensorFlow without oneDNN has no grouped convolution that is fused with its activation.
            with keras.StatelessScope(initialize_variables=False) as scope, own_type, groups_apart():
                for weight in model.weights:
                    scope.add_update((weight, tf.convert_to_tensor(weight_of(weight.path))))
                return tf.nn.softmax(model(pictures, training=False), name="probabilities")

        return probabilities

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
        """The texts for formats that can hold some, by name: all that a program needs to know that has only the file.

        `classes` are the names by label; `mean` and `std`, by channel and in pixels from 0 to 255, are those of the
        normalisation that is part of the network; `pixel_range` is that of the pictures that it was trained on; `input`
        has the size of its pictures, and how others are resized and cropped. Each of them is JSON; `name` and `version`
        (of convspec) are plain.
        """
        facts = {
            "classes": self.class_names,
            "mean": self.normalisation.mean,
            "std": self.normalisation.std,
            "pixel_range": self.pixel_range,
            "input": self.input_description,
        }
        version = package_version("convspec")
        return {
            "name": self.name,
            **({"version": version} if version else {}),
            **{name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()},
            **self.texts,
        }


def input_shape(graph: Graph) -> Shape:
    """The shape of a network's pictures, (height, width, channels)."""
    height, width, channels = graph.input.shape
    return height, width, channels


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
        pixel_range=run.about.pixel_range,
        texts={**texts, LABELS: "".join(f"{name}\n" for name in classes)},
    )


def endpoints(network: InferenceNetwork, precision: str = "float32") -> tuple[dict[str, Any], list[Any]]:
    """The signatures of a SavedModel, and the variables that they read. All share one graph of the network.

    Returns:
        `serving_default` takes `pictures`, float32 of the network's input shape; `serve_uint8` takes `pictures`, which
        may have any one size; `serve_bytes` takes `picture_bytes`, the contents of JPEG (turned upright), PNG, GIF, BMP
        or WebP files, whose transparent parts are put on a background as in training. Each returns `probabilities`
        (batch, classes), and for the most probable class `class_ids` (batch,) and `class_names` (batch,).
    """
    weights, constant = network.folded.weights, constant_weights(network)

    def stored(name: str) -> tf.Tensor:
        value = weights[name]
        is_kernel = precision == "mixed_bfloat16" and value.ndim > 1
        return tf.constant(value, tf.bfloat16 if is_kernel else tf.float32)

    variables = {name: tf.Variable(stored(name), trainable=False) for name in weights if name not in constant}

    def weight_of(name: str) -> Any:
        return stored(name) if name in constant else variables[name]

    probabilities = compiled(network, network.probabilities("fast", weight_of, precision))
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
    return signatures, list(variables.values())


def compiled(network: InferenceNetwork, probabilities: Callable[[tf.Tensor], tf.Tensor]) -> Any:
    """A function of pictures, float32 (batch, height, width, channels), as a graph."""
    spec = tf.TensorSpec((None, *network.shape), tf.float32, "pictures")
    return tf.function(probabilities, input_signature=[spec], autograph=False)


def constant_weights(network: InferenceNetwork) -> set[str]:
    """The names of the weights that become constants of a graph, which TensorFlow arranges only once."""
    described = sorted((value.nbytes, value.ndim > 2, name) for name, value in network.folded.weights.items())
    kernels = sum(size for size, is_kernel, _ in described if is_kernel)
    left = kernels if kernels <= ALL_CONSTANT else MOST_CONSTANT
    constant = {name for size, _, name in described if size < LEAST_VARIABLE}
    for size, is_kernel, name in described:
        if is_kernel and size <= left:
            constant.add(name)
            left -= size
    return constant


def _begun_with_zeros(graph: Graph) -> Graph:
    """The graph with zeros for all weights to begin with, which are drawn in no time."""
    zeros = {"initializer": ZEROS, "bias_initializer": ZEROS, "scale_initializer": ZEROS}

    def begun(node: Node) -> Node:
        fields = {field.name for field in dataclasses.fields(node.op)} & zeros.keys()
        return replace(node, op=replace(node.op, **{name: zeros[name] for name in fields}))

    return Graph(graph.name, tuple(map(begun, graph.nodes)))
