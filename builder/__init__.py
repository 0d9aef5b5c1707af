"""The Keras back end: specs built, trained, tuned, evaluated, exported and used for prediction.

    model = builder.build("specs/resnet50.yaml")
    result = builder.train("digits", run_dir="runs/first")

docs/api.md shows the public names at work, and `help(builder.train)` documents one. Importing the package is quick:
TensorFlow is imported with the first name that needs it.
"""

import os
import platform
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if platform.machine() in ("x86_64", "AMD64"):
    # TensorFlow uses oneDNN by itself only on CPUs with AVX512-VNNI. On one with AVX2, steps of ResNet-50 and AlexNet
    # with two towers are 1.35 and 1.5 times as fast with it. TensorFlow reads this when it is imported.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # By default TensorFlow prepares the gradients of every convolution again in each step, to save memory: up to 2 % of
    # what a process takes in a step of ResNet-50, ResNet-152 or VGG-16. Where it keeps them, a step of ResNet-18 on two
    # pictures of 64x64 is 1.35 times as fast, and one of `specs/digits.yaml` 1.1 to 1.4 times (AVX2).
    os.environ.setdefault("TF_MKL_OPTIMIZE_PRIMITIVE_MEMUSE", "0")
    # With a single thread for operations, oneDNN writes past its memory in training steps of convolutions with fewer
    # than seven filters (TensorFlow 2.21, AVX2): the process ends with "invalid chunk size". See `LEAST_THREADS` too.
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) == 1:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")

if TYPE_CHECKING:  # for type checkers and editors; `MODULES` says the same to Python
    import builder.weights as weights
    from builder.comparison.comparison import Comparison, compare
    from builder.data.loading import load_data
    from builder.evaluation.evaluator import evaluate
    from builder.evaluation.result import Evaluation
    from builder.explanation.explainer import Explanation, explain
    from builder.exports.exporter import export
    from builder.network.model import VerificationError, build, verify
    from builder.prediction.predictor import predict
    from builder.runs.run import Run, open_run
    from builder.sweep.results import Results
    from builder.sweep.run import tune
    from builder.sweep.tuners.hypermodel import hypermodel
    from builder.system.endings import Diverged, ExportFailed, Interrupted, TrialsFailed, WorkerLost
    from builder.training.preview import preview
    from builder.training.result import Result
    from builder.training.trainer import train

__all__ = [
    "Comparison",
    "Diverged",
    "Evaluation",
    "Explanation",
    "ExportFailed",
    "Interrupted",
    "Result",
    "Results",
    "Run",
    "TrialsFailed",
    "VerificationError",
    "WorkerLost",
    "build",
    "compare",
    "evaluate",
    "explain",
    "export",
    "hypermodel",
    "load_data",
    "open_run",
    "predict",
    "preview",
    "train",
    "tune",
    "verify",
    "weights",
]

MODULES = {
    "Comparison": "comparison.comparison",
    "Diverged": "system.endings",
    "Evaluation": "evaluation.result",
    "Explanation": "explanation.explainer",
    "ExportFailed": "system.endings",
    "Interrupted": "system.endings",
    "Result": "training.result",
    "Results": "sweep.results",
    "Run": "runs.run",
    "TrialsFailed": "system.endings",
    "VerificationError": "network.model",
    "WorkerLost": "system.endings",
    "build": "network.model",
    "compare": "comparison.comparison",
    "evaluate": "evaluation.evaluator",
    "explain": "explanation.explainer",
    "export": "exports.exporter",
    "hypermodel": "sweep.tuners.hypermodel",
    "load_data": "data.loading",
    "open_run": "runs.run",
    "predict": "prediction.predictor",
    "preview": "training.preview",
    "train": "training.trainer",
    "tune": "sweep.run",
    "verify": "network.model",
}
"""The module of each public name but `weights`, which is a package."""


def __getattr__(name: str) -> Any:
    """A public name, imported with its module when it is first used."""
    if name == "weights":
        return import_module("builder.weights")
    if name in MODULES:
        found = getattr(import_module(f"builder.{MODULES[name]}"), name)
        if isinstance(found, FunctionType):
            from builder.system.public_calls import public

            found = globals()[name] = public(found)
        return found
    from archspec.wording import did_you_mean

    raise AttributeError(f"module 'builder' has no attribute '{name}'{did_you_mean(name, __all__, few=0)}")


def __dir__() -> list[str]:
    """The public names, which tab completion offers."""
    return [*__all__]
