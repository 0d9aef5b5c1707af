"""Weights read from and written for other programs: PyTorch's state dicts, Keras's files and applications, runs.

source = weights.read("resnet50.pth")
matching = weights.match("specs/resnet50.yaml", source)
weights.require(matching)
weights.apply(matching, model)
"""

from builder.weights.conventions import unlike_pytorch
from builder.weights.matching import Entry, Matching, match
from builder.weights.reading import read
from builder.weights.report import differences, require, require_finite, summary, table, text
from builder.weights.source import WeightsFile
from builder.weights.target import check_target, write
from builder.weights.to_run import read_class_names, write_run
from builder.weights.writing import apply, check_output, write_keras, write_torch

__all__ = [
    "Entry",
    "Matching",
    "WeightsFile",
    "apply",
    "check_output",
    "check_target",
    "differences",
    "match",
    "read",
    "read_class_names",
    "require",
    "require_finite",
    "summary",
    "table",
    "text",
    "unlike_pytorch",
    "write",
    "write_keras",
    "write_run",
    "write_torch",
]
