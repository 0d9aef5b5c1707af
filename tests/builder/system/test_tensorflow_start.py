"""Importing TensorFlow and Keras imports nothing that only other parts of Keras need, until they are used."""

import subprocess
import sys

from tests.processes import ROOT

PROGRAM = """
import gc, sys
from builder.system.tensorflow_start import import_tensorflow
import_tensorflow()
import builder.training.trainer
from builder.data.loading import load_data
from archspec.recipe.data import Digits
load_data(Digits(), (8, 8, 1))
found = {"sklearn", "matplotlib", "scipy.special", "tensorflow_datasets", "pandas"} & sys.modules.keys()
assert not found, found
assert gc.isenabled()

import keras, sklearn.base
assert issubclass(keras.wrappers.SKLearnClassifier, sklearn.base.ClassifierMixin)
assert callable(keras.visualization.plot_image_gallery)
assert not any(type(finder).__module__.startswith("builder") for finder in sys.meta_path)
"""


def test_what_keras_imports_for_other_parts_waits_until_they_are_used():
    command = [sys.executable, "-W", "error::ImportWarning", "-c", PROGRAM]
    subprocess.run(command, check=True, cwd=ROOT)
