"""Steps of a network whose towers have a device each: where everything that is not a layer runs.

TensorFlow puts an operation without a device on the first one. That would be most of a training step: the gradients,
which a GradientTape computes wherever it is asked to, and the arithmetic of losses, clipping and optimizers. Here
gradients run where the operation that they belong to has run, and everything else where the most of its input is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

LOOPS = ("While", "StatelessWhile")
CONTROL_FLOW = (*LOOPS, "If", "StatelessIf", "Case", "StatelessCase")
"""Operations that are functions of operations, each of which has its own device; what enters a loop has that of the
loop."""


def gradients(of: tf.Tensor, variables: Sequence[tf.Variable]) -> list[tf.Tensor | None]:
    """The gradients of a scalar, each operation of which runs where that which it is the gradient of has run.

    Call it in a function that is being traced. A GradientTape has no such option, and puts them all where it is asked
    for them.
    """
    found: list[tf.Tensor | None] = tf.compat.v1.gradients(of, variables, colocate_gradients_with_ops=True)
    return found


def following() -> contextlib.AbstractContextManager[Any]:
    """A context of a function that is being traced in which an operation without a device goes to the device of its
    variable, or else to the one that most of the bytes that it takes are on."""
    return tf.compat.v1.device(_device)


def _device(operation: tf.Operation) -> str:
    """The device of an operation, empty where nothing is known of that of its inputs."""
    if operation.device or operation.type in CONTROL_FLOW:
        return str(operation.device)
    held: dict[str, int] = {}
    for tensor in operation.inputs:
        device = _device_of(tensor)
        if device and tensor.dtype == tf.resource:
            return device
        if device:
            held[device] = held.get(device, 0) + _bytes(tensor)
    return max(held, key=lambda device: held[device], default="")


def _device_of(tensor: tf.Tensor) -> str:
    """The device that a tensor is on, empty where it is not known.

    What a function captures is where it is outside of the function, what is read from a variable where the variable is
    (TensorFlow reads variables outside of all device contexts), and what leaves a loop where what entered it was.
    """
    while not tensor.device:
        if tensor.op.type == "ReadVariableOp":
            tensor = tensor.op.inputs[0]
        elif tensor.op.type in LOOPS:
            tensor = tensor.op.inputs[tensor.value_index]
        else:
            captures = getattr(tensor.graph, "captures", ()) if tensor.op.type == "Placeholder" else ()
            outside = next((outer for outer, inner in captures if inner is tensor), None)
            if outside is None:
                return ""
            tensor = outside
    device = tf.DeviceSpec.from_string(tensor.device)
    return f"/device:{device.device_type}:{device.device_index}" if device.device_type else ""


def _bytes(tensor: tf.Tensor) -> int:
    """The bytes of a tensor; for a picture of the batch, where the size of the batch is not known."""
    elements = 1
    for size in tensor.shape if tensor.shape.rank is not None else ():
        elements *= size or 1
    return elements * tensor.dtype.size
