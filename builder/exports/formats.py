"""The formats by name: what each is called, needs, writes, and may differ by."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.errors import argument_problem

if TYPE_CHECKING:
    import numpy as np

    from builder.exports.inference import InferenceNetwork


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        file: its file in an export's folder; a SavedModel is the folder itself.
        kind: of `builder.exports.runtimes.KINDS`.
        needs: the packages that it takes, beyond the project's own.
        difference, agreement: what it may differ by from the run's model (`checking.Tolerance`).
    """

    file: str
    kind: str
    needs: tuple[str, ...]
    difference: float
    agreement: float
    write: Callable[[InferenceNetwork, Path, np.ndarray], None]


def _saved_model(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import saved_model

    saved_model.write(network, path)


def _keras(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import keras_file

    keras_file.write(network, path)


def _onnx(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import onnx_file

    onnx_file.write(network, path)


def _litert(kind: str) -> Callable[[InferenceNetwork, Path, np.ndarray], None]:
    def write(network: InferenceNetwork, path: Path, calibration: np.ndarray) -> None:
        from builder.exports import litert_file

        litert_file.write(network, path, kind, calibration)

    return write


LITERT = ("ai_edge_litert",)
FORMATS = {
    "saved_model": Format("", "saved_model", (), 1e-4, 0.99, _saved_model),
    "keras": Format("model.keras", "keras", (), 1e-4, 0.99, _keras),
    "onnx": Format("model.onnx", "onnx", ("onnx", "tf2onnx", "onnxruntime"), 1e-4, 0.99, _onnx),
    "litert-float32": Format("model.float32.tflite", "litert", LITERT, 1e-4, 0.99, _litert("float32")),
    "litert-float16": Format("model.float16.tflite", "litert", LITERT, 0.02, 0.99, _litert("float16")),
    "litert-dynamic": Format("model.dynamic.tflite", "litert", LITERT, 0.25, 0.95, _litert("dynamic")),
    "litert-int8": Format("model.int8.tflite", "litert", LITERT, 0.5, 0.9, _litert("int8")),
}
GROUPS = {"litert": tuple(name for name in FORMATS if name.startswith("litert-"))}
CHOICES = ("saved_model", "keras", "onnx", "litert", *GROUPS["litert"])


def chosen(names: Sequence[str]) -> dict[str, Format]:
    """The formats of some names, each once; `litert` is all four of its kind.

    Raises:
        UserError: a package that one needs is not installed.
    """
    flat = [part for name in names for part in GROUPS.get(name, (name,))]
    found = {name: FORMATS[name] for name in flat}
    for name, form in found.items():
        missing = [package for package in form.needs if importlib.util.find_spec(package) is None]
        if missing:
            raise argument_problem(
                f"--format {name}", f"needs {', '.join(missing)}: install with pip install 'convspec[export]'"
            )
    return found
