"""The formats that a network can be exported to, one row for each.

To add a format, write its module beside this one, give it a row in `FORMATS`, and add to
`builder.exports.runtimes.RUNTIMES` the runtime that checks its files, unless it is there already.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec.errors import argument_problem
from archspec.vocabulary.suggestions import suggestion
from builder.exports import usage
from builder.exports.usage import Usage

if TYPE_CHECKING:
    import numpy as np

    from builder.exports.inference import InferenceNetwork

    Writer = Callable[[InferenceNetwork, Path, np.ndarray], None]
    """Writes a network to a path. The array holds the calibration pictures, uint8 (count, height, width, channels);
    there are none unless the format calibrates."""


@dataclass(frozen=True)
class Tolerance:
    """How far a format may deviate from the run's model.

    Attributes:
        difference: the largest difference of any probability.
        agreement: the smallest share of pictures on which the top class is the same, from 0 to 1.
    """

    difference: float
    agreement: float


class Calibration(NamedTuple):
    """The pictures that show the ranges of activations.

    Attributes:
        pictures: uint8 (count, height, width, channels), after the evaluation transform.
        kind: what they are, in the plural.
        problem: why there are none; empty if there are some.
    """

    pictures: np.ndarray
    kind: str
    problem: str


@dataclass(frozen=True)
class Format:
    """A format that a network can be exported to.

    Attributes:
        file: the name of its file in the export's folder, or of a folder in it; empty for a SavedModel, which is the
            folder itself.
        runtime: the name in `builder.exports.runtimes.RUNTIMES` of what runs the file when it is checked.
        tolerance: how far its predictions may deviate from those of the run's model.
        write: writes the file.
        usage: how its file is used, for the model card.
        packages: the distributions it needs beyond the project's own requirements.
        group: a name that selects this format together with others; empty if there is none.
        calibrates: whether the writer needs training pictures to find the ranges of activations.
        is_bfloat16: whether it is fast only on CPUs with instructions for bfloat16.
    """

    file: str
    runtime: str
    tolerance: Tolerance
    write: Writer
    usage: Usage
    packages: tuple[str, ...] = ()
    group: str = ""
    calibrates: bool = False
    is_bfloat16: bool = False

    @property
    def missing_packages(self) -> list[str]:
        """The packages it needs that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name.replace("-", "_")) is None]


# The writers import TensorFlow, which is not needed to look up a format.


def _saved_model(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import saved_model

    saved_model.write(network, path)


def _saved_model_bfloat16(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import saved_model

    saved_model.write(network, path, "mixed_bfloat16")


def _keras(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import keras_file

    keras_file.write(network, path)


def _onnx(network: InferenceNetwork, path: Path, calibration: Any) -> None:
    from builder.exports import onnx_file

    onnx_file.write(network, path)


def _litert(precision: str, tolerance: Tolerance, calibrates: bool = False) -> Format:
    def write(network: InferenceNetwork, path: Path, calibration: np.ndarray) -> None:
        from builder.exports import litert_file

        litert_file.write(network, path, precision, calibration)

    packages = ("ai-edge-litert",)
    file, how = f"model.{precision}.tflite", usage.LITERT[precision]
    return Format(file, "litert", tolerance, write, how, packages, "litert", calibrates=calibrates)


EXACT = Tolerance(1e-4, 0.99)
FORMATS = {
    "saved_model": Format("", "saved_model", EXACT, _saved_model, usage.SAVED_MODEL),
    "saved_model-bfloat16": Format(
        "bfloat16",
        "saved_model",
        Tolerance(0.1, 0.995),
        _saved_model_bfloat16,
        usage.SAVED_MODEL_BFLOAT16,
        is_bfloat16=True,
    ),
    "keras": Format("model.keras", "keras", EXACT, _keras, usage.KERAS),
    "onnx": Format("model.onnx", "onnx", EXACT, _onnx, usage.ONNX, ("onnx", "tf2onnx", "onnxruntime")),
    "litert-float32": _litert("float32", EXACT),
    "litert-float16": _litert("float16", Tolerance(0.02, 0.99)),
    "litert-dynamic": _litert("dynamic", Tolerance(0.25, 0.95)),
    "litert-int8": _litert("int8", Tolerance(0.5, 0.9), calibrates=True),
}
CHOICES = tuple(dict.fromkeys(choice for name, one in FORMATS.items() for choice in (one.group, name) if choice))
"""What can be asked for by name: each group ahead of its first format, and every format."""
PACKAGES = tuple(dict.fromkeys(["tensorflow", "keras", *(name for one in FORMATS.values() for name in one.packages)]))
"""The packages whose versions are recorded with an export."""


def chosen_formats(names: Sequence[str]) -> dict[str, Format]:
    """The formats that some of `CHOICES` select, by name and each once, in the order asked for.

    Raises:
        UserError: a name is unknown, or a package that a format needs is not installed.
    """
    names = [names] if isinstance(names, str) else names
    unknown = [name for name in names if name not in CHOICES]
    if unknown:
        hint = suggestion("kinds", "--format", unknown[0], CHOICES, few=0)
        choices = f"; choose from {', '.join(CHOICES)}"
        raise argument_problem(f"--format {unknown[0]}", f"there is no such format{hint or choices}")
    chosen = {name: one for asked in names for name, one in FORMATS.items() if asked in (name, one.group)}
    for name, one in chosen.items():
        if one.missing_packages:
            raise argument_problem(
                f"--format {name}",
                f"needs {', '.join(one.missing_packages)}: install with pip install 'convspec[export]'",
            )
    return chosen
