"""From specs to Keras: compiling, training and everything else that needs TensorFlow.

model = builder.build("specs/resnet50.yaml")
"""

import os
import platform
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if platform.machine() in ("x86_64", "AMD64"):
    # TensorFlow uses oneDNN by itself only on CPUs with AVX512-VNNI. On one with AVX2, steps of ResNet-50 and AlexNet
    # with two towers are 1.35 and 1.5 times as fast with it. TensorFlow reads this when it is imported.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if TYPE_CHECKING:
    from builder.network.model import VerificationError, build, transfer_weights, verify
    from builder.sweep.start import tune
    from builder.sweep.tuners.hypermodel import hypermodel

__all__ = ["VerificationError", "build", "hypermodel", "transfer_weights", "tune", "verify"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are used: some commands need this package without TensorFlow."""
    if name not in __all__:
        raise AttributeError(f"module 'builder' has no attribute '{name}'")
    from importlib import import_module

    module = {"tune": "builder.sweep.start", "hypermodel": "builder.sweep.tuners.hypermodel"}.get(
        name, "builder.network.model"
    )
    return getattr(import_module(module), name)
