"""Measures what is claimed to be fast, each claim beside what it is compared with, in one run.

python -m benchmarks
python -m benchmarks steps serving --quick
python -m benchmarks lowerings --check
python -m benchmarks --list
python -m benchmarks steps --json measured.jsonl

Ends with status 0; 1 if a target was missed or a benchmark failed, which the last lines name; 2 for a mistake. PyTorch
is measured where TORCH_PYTHON names a Python that has torch and torchvision.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import builder  # noqa: F401  # before TensorFlow, as it sets TensorFlow's environment
from archspec import cli
from archspec.errors import file_problem
from archspec.wording import did_you_mean, first_line, quoted
from benchmarks.machine import Machine, machine
from benchmarks.measure import CHECK, QUICK, Row, quick, take_shown
from benchmarks.records import append, publish, record

NAMES = (
    "analysis",
    "search",
    "building",
    "lowerings",
    "steps",
    "memory",
    "towers",
    "zoo",
    "augment",
    "input",
    "training",
    "tune",
    "predict",
    "serving",
)
"""The benchmarks in the order in which they are run: modules of this package with a function `run`."""


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    if args.list:
        for name in NAMES:
            print(f"{name:12}{about(name)}")
        return 0
    with cli.exit_on_user_error():
        if args.json is not None:
            check_appendable(args.json)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ[QUICK], os.environ[CHECK] = ("1" if given else "0" for given in (args.quick, args.check))
        here = machine()
        print(here.line(), flush=True)
        problems: list[str] = []
        began = time.monotonic()
        for name in args.names or NAMES:
            problems += run(name, here, args.json, args.publish)
        print(f"\n{_minutes(time.monotonic() - began)} in all")
        if problems:
            print("\n".join(["Missed:", *(f"  {problem}" for problem in problems)]))
    return 1 if problems else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__)
    parser.prog = "python -m benchmarks"
    parser.add_argument("names", metavar="NAME", nargs="*", help="a benchmark of --list (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds: all in ten minutes on two cores")
    checked = "lowerings: only whether each choice of the fast lowering is right on this machine, in under a minute"
    parser.add_argument("--check", action="store_true", help=checked)
    parser.add_argument("--json", metavar="FILE", type=Path, help="append a record a benchmark to FILE, as JSON lines")
    published = "replace the records of this kind of machine in benchmarks/results/, which docs/performance.md shows"
    parser.add_argument("--publish", action="store_true", help=published)
    parser.add_argument("--list", action="store_true", help="list the benchmarks, and run none")
    args = parser.parse_args(arguments)
    for name in args.names:
        if name not in NAMES:
            hint = did_you_mean(name, NAMES, few=0) or f"; known: {', '.join(NAMES)}"
            parser.error(f"unknown benchmark {quoted(name)}{hint}")
    if args.check and args.names != ["lowerings"]:
        parser.error("--check belongs to one benchmark: python -m benchmarks lowerings --check")
    if args.publish and (args.quick or args.check):
        parser.error("--publish takes whole measurements; leave --quick and --check out")
    return args


def check_appendable(path: Path) -> None:
    """Raises FileError if the file cannot be appended to, before an hour of measuring is lost."""
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise file_problem(path, f"cannot be written: {error.strerror}") from None


def about(name: str) -> str:
    """The first sentence of a benchmark's docstring, read without importing it, as most import TensorFlow."""
    tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    return " ".join((ast.get_docstring(tree) or "").partition("\n\n")[0].split())


def run(name: str, here: Machine, json: Path | None, is_published: bool) -> list[str]:
    """Runs a benchmark and keeps its record; returns its missed targets, each with the benchmark's name. One that fails
    prints its traceback and leaves no record, and the others are run nevertheless."""
    began = time.monotonic()
    try:
        importlib.import_module(f"benchmarks.{name}").run()
    except Exception as error:
        traceback.print_exc()
        take_shown()
        return [f"{name}: failed: {type(error).__name__}: {first_line(error)}"]
    shown, taken = take_shown(), time.monotonic() - began
    print(f"\n{name}: {_minutes(taken)}", flush=True)
    made = record(name, here, shown, taken, quick())
    if json is not None:
        append(json, made)
    if is_published:
        publish(made)
    return [f"{name}: {one.title}: {_missed(one.row)}" for one in shown if one.row.missed]


def _missed(row: Row) -> str:
    measured = "not measured" if row.ratio is None else f"{row.ratio:.2f}x"
    return f"{row.what}: {measured}, target {row.target:g}x"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02} minutes"


if __name__ == "__main__":
    sys.exit(main())
