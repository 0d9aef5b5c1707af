"""Imports TensorFlow without the lines that it prints, in the process from which others are forked."""

from builder.system.tensorflow_start import import_tensorflow

import_tensorflow()
