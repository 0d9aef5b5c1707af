"""From specs to Keras: compiling, training and everything else that needs TensorFlow.

model = builder.build("specs/resnet50.yaml")
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from builder.model import VerificationError, build, graph_of, transfer_weights, verify

__all__ = ["VerificationError", "build", "graph_of", "transfer_weights", "verify"]
