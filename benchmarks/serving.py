"""Inference of exported files: the optimised SavedModel against the plain one and ONNX Runtime, int8 LiteRT against
float32.

Each file is run in its own process, which waits while another is measured. Weights are random, as they do not change
what a prediction costs. TensorFlow uses oneDNN, which importing `builder` turns on. SERVING_NETWORKS=vgg_d,resnet18
measures other networks.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Ratio, Row, show
from builder.system.cpu import computes_int8

SPECS = Path(__file__).parent.parent / "specs"
NETWORKS = ("resnet50", "alexnet_two_tower")
BATCHES = (1, 8)
TARGETS = (1.2, 0.95, 1.5 if computes_int8() else None)
"""What the three comparisons of ResNet-50 are to reach."""
SECONDS = 8.0
"""How long each comparison measures."""
FEWEST = 7
PAUSE = 0.3
"""Seconds between two measurements, as ONNX Runtime's threads keep spinning when they are done: without the pause
TensorFlow, measured next, took 115 ms instead of 83 for a picture."""


def run() -> None:
    networks = os.environ.get("SERVING_NETWORKS", ",".join(NETWORKS)).split(",")
    for network in networks:
        with tempfile.TemporaryDirectory() as folder:
            # Another process writes the files, as doing so keeps memory and threads.
            subprocess.run([sys.executable, "-m", __name__, "write", network, folder], check=True)
            files = Path(folder)
            plain, onnx, int8 = TARGETS if network == "resnet50" else (None, None, None)
            rows = [
                row
                for batch in BATCHES
                for row in (
                    _compared("optimised / plain SavedModel", files, "optimised", "plain", batch, plain),
                    _compared("optimised SavedModel / ONNX Runtime", files, "optimised", "onnx", batch, onnx),
                    _compared("LiteRT int8 / float32", files, "int8.tflite", "float32.tflite", batch, int8),
                )
            ]
            show(f"Serving {network}, pictures per second", rows, "other")


def _compared(what: str, files: Path, ours: str, other: str, batch: int, target: float | None) -> Row:
    """Compares two files, measured alternately."""
    shape = _shape(files)
    with Worker(files / ours, batch, shape) as one, Worker(files / other, batch, shape) as two:
        pairs: list[tuple[float, float]] = []
        began = time.monotonic()
        while len(pairs) < FEWEST or time.monotonic() - began < SECONDS:
            pairs.append((one.seconds(), two.seconds()))
    ratio = Ratio([b / a for a, b in pairs])
    mine, theirs = (f"{batch / statistics.median(times):.1f}" for times in zip(*pairs, strict=True))
    return Row(f"{what}, batch {batch}", mine, theirs, ratio, target)


def _shape(files: Path) -> tuple[int, ...]:
    return tuple(map(int, (files / "shape.txt").read_text().split()))


class Worker:
    """A process that runs a file once for each line it is sent, and replies with the seconds."""

    def __init__(self, path: Path, batch: int, shape: tuple[int, ...]):
        arguments = ["-m", __name__, "work", str(path), str(batch), *map(str, shape)]
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Worker:
        for _ in range(3):
            self.seconds()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def seconds(self) -> float:
        time.sleep(PAUSE)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def _work(path: str, batch: int, shape: tuple[int, ...]) -> None:
    import numpy as np

    pictures = np.random.default_rng(0).uniform(0, 255, (batch, *shape)).astype(np.float32)
    call = _opened(path, pictures)
    for _ in sys.stdin:
        began = time.perf_counter()
        call()
        print(time.perf_counter() - began, flush=True)


def _opened(path: str, pictures: Any) -> Callable[[], Any]:
    if path.endswith("onnx"):
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"pictures": pictures})
    if path.endswith(".tflite"):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(path, num_threads=os.cpu_count())
        (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.resize_tensor_input(entry["index"], pictures.shape)
        interpreter.allocate_tensors()

        def call() -> Any:
            interpreter.set_tensor(entry["index"], pictures.astype(entry["dtype"]))
            interpreter.invoke()
            return interpreter.get_tensor(answer["index"])

        return call
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    given = tf.constant(pictures)
    return lambda: next(iter(signature(**{name: given}).values())).numpy()


def _write(name: str, folder: Path) -> None:
    """Writes the files of a network with random weights."""
    from builder.system.tensorflow_start import import_tensorflow

    import_tensorflow()
    import keras
    import numpy as np

    import archspec
    import builder
    from archspec.recipe.resizing import Resizing
    from builder.exports import litert_file, onnx_file, saved_model
    from builder.exports.folding import fold
    from builder.exports.inference import InferenceNetwork
    from builder.pictures.normalisation import Normalisation, from_pixels

    spec = archspec.load(SPECS / f"{name}.yaml")
    keras.utils.set_random_seed(0)
    model = builder.build(spec, "portable")
    rng = np.random.default_rng(0)
    for weight in model.weights:  # as if trained: values that are initially 0 or 1 would be optimised away
        if len(weight.shape) == 1:
            weight.assign(rng.uniform(0.8, 1.2, weight.shape) - (weight.name in ("beta", "bias", "moving_mean")))
    weights = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    shape, (classes,) = spec.graph.input.shape, spec.graph.output.shape
    normalisation = Normalisation((120.0,) * shape[2], (60.0,) * shape[2])
    network = InferenceNetwork(
        name, fold(spec.graph, weights), Resizing(), tuple(map(str, range(classes))), normalisation, {}
    )
    from_pixels(model, normalisation).export(str(folder / "plain"), verbose=False)
    saved_model.write(network, folder / "optimised")
    gc.collect()  # the graph holds its weights many times over
    onnx_file.write(network, folder / "onnx")
    gc.collect()
    calibration = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    for kind in ("float32", "int8"):
        litert_file.write(network, folder / f"{kind}.tflite", kind, calibration)
    (folder / "shape.txt").write_text(" ".join(map(str, shape)))


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    if action == "write":
        _write(arguments[0], Path(arguments[1]))
    else:
        _work(arguments[0], int(arguments[1]), tuple(map(int, arguments[2:])))
