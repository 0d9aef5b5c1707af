"""Runs an exported file by its own runtime and nothing else: a program that imports nothing of this project.

python runtimes.py KIND FILE PICTURES ANSWERS

`PICTURES` is an .npz: `pictures`, uint8 of the network's input size; `encoded` and `ends`, the bytes of picture files
one behind the other; `raw 0` and so on, some pictures before the evaluation transform. `ANSWERS` becomes an .npz of the
probabilities by each way into the file, and the median `milliseconds` of batches of 1 and 8.
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
Run = Callable[[np.ndarray], np.ndarray]
BATCH = 32


@dataclass(frozen=True)
class Given:
    """Pictures in the three forms that a SavedModel takes; `raw` are the first of them."""

    pictures: np.ndarray
    encoded: list[bytes]
    raw: list[np.ndarray]


Ways = dict[str, np.ndarray]


def saved_model(path: str, given: Given) -> tuple[Ways, Run]:
    """TensorFlow alone, by each signature; the classes must be those of the probabilities."""
    import tensorflow as tf

    signatures = tf.saved_model.load(path).signatures

    def answers(name: str, **inputs: Any) -> np.ndarray:
        found = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        probabilities, ids = found["probabilities"].numpy(), found["class_ids"].numpy()
        _check_ids(probabilities, ids)
        if found["class_names"].numpy().tolist() != [labels[number] for number in ids]:
            raise ValueError(f"{name}: class_names are not those of class_ids")
        return probabilities

    def floats(batch: np.ndarray) -> np.ndarray:
        return signatures["serving_default"](pictures=tf.constant(batch, tf.float32))["probabilities"].numpy()

    labels = _labels(path)
    ways = {
        "serving_default": _batched(
            lambda some: answers("serving_default", pictures=some.astype(np.float32)), given.pictures
        ),
        "serve_uint8": np.concatenate([answers("serve_uint8", pictures=picture[np.newaxis]) for picture in given.raw]),
    }
    if given.encoded:
        ways["serve_bytes"] = _batched(lambda some: answers("serve_bytes", picture_bytes=some), given.encoded)
    return ways, floats


def _labels(path: str) -> list[bytes]:
    with open(os.path.join(path, "assets", "labels.txt"), "rb") as file:
        return file.read().split(b"\n")[:-1]


def _check_ids(probabilities: np.ndarray, ids: np.ndarray) -> None:
    if not np.array_equal(ids, probabilities.argmax(-1)):
        raise ValueError("class_ids are not those of the largest probabilities")


def keras(path: str, given: Given) -> tuple[Ways, Run]:
    """Keras alone."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras
    import tensorflow as tf

    model = keras.models.load_model(path, compile=False)
    compiled = tf.function(lambda batch: model(batch, training=False))

    def floats(batch: np.ndarray) -> np.ndarray:
        return compiled(tf.constant(batch, tf.float32)).numpy()

    return {"pictures": _batched(floats, given.pictures)}, floats


def onnx(path: str, given: Given) -> tuple[Ways, Run]:
    """ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def floats(batch: np.ndarray) -> np.ndarray:
        probabilities, ids = session.run(["probabilities", "class_ids"], {"pictures": batch.astype(np.float32)})
        _check_ids(probabilities, ids)
        return probabilities

    return {"pictures": _batched(floats, given.pictures)}, floats


def litert(path: str, given: Given) -> tuple[Ways, Run]:
    """LiteRT, with as many threads as there are CPUs."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=os.cpu_count())
    (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()

    def floats(batch: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != batch.shape:
            interpreter.resize_tensor_input(entry["index"], batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], _quantized(batch, entry))
        interpreter.invoke()
        return _real(interpreter.get_tensor(answer["index"]), answer)

    return {"pictures": _batched(floats, given.pictures)}, floats


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


def _batched(run: Callable[[Any], np.ndarray], inputs: Any) -> np.ndarray:
    return np.concatenate([run(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH)])


def milliseconds(run: Run, batch: np.ndarray, rounds: int = 30, limit: float = 2.0) -> float:
    """The median time of a call, after two that are not counted; fewer of them where they are slow."""
    run(batch)
    run(batch)
    times: list[float] = []
    while len(times) < rounds and (sum(times) < limit or len(times) < 3):
        began = time.perf_counter()
        run(batch)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


KINDS = {"saved_model": saved_model, "keras": keras, "onnx": onnx, "litert": litert}
WITHOUT = {
    "saved_model": ("keras", "builder", "archspec"),
    "keras": ("builder", "archspec"),
    "onnx": ("tensorflow", "keras", "builder", "archspec"),
    "litert": ("tensorflow", "keras", "builder", "archspec"),
}
"""What a file must run without."""


def main(kind: str, path: str, pictures: str, answers: str) -> None:
    with np.load(pictures) as file:
        content, ends = file["encoded"].tobytes(), file["ends"].tolist()
        encoded = [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        raw = [file[name] for name in file.files if name.startswith("raw ")]
        given = Given(file["pictures"], encoded, raw)
    for name in WITHOUT[kind]:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it is an error from here on
    ways, run = KINDS[kind](path, given)
    times = [milliseconds(run, np.resize(given.pictures, (batch, *given.pictures.shape[1:]))) for batch in BATCHES]
    np.savez(answers, **{"milliseconds": np.array(times), **ways})  # type: ignore[arg-type]  # its stubs


if __name__ == "__main__":
    main(*sys.argv[1:])
