"""Weights read from and written for other programs: PyTorch's state dicts, Keras's files and applications, runs.

source = weights.read("resnet50.pth")
matching = weights.match("specs/resnet50.yaml", source)
weights.require(matching)
weights.apply(matching, model)
"""

from builder.system.public_calls import public
from builder.weights import conventions, matching, reading, report, to_run, writing
from builder.weights.matching import Entry, Matching
from builder.weights.source import WeightsFile

match = public(matching.match)
read = public(reading.read)
unlike_pytorch = public(conventions.unlike_pytorch)
differences, require, require_finite = public(report.differences), public(report.require), public(report.require_finite)
summary, table, text = public(report.summary), public(report.table), public(report.text)
read_class_names, write_run = public(to_run.read_class_names), public(to_run.write_run)
apply, check_output = public(writing.apply), public(writing.check_output)
write_keras, write_torch = public(writing.write_keras), public(writing.write_torch)

__all__ = [
    "Entry",
    "Matching",
    "WeightsFile",
    "apply",
    "check_output",
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
    "write_keras",
    "write_run",
    "write_torch",
]
