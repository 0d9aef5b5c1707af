"""The devices that the operations and variables of a model are placed on."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from builder.network.naming import node_name


def device(name: str | None) -> contextlib.AbstractContextManager[Any]:
    """A context of the device; where there is none, of the one around it."""
    return contextlib.nullcontext() if name is None else tf.device(name)


def run_on(model: keras.Model, devices: Mapping[str, str]) -> None:
    """Makes each operation of a functional model run on a device, wherever the model is called.

    Args:
        devices: from the name of a node to its device, as in `CPU:1`; the further layers that a node needs have its
            device. Operations of other nodes are left as they are.
    """
    for operation in model.operations:
        name = devices.get(node_name(operation.name))
        if name is not None and not isinstance(operation, keras.layers.InputLayer):
            operation.call = _on(name, operation.call)


def _on(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def placed(*arguments: Any, **options: Any) -> Any:
        with tf.device(name):
            return call(*arguments, **options)

    return placed
