"""Runs an exported file in its own runtime and nothing else: a program that imports nothing of this project.

python runtimes.py RUNTIME FILE PICTURES ANSWERS

`PICTURES` is an .npz file: `pictures`, uint8 of the network's input size; `encoded`, the bytes of picture files joined
together, and `ends`, where each of them ends; `raw 0` and so on, some pictures before the evaluation transform.
`ANSWERS` becomes an .npz file with the probabilities from each entry point of the file, the median `milliseconds` of
batches of 1 and 8, and a `note` on what the file needs to run.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCHES = (1, 8)
"""The batches that are timed, in pictures."""
BATCH = 8
"""The pictures in a batch where time does not matter, but memory does: VGG's first layers have 13 MB for each picture,
several times over."""
Predict = Callable[[np.ndarray], np.ndarray]
"""From pictures (batch, height, width, channels) to probabilities (batch, classes)."""
Entries = dict[str, np.ndarray]
"""Probabilities (count, classes) by the entry point that gave them, such as a signature of a SavedModel."""
Ran = tuple[Entries, Predict, str]
"""The answers of a file, its entry point that is timed, and what to know about running it, empty if nothing."""
WITHOUT_XNNPACK = (
    "XNNPACK refuses it, so it runs in LiteRT's own kernels only: "
    "Interpreter(..., experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)"
)


@dataclass(frozen=True)
class Given:
    """Pictures in the three forms that a SavedModel takes.

    Attributes:
        pictures: uint8 (count, height, width, channels) of the network's input size.
        encoded: the same pictures as files; empty if there is no format for them.
        raw: the first few before the evaluation transform.
    """

    pictures: np.ndarray
    encoded: list[bytes]
    raw: list[np.ndarray]


def saved_model(path: str, given: Given) -> Ran:
    """Runs each signature with TensorFlow alone; its classes must agree with its probabilities."""
    import tensorflow as tf

    signatures = tf.saved_model.load(path).signatures

    def answers(name: str, **inputs: Any) -> np.ndarray:
        found = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        probabilities, ids = found["probabilities"].numpy(), found["class_ids"].numpy()
        _check_ids(probabilities, ids)
        if found["class_names"].numpy().tolist() != [labels[number] for number in ids]:
            raise ValueError(f"{name}: class_names do not agree with class_ids")
        return probabilities

    def floats(batch: np.ndarray) -> np.ndarray:
        return signatures["serving_default"](pictures=tf.constant(batch, tf.float32))["probabilities"].numpy()

    labels = _labels(path)
    entries = {
        "serving_default": _batched(
            lambda some: answers("serving_default", pictures=some.astype(np.float32)), given.pictures
        ),
        "serve_uint8": np.concatenate([answers("serve_uint8", pictures=picture[np.newaxis]) for picture in given.raw]),
    }
    if given.encoded:
        entries["serve_bytes"] = _batched(lambda some: answers("serve_bytes", picture_bytes=some), given.encoded)
    return entries, floats, ""


def _labels(path: str) -> list[bytes]:
    with open(os.path.join(path, "assets", "labels.txt"), "rb") as file:
        return file.read().split(b"\n")[:-1]


def _check_ids(probabilities: np.ndarray, ids: np.ndarray) -> None:
    if not np.array_equal(ids, probabilities.argmax(-1)):
        raise ValueError("class_ids do not agree with the largest probabilities")


def keras(path: str, given: Given) -> Ran:
    """Runs the file with Keras alone."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras
    import tensorflow as tf

    model = keras.models.load_model(path, compile=False)
    compiled = tf.function(lambda batch: model(batch, training=False))

    def floats(batch: np.ndarray) -> np.ndarray:
        return compiled(tf.constant(batch, tf.float32)).numpy()

    return {"pictures": _batched(floats, given.pictures)}, floats, ""


def onnx(path: str, given: Given) -> Ran:
    """Runs the file with ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def floats(batch: np.ndarray) -> np.ndarray:
        probabilities, ids = session.run(["probabilities", "class_ids"], {"pictures": batch.astype(np.float32)})
        _check_ids(probabilities, ids)
        return probabilities

    return {"pictures": _batched(floats, given.pictures)}, floats, ""


def litert(path: str, given: Given) -> Ran:
    """Runs the file with LiteRT, on as many threads as there are CPUs. XNNPACK, which LiteRT runs by default, refuses
    some quantised networks, such as one with a sum whose scales differ too much."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    note = ""
    try:
        interpreter = Interpreter(path, num_threads=os.cpu_count())
        interpreter.allocate_tensors()
    except RuntimeError as error:
        if "xnnpack" not in str(error).lower():
            raise
        note, plain = WITHOUT_XNNPACK, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(path, num_threads=os.cpu_count(), experimental_op_resolver_type=plain)
    (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()

    def floats(batch: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != batch.shape:
            interpreter.resize_tensor_input(entry["index"], batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], _quantized(batch, entry))
        interpreter.invoke()
        return _real(interpreter.get_tensor(answer["index"]), answer)

    return {"pictures": _batched(floats, given.pictures)}, floats, note


def _quantized(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    if tensor["dtype"] == np.float32:
        return values.astype(np.float32)
    scale, zero = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.round(values / scale) + zero, limits.min, limits.max).astype(tensor["dtype"])


def _real(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    if tensor["dtype"] == np.float32:
        return values
    scale, zero = tensor["quantization"]
    return (values.astype(np.float32) - zero) * np.float32(scale)


def _batched(predict: Callable[[Any], np.ndarray], inputs: Any) -> np.ndarray:
    return np.concatenate([predict(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH)])


def milliseconds(predict: Predict, batch: np.ndarray, rounds: int = 30, limit: float = 2.0) -> float:
    """The median time of a call, in milliseconds, after two calls that are not counted.

    Args:
        predict: what is timed.
        batch: its input.
        rounds: the number of calls at most.
        limit: after this many seconds no more calls are made, but at least three.
    """
    predict(batch)
    predict(batch)
    times: list[float] = []
    while len(times) < rounds and (sum(times) < limit or len(times) < 3):
        began = time.perf_counter()
        predict(batch)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


@dataclass(frozen=True)
class Runtime:
    """What runs the files of a format.

    Attributes:
        run: from a file and pictures to their probabilities by each entry point, and the rest of `Ran`.
        without: the packages that the file must run without.
    """

    run: Callable[[str, Given], Ran]
    without: tuple[str, ...]


PROJECT = ("builder", "archspec")
RUNTIMES = {
    "saved_model": Runtime(saved_model, ("keras", *PROJECT)),
    "keras": Runtime(keras, PROJECT),
    "onnx": Runtime(onnx, ("tensorflow", "keras", *PROJECT)),
    "litert": Runtime(litert, ("tensorflow", "keras", *PROJECT)),
}


def main(runtime: str, path: str, pictures: str, answers: str) -> None:
    with np.load(pictures) as file:
        content, ends = file["encoded"].tobytes(), file["ends"].tolist()
        encoded = [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        raw = [file[name] for name in file.files if name.startswith("raw ")]
        given = Given(file["pictures"], encoded, raw)
    for name in RUNTIMES[runtime].without:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it is an error from here on
    entries, predict, note = RUNTIMES[runtime].run(path, given)
    times = [milliseconds(predict, np.resize(given.pictures, (batch, *given.pictures.shape[1:]))) for batch in BATCHES]
    np.savez(answers, **{"milliseconds": np.array(times), "note": np.array(note), **entries})  # type: ignore[arg-type]  # its stubs


if __name__ == "__main__":
    main(*sys.argv[1:])
