"""Whether the model and the weights in a run's directory are of the network that its spec describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import Spec
from archspec.errors import FileError, file_problem
from archspec.wording import first_few
from builder.runs.comparison import NAMED
from builder.runs.names import BEST, CHECKPOINTS, MODEL, SPEC

if TYPE_CHECKING:
    import keras
    import numpy as np

IGNORED = ("name", "dtype", "trainable", "seed", "synchronized", "autocast", "noise_shape", "momentum", "rate")
"""The fields of layers that do not change what a trained network computes."""


def check_model(directory: Path, spec: Spec, model: keras.Model) -> None:
    """Refuses a model that the spec does not describe: other layers, or other fields of one.

    Raises:
        FileError: naming the first differences.
    """
    now, then = (dict(_fields(one)) for one in (_built(spec), model))
    changed = [path for path in {**then, **now} if now.get(path) != then.get(path)]
    gone = {path for path in changed if path.count(":") == 0}
    changed = [path for path in changed if path in gone or path.split(":")[0] not in gone]
    if changed:
        shown = [
            f"{path.replace(':', '.')} is {then.get(path, 'absent')}, by the spec {now.get(path, 'absent')}"
            for path in changed
        ]
        raise _another_network(directory, directory / MODEL, shown)


def check_weights(directory: Path, spec: Spec, tensors: Mapping[str, np.ndarray]) -> None:
    """Refuses weights whose names or shapes are not those of the spec's network.

    Raises:
        FileError: naming the first differences.
    """
    expected = {weight.path: tuple(weight.shape) for weight in _built(spec).weights}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    changed = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
    if changed:
        shown = [f"{name} is {_size(found, name)}, by the spec {_size(expected, name)}" for name in changed]
        raise _another_network(directory, directory / CHECKPOINTS / BEST, shown)


def _built(spec: Spec) -> keras.Model:
    """The spec's model without values, which would take time and memory and are not asked for."""
    import keras

    from builder.network.model import build

    with keras.StatelessScope(initialize_variables=False):
        return build(spec, "portable", "float32")


def _fields(model: keras.Model) -> Iterator[tuple[str, str]]:
    """The fields of a model's layers that decide what it computes, by `layer` and `layer:field`. How it was initialised
    and trained is left out."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _fields(layer)
        elif layer.name != "pixels" and not isinstance(layer, keras.layers.InputLayer) and _is_named(layer):
            yield layer.name, type(layer).__name__
            for field, value in layer.get_config().items():
                if not field.endswith(("initializer", "regularizer", "constraint")) and field not in IGNORED:
                    yield f"{layer.name}:{field}", str(value if not isinstance(value, list) else tuple(value))


def _is_named(layer: Any) -> bool:
    """Whether a layer's name comes from the spec, rather than from a counter of Keras."""
    import keras

    return isinstance(layer, keras.layers.Layer) and not type(layer).__module__.startswith("keras.src.ops")


def _another_network(directory: Path, path: Path, shown: list[str]) -> FileError:
    few = "; ".join(first_few(shown, NAMED))
    message = f"is of another network than {directory / SPEC}: {few}; put back the file that was there"
    return file_problem(path, message)


def _size(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return "x".join(map(str, shapes[name])) if name in shapes else "absent"
