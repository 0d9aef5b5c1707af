"""How the file of each format is used: what it is for, and the program that a model card shows."""

from __future__ import annotations

from dataclasses import dataclass

from archspec.recipe.resizing import Resizing

Shape = tuple[int, int, int]
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's modes of pictures, by their channels."""
MARGIN = 256 / 224
"""The ratio of the resized side to the side of the crop by default; see `builder.pictures.resizing`, which imports
TensorFlow."""
PREPARATION_PACKAGES = "numpy pillow"
"""What the program of `preparation` needs to be installed."""


@dataclass(frozen=True)
class Usage:
    """How the file of a format is used.

    Attributes:
        purpose: what the file is for, in a few words.
        program: lines of Python that end with `probabilities`, (1, classes), of the picture in `picture.png` or of
            `pictures`, which `preparation` makes. `{file}` stands for the file.
        packages: what it needs to be installed.
        tag: the word for the format among the tags of a model card.
        reads_files: whether the program takes `picture.png` itself, so that nothing has to be prepared.
    """

    purpose: str
    program: str
    packages: str
    tag: str
    reads_files: bool = False


def _saved_model(purpose: str) -> Usage:
    program = """\
import tensorflow as tf

serve = tf.saved_model.load("{file}").signatures["serve_bytes"]
probabilities = serve(picture_bytes=tf.constant([open("picture.png", "rb").read()]))["probabilities"].numpy()
"""
    return Usage(purpose, program, "tensorflow", "tensorflow", reads_files=True)


SAVED_MODEL = _saved_model("TensorFlow, TensorFlow Serving")
SAVED_MODEL_BFLOAT16 = _saved_model("the same, on CPUs with AVX-512 BF16 or AMX")
SAVED_MODEL_OF_ARRAYS = """\
import tensorflow as tf

serve = tf.saved_model.load("{file}").signatures["serving_default"]
probabilities = serve(pictures=tf.constant(pictures))["probabilities"].numpy()
"""
"""The program of a SavedModel whose pictures have a number of channels that no picture file has."""

KERAS = Usage(
    "Keras 3",
    """\
import keras

model = keras.models.load_model("{file}", compile=False)
probabilities = model.predict(pictures, verbose=0)
""",
    "keras tensorflow",
    "keras",
)

ONNX = Usage(
    "ONNX Runtime, and other programs that read ONNX",
    """\
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
probabilities, class_ids = session.run(["probabilities", "class_ids"], {{"pictures": pictures}})
""",
    "onnxruntime",
    "onnx",
)

LITERT_PROGRAM = """\
from ai_edge_litert.interpreter import Interpreter

run = Interpreter("{file}").get_signature_runner()
probabilities = run(pictures=pictures)["probabilities"]
"""
LITERT_INT8_PROGRAM = """\
from ai_edge_litert.interpreter import Interpreter

run = Interpreter("{file}").get_signature_runner()
scale, zero = run.get_input_details()["pictures"]["quantization"]
whole = np.clip(np.round(pictures / scale + zero), 0, 255).astype(np.uint8)
scale, zero = run.get_output_details()["probabilities"]["quantization"]
probabilities = (run(pictures=whole)["probabilities"].astype(np.float32) - zero) * scale
"""


def _litert(purpose: str, program: str = LITERT_PROGRAM) -> Usage:
    return Usage(purpose, program, "ai-edge-litert", "tflite")


LITERT = {
    "float32": _litert("LiteRT (TensorFlow Lite): phones and small devices"),
    "float16": _litert("the same, with weights of half the size"),
    "dynamic": _litert("the same, with weights of a quarter of the size"),
    "int8": _litert("the same, with 8-bit integers throughout", LITERT_INT8_PROGRAM),
}
"""LiteRT's files, by precision."""


def without_xnnpack(program: str) -> str:
    """A program of LiteRT for a file that XNNPACK refuses (`builder.exports.runtimes.WITHOUT_XNNPACK`)."""
    name = "from ai_edge_litert.interpreter import Interpreter"
    resolver = "experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES"
    program = program.replace(name, f"{name}, OpResolverType")
    return program.replace('Interpreter("{file}")', f'Interpreter(\n    "{{file}}", {resolver}\n)')


def preparation(shape: Shape, resizing: Resizing) -> str:
    """Lines of Python that make `pictures`, float32 (1, height, width, channels) with pixels from 0 to 255, of the file
    `picture.png`, as the evaluation transform would."""
    height, width, channels = shape
    if channels not in MODES:
        return f"""\
import numpy as np

pictures = np.zeros((1, {height}, {width}, {channels}), np.float32)  # yours: pixels from 0 to 255, as it was trained on
"""
    return f"""\
import numpy as np
from PIL import Image

picture = Image.open("picture.png").convert("{MODES[channels]}")
{_resized(height, width, resizing)}
pictures = np.asarray(picture, np.float32).reshape(1, {height}, {width}, {channels})
"""


def _resized(height: int, width: int, resizing: Resizing) -> str:
    """The lines that bring `picture` to the network's size, as `builder.pictures.resizing` does."""
    if resizing.mode == "stretch":
        return f"picture = picture.resize(({width}, {height}), Image.Resampling.BILINEAR)"
    ratios = f"{width} / picture.width, {height} / picture.height"
    left, top = f"(wide - {width}) // 2", f"(high - {height}) // 2"
    if resizing.mode == "pad":
        scale, least = f"min({ratios})", (1, 1)
        left, top = f"-(({width} - wide) // 2)", f"-(({height} - high) // 2)"
    elif resizing.side is None:
        side = min(height, width)
        scale = f"max({ratios}) * {round(side * MARGIN)} / {side}"
        scale, least = f"1 if picture.size == ({width}, {height}) else {scale}", (width, height)
    else:
        scale, least = f"max({resizing.side} / min(picture.size), {ratios})", (width, height)
    return f"""\
scale = {scale}
wide, high = max({least[0]}, round(picture.width * scale)), max({least[1]}, round(picture.height * scale))
left, top = {left}, {top}
picture = picture.resize((wide, high), Image.Resampling.BILINEAR).crop((left, top, left + {width}, top + {height}))"""
