"""From specs to Keras: compiling, training and everything else that needs TensorFlow.

model = builder.build("specs/resnet50.yaml")
"""

import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

if TYPE_CHECKING:
    from builder.model import VerificationError, build, graph_of, transfer_weights, verify
    from builder.sweep import tune
    from builder.sweep.hypermodel import hypermodel

__all__ = ["VerificationError", "build", "graph_of", "hypermodel", "transfer_weights", "tune", "verify"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are used: some commands need this package without TensorFlow."""
    if name not in __all__:
        raise AttributeError(f"module 'builder' has no attribute '{name}'")
    from importlib import import_module

    module = {"tune": "builder.sweep", "hypermodel": "builder.sweep.hypermodel"}.get(name, "builder.model")
    return getattr(import_module(module), name)
