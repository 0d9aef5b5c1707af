"""The arithmetic of `precision: float32_fast`: variables and activations are float32, while the device may compute
convolutions and matrix products of numbers that it has rounded to fewer digits.

CPUs: oneDNN computes in bfloat16 where the CPU has instructions for that. TensorFlow asks it to if the environment
variable `VARIABLE` is BF16, which it reads once a process, when the first convolution or matrix product of float32
numbers is computed (`SetFPMathMode` in tensorflow/core/util/mkl_util.h of TensorFlow 2.21). So all of a process
computes in one way.

GPUs: NVIDIA's TF32, which TensorFlow uses for `float32` too, unless
`tf.config.experimental.enable_tensor_float_32_execution(False)` has switched it off.
"""

from __future__ import annotations

import os

import tensorflow as tf
from tensorflow.python.eager import context

from archspec.errors import problem_at
from archspec.recipe.numbers import FAST
from archspec.spec.addresses import address, recipe_of
from archspec.spec.spec import Spec
from builder.system.cpu import computes_bfloat16

VARIABLE = "TF_SET_ONEDNN_FPMATH_MODE"
BFLOAT16 = "BF16"


def set_arithmetic(spec: Spec) -> None:
    """Makes this process compute as a spec's `precision` says, before TensorFlow computes anything.

    Raises:
        SpecError: the process already computes in another way.
    """
    precision, where = recipe_of(spec).precision, address(spec, "train", "precision")
    if tf.config.list_physical_devices("GPU"):
        if precision == FAST:
            tf.config.experimental.enable_tensor_float_32_execution(True)
        return
    if not computes_bfloat16():  # a CPU that computes both in the same way
        return
    is_fast = os.environ.get(VARIABLE) == BFLOAT16
    if precision == FAST and not is_fast:
        if _has_computed():
            message = (
                f"TensorFlow has computed in this process before, and reads once whether float32 may be fast; start "
                f"the process with {VARIABLE}={BFLOAT16} in its environment, or train in a process of its own, as "
                "tools/train.py does"
            )
            raise problem_at(where, message)
        os.environ[VARIABLE] = BFLOAT16
    elif precision != FAST and is_fast:  # half precision too has layers in float32, the last one for instance
        message = (
            f"this process computes float32 in bfloat16, as {VARIABLE}={BFLOAT16} or an earlier training with "
            f"precision: {FAST} has set it; train in a process of its own without that variable, or with precision: "
            f"{FAST}"
        )
        raise problem_at(where, message)


def without_effect(precision: str) -> str | None:
    """A hint if this machine computes `float32_fast` no faster than `float32`."""
    if precision != FAST or tf.config.list_physical_devices("GPU") or computes_bfloat16():
        return None
    return (
        f"precision: {FAST} changes nothing on this CPU, for which oneDNN has no instructions for bfloat16; the run "
        "computes in float32"
    )


def _has_computed() -> bool:
    """Whether TensorFlow may have computed something in this process: its devices are made with the first operation."""
    return bool(getattr(context.context(), "_initialized", True))
