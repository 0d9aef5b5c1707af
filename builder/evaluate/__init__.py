"""Evaluation of trained runs on their validation pictures, alone or as an ensemble."""

from builder.evaluate.runs import Evaluation, evaluate, open_runs

__all__ = ["Evaluation", "evaluate", "open_runs"]
