"""Runs benchmarks by name, or all of them."""

from __future__ import annotations

import importlib
import os
import sys

import builder  # noqa: F401  # before TensorFlow, as it sets TensorFlow's environment

NAMES = (
    "analysis",
    "search",
    "building",
    "lowerings",
    "steps",
    "memory",
    "augment",
    "input",
    "training",
    "tune",
    "predict",
    "serving",
)


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}; known: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in names or NAMES:
        importlib.import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
