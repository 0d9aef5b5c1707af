"""Specs with mistakes that nobody would make, from valid ones: bytes, tokens, lines, splices and structures changed.

An input is read as `summary` reads it: it gives a spec, which is analysed and written, or a `UserError`, which is
printed; anything else is a failure, and so is more than two seconds of processor time.

python -m tests.archspec.fuzzer 20000 tries that many new ones, and prints those that fail.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import archspec
from archspec.spec.overrides import parse_assignments

SECONDS = 2.0
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
SMALL = "name: net\nmodel: {input: [8, 8, 1], layers: [flatten, {dense: 3}]}\n"
BLOCKS = """
name: net
params: {n: 2, width: 4, norm: batch}
blocks: {unit: {params: {filters: null, stride: 1}, layers: [{conv: {filters: "${filters}", kernel: 1, name: a}}]}}
model:
  input: [8, 8, 1]
  defaults: {conv: {padding: symmetric}}
  layers:
    - repeat: {times: "${n}", layers: [{conv: {filters: "${2 * width}", kernel: [3, 3], norm: "${norm}"}}]}
    - stages: {block: unit, depths: [1, 2], widths: [2, 2]}
    - parallel: {branches: [[{activation: {leaky_relu: {slope: 0.1}}}], [{dropout: 0.1}]], merge: add}
    - concat: {from: [stage1, parallel1]}
    - conv_table: [2, M]
    - global_avg_pool
    - dense: {units: 10, name: fc}
"""
RECIPE = """
name: net
params:
  n: 2
model: {input: [8, 8, 1], layers: [flatten, {dense: {units: "${n}", name: fc}}]}
train:
  data: digits
  epochs: 3
  learning_rate: {step: {base: 0.1, drop: {1: 0.01}, warmup: 1}}
  optimizer: {sgd: {momentum: 0.9}}
  weight_decay: {factor: 1e-4, biases: true}
  augment: [horizontal_flip, {random_crop: {pad: 1}}]
search:
  tuner: {random_search: {max_trials: 3}}
  objective: {name: val_accuracy, direction: max}
  space:
    n: {int: [1, 2], when: {train.optimizer.sgd.nesterov: true}}
    train.learning_rate.step.base: {float: [0.01, 0.2], log: true}
    train.optimizer.sgd.nesterov: {bool: true}
  budget: {trainable_parameters: 100000}
"""
SPECS = (SMALL, BLOCKS, RECIPE)
TREES = [yaml.safe_load(text) for text in SPECS]
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
WORDS = (
    *("conv", "dense", "flatten", "add", "concat", "from", "name", "norm", "when", "int", "float", "choice", "input"),
    *("null", "true", ".nan", ".inf", "-.inf", "1e400", "0x7f", "-0", "1_0", "9" * 40, "1e-320"),
    *("${n}", "${", "}", "$"),
    *("&a", "*a", "!!int", "<<", "? ", ": ", "- ", "|", ">", "%", "@", "'", '"', "#", "---", "...", "\t", "\r", "\0"),
    *("[]", "{}", "[[", "{{", "é", "\u2028", "\ufeff", "\ud7ff", "٣", "½", "\x85", "\u202e", "a.b", "[0]", "[-1]"),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 1.5, -0.0, 1e-320, 1e308, 10**40, float("nan"), float("inf"), float("-inf")),
    *("", "x", "conv", "input", "${n}", "${n / 0}", "${", "a b", "é", "\0", [], {}, [[]], [{}], {"": 1}, {"a": {}}),
    *([1, 2], [float("nan")], [None], {"conv": None}, {"dense": 3}, {"a": 1, "b": 2}, [1] * 50),
)
NAMES = (
    *("n", "n", "width", "fc.units", "model.input", "model.layers[0]", "model.layers"),
    *("train", "train.epochs", "search"),
    *("search.space.n.int[0]", "search.space.n.when", "params.n", "params", "blocks", "name", "a.b", "[", "", "n[0]"),
)


@dataclass(frozen=True)
class Input:
    """A spec as bytes, and assignments as of `--set`."""

    kind: str
    content: bytes
    assignments: tuple[str, ...] = ()


def _bytes(source: random.Random, text: str) -> bytes:
    data = bytearray(text.encode())
    for _ in range(source.choice((1, 1, 2, 5, 30))):
        position = source.randrange(len(data) + 1)
        how = source.randrange(4)
        if how == 0:
            data[position:position] = source.randbytes(source.randrange(1, 5))
        elif how == 1:
            del data[position : position + source.randrange(1, 9)]
        elif how == 2:
            data[position : position + 1] = bytes([source.randrange(256)])
        elif source.randrange(9) == 0:
            del data[position:]
    return bytes(data)


def _tokens(source: random.Random, text: str) -> bytes:
    tokens = TOKEN.findall(text)
    for _ in range(source.choice((1, 1, 2, 4, 20))):
        position, how = source.randrange(len(tokens)), source.randrange(4)
        if how == 0:
            tokens[position] = source.choice(WORDS)
        elif how == 1:
            tokens[position] = source.choice(tokens)
        elif how == 2:
            tokens[position] = ""
        else:
            tokens.insert(position, source.choice(WORDS))
    return "".join(tokens).encode("utf-8", "surrogatepass")


def _lines(source: random.Random, text: str) -> bytes:
    lines = text.split("\n")
    for _ in range(source.choice((1, 1, 2, 5))):
        position, other, how = source.randrange(len(lines)), source.randrange(len(lines)), source.randrange(5)
        if how == 0:
            lines[position], lines[other] = lines[other], lines[position]
        elif how == 1:
            lines.insert(position, lines[other])
        elif how == 2 and len(lines) > 1:
            del lines[position]
        elif how == 3:
            lines[position] = " " * source.randrange(9) + lines[position].strip()
        else:
            lines[position] += source.choice(WORDS)
    return "\n".join(lines).encode()


def _splice(source: random.Random, text: str) -> bytes:
    other = source.choice(SPECS)
    first, second = sorted(source.randrange(len(text)) for _ in range(2))
    third, fourth = sorted(source.randrange(len(other)) for _ in range(2))
    return (text[:first] + other[third:fourth] + text[source.choice((first, second)) :]).encode()


def _structure(source: random.Random, text: str) -> bytes:
    tree = _copy(TREES[SPECS.index(text)])
    for _ in range(source.choice((1, 1, 2, 4))):
        holder, key = source.choice(list(_places(tree)))
        how = source.randrange(5)
        if how == 0:
            holder[key] = _copy(source.choice(ODD))
        elif how == 1:
            del holder[key]
        elif how == 2:
            other, at = source.choice(list(_places(tree)) or [(holder, key)])
            holder[key] = _copy(other[at])
        elif how == 3:
            holder[key] = source.choice(([_copy(holder[key])], {"a": _copy(holder[key])}, {"conv": _copy(holder[key])}))
        elif isinstance(holder, dict):
            holder[source.choice((*WORDS, "a"))] = _copy(source.choice(ODD))
        else:
            holder.insert(key, _copy(source.choice(ODD)))
        if not any(True for _ in _places(tree)):
            break
    return _dumped(tree).encode("utf-8", "surrogatepass")


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list) else tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def _dumped(tree: Any) -> str:
    return str(yaml.dump(tree, Dumper=DUMPER, allow_unicode=True, sort_keys=False))


CHANGES: dict[str, Callable[[random.Random, str], bytes]] = {
    "bytes": _bytes,
    "tokens": _tokens,
    "lines": _lines,
    "splices": _splice,
    "structures": _structure,
}


def inputs(seed: int, count: int) -> Iterator[Input]:
    """As many inputs, the same ones for a seed."""
    source = random.Random(seed)
    kinds = [*CHANGES, "overrides"]
    for number in range(count):
        kind, text = kinds[number % len(kinds)], source.choice(SPECS)
        if kind == "overrides":
            value = source.choice((source.choice(WORDS), _dumped(source.choice(ODD)).strip().removesuffix("\n...")))
            assignments = [f"{source.choice(NAMES)}={value}" for _ in range(source.choice((1, 1, 2)))]
            yield Input(kind, text.encode(), tuple(assignments))
        else:
            yield Input(kind, CHANGES[kind](source, text))


class TooSlow(BaseException):
    """An input takes too long. No handler of ordinary exceptions may take it for one of them."""


def attempt(given: Input, path: Path) -> str:
    """What becomes of an input, written to a path: `analysed` or `refused`.

    Raises:
        TooSlow: it takes too long.
        Exception: a fault of archspec.
    """

    def stop(*_: Any) -> None:
        raise TooSlow(f"more than {SECONDS} s")

    path.write_bytes(given.content)
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        overrides = parse_assignments(list(given.assignments)) if given.assignments else None
        spec = archspec.load(path, overrides)
        archspec.analyse(spec)
        spec.to_yaml()
        return "analysed"
    except archspec.UserError as error:
        str(error)
        return "refused"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def failures(seed: int, count: int, path: Path) -> tuple[Counter[str], list[tuple[Input, str]]]:
    """How often each thing became of the inputs, by kind and outcome, and the inputs that failed, with the reasons.

    Args:
        seed, count: see `inputs`.
        path: a file to write them to.
    """
    counts: Counter[str] = Counter()
    failed = []
    for given in inputs(seed, count):
        try:
            outcome = attempt(given, path)
        except (Exception, TooSlow):
            outcome = "failed"
            failed.append((given, traceback.format_exc(limit=-2)))
        counts[f"{given.kind}, {outcome}"] += 1
    return counts, failed


def main() -> None:
    parser = argparse.ArgumentParser(description="Tries specs that were changed at random.")
    parser.add_argument("count", type=int, nargs="?", default=20_000, help="how many (20000)")
    parser.add_argument("--seed", type=int, help="the seed (new each time)")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if args.seed is None else args.seed
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        counts, failed = failures(seed, args.count, Path(folder) / "spec.yaml")
    for given, reason in failed:
        print(f"{given.kind}: {given.content!r} {given.assignments!r}\n{reason}")
    for name, count in sorted(counts.items()):
        print(f"{name}: {count:,}")
    print(f"seed {seed}: {args.count:,} inputs, {len(failed)} failed, {time.process_time() - start:.0f} s")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
