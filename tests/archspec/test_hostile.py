"""Files made to exhaust the reader are refused with a message or analysed, in bounded CPU time and 200 MB.

Each is read in a process of its own, which measures itself: the time of the machine's other work, and the memory of
the process that runs the tests, do not count.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import archspec

SECONDS = 3.0
"""Seconds of processor time. The slowest takes 0.6 alone, and 1.5 on a busy machine; without the limits that are tested
here, files take minutes."""
MEGABYTES = 200

CHILD = """
import json, re, resource, sys, time
import archspec
start = time.process_time()
try:
    archspec.load(sys.argv[1])
    text = None
except archspec.UserError as error:
    text = str(error)
seconds = time.process_time() - start
try:  # the peak of this program; ru_maxrss also knows that of the process it was forked from
    kilobytes = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
except OSError:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(json.dumps({"text": text, "seconds": seconds, "megabytes": kilobytes / 1024}))
"""

Maker = Callable[[Path], Path | None]
"""Writes files, and returns the path of the one to read if that is not spec.yaml."""

HEAD = "name: hostile\n"
PLAIN = "model: {input: [32, 32, 3], layers: [flatten]}\n"


def network(*layers: str, head: str = "") -> str:
    return f"{HEAD}{head}model:\n  input: [32, 32, 3]\n  layers:\n" + "".join(f"    - {layer}\n" for layer in layers)


def recipe(line: str) -> str:
    return network("flatten", "dense: {units: 3, name: fc}") + f"train:\n  data: digits\n  epochs: 3\n  {line}\n"


def text(content: str | bytes, name: str = "spec.yaml") -> Maker:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    return "\n".join(lines) + "\n"


def alias_ladder() -> str:
    """Each anchor holds the previous one a few levels deeper, a tree of thousands of levels in flat text."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} {'[' * 20}*a{i - 1}{']' * 20}" for i in range(1, 300)]
    return "\n".join(lines) + "\n"


def long_texts_by_alias() -> str:
    return f"a: &a {'x' * 9_000}\nb: [{', '.join(['*a'] * 20_000)}]\n"


def extends_chain(folder: Path) -> None:
    for i in range(200):
        (folder / f"s{i}.yaml").write_text(f"extends: s{i + 1}.yaml\n")
    (folder / "spec.yaml").write_text("extends: s0.yaml\n")


def extends_circle(folder: Path) -> None:
    (folder / "a.yaml").write_text("extends: spec.yaml\n")
    (folder / "spec.yaml").write_text("extends: ./././a.yaml\n")


def nested_blocks(fan: int, levels: int) -> str:
    """Block b0 holds `fan` times b1, which holds `fan` times b2, ..."""
    blocks = "".join(f"  b{i}: {{layers: [{', '.join([f'b{i + 1}'] * fan)}]}}\n" for i in range(levels))
    return network("b0", head=f"blocks:\n{blocks}  b{levels}: {{layers: [{{activation: relu}}]}}\n")


def growing_arguments(levels: int) -> str:
    """Each block hands ten copies of its argument to the next."""
    copies = ", ".join(['"${x}"'] * 10)
    blocks = "".join(f"  b{i}: {{params: {{x: null}}, layers: [b{i + 1}: {{x: [{copies}]}}]}}\n" for i in range(levels))
    last = f'  b{levels}: {{params: {{x: null}}, layers: [reshape: "${{x}}"]}}\n'
    return network("b0: {x: [1, 1]}", head=f"blocks:\n{blocks}{last}")


def deep_blocks() -> str:
    """Twenty blocks of twelve nested residuals each: far more levels than one file may have."""
    opened, closed = "{residual: {layers: [" * 12, "]}}" * 12
    blocks = "".join(f"  b{i}: {{layers: [{opened}b{i + 1}{closed}]}}\n" for i in range(19))
    return network("b0", head=f"blocks:\n{blocks}  b19: {{layers: [{{activation: relu}}]}}\n")


def growing_params(first: str, item: str, separator: str, brackets: str) -> str:
    """Each parameter is ten times the one before."""
    lines = [f"  p0: {first}\n"]
    for i in range(1, 30):
        copies = separator.join([item.replace("NAME", f"${{p{i - 1}}}")] * 10)
        lines.append(f"  p{i}: {brackets[0]}{copies}{brackets[1]}\n")
    return HEAD + "params:\n" + "".join(lines) + PLAIN


def param_chain() -> str:
    lines = [f"  p{i}: ${{p{i + 1}}}\n" for i in range(5_000)]
    return HEAD + "params:\n" + "".join(lines) + "  p5000: 1\n" + PLAIN


CASES: dict[str, Maker] = {
    "alias bomb": text(alias_bomb()),
    "alias ladder": text(alias_ladder()),
    "long texts by alias": text(long_texts_by_alias()),
    "anchor that holds itself": text("a: &a [*a]\n"),
    "anchor in its own mapping": text("model: &a {layers: {b: {c: *a}}}\n"),
    "10 MB scalar": text(f"name: {'x' * 10_000_000}\n{PLAIN}"),
    "10 MB scalar in JSON": text('{"name": "' + "x" * 10_000_000 + '"}', "spec.json"),
    "long scalar": text(f"name: {'x' * 900_000}\n{PLAIN}"),
    "long key": text(f"? {'x' * 900_000}\n: 1\n"),
    "long key of a layer": text(network("x" * 1000 + ": 3")),
    "long line": text(HEAD + "model: {input: [32, 32, 3], layers: [" + "flatten, " * 100_000 + "]}\n"),
    "long line with a mistake": text(HEAD + "model: {input: [32, 32, 3], layers: [" + "flaten, " * 25_000 + "]}\n"),
    "deep lists": text("a: " + "[" * 400_000),
    "deep lists, closed": text("a: " + "[" * 400_000 + "]" * 400_000),
    "deep mappings": text("a: " + "{a: " * 200_000),
    "deep block mappings": text("".join(f"{' ' * i}a:\n" for i in range(1_300))),
    "deep block lists": text("- " * 400_000 + "a"),
    "deep explicit keys": text("? " * 400_000 + "a"),
    "deep lists in JSON": text("[" * 400_000 + "]" * 400_000, "spec.json"),
    "deep mappings in JSON": text('{"a":' * 150_000 + "1" + "}" * 150_000, "spec.json"),
    "a million items": text(HEAD + "model: {input: [32, 32, 3], layers: [" + "0," * 450_000 + "]}\n"),
    "many keys": text("".join(f"k{i}: 1\n" for i in range(80_000))),
    "many keys that are nearly known": text(
        network("conv: {" + ", ".join(f"filters{i}: 1" for i in range(25_000)) + "}")
    ),
    "many duplicate keys": text("a: 1\n" * 150_000),
    "many multi-line texts": text("a:\n" + "- |\n x\n" * 25_000),
    "many anchors": text("a:\n" + "".join(f"- &a{i} x\n" for i in range(60_000))),
    "many comments": text("# x\n" * 240_000),
    "many documents": text("---\n" * 200_000),
    "many tags": text("".join(f"%TAG !{i}! tag:x,{i}:\n" for i in range(20_000)) + "--- !0!a b\n"),
    "nul bytes": text(HEAD.encode() + b"\0" * 900_000),
    "nul byte in the name of a base": text('extends: "a\\0b.yaml"\n'),
    "endless file": lambda folder: Path("/dev/zero"),
    "long name of a base": text(f"extends: {'x' * 5_000}.yaml\n"),
    "extends itself": text("extends: spec.yaml\n"),
    "extends in a circle": extends_circle,
    "a chain of extends": extends_chain,
    "9**9**9": text(network('conv: {filters: "${9**9**9}", kernel: 3}')),
    "2**53 cubed": text(network('conv: {filters: "${((2**53)**19)**19}", kernel: 3}')),
    "rounding to a thousand million digits": text(network('conv: {filters: "${round(7, -10**9)}", kernel: 3}')),
    "deep expression": text(network('conv: {filters: "${' + "(" * 240 + "1" + ")" * 240 + '}", kernel: 3}')),
    "long sign": text(network('conv: {filters: "${foo(' + "-" * 480 + '1)}", kernel: 3}')),
    "many expressions": text(
        HEAD + "params:\n  a: [" + ", ".join(f'"${{{i}}}"' for i in range(25_000)) + "]\n" + PLAIN
    ),
    "texts that double": text(growing_params("xxxxxxxxxx", "NAME", "", '""')),
    "lists that double": text(growing_params("[1, 1]", '"NAME"', ", ", "[]")),
    "a long chain of params": text(param_chain()),
    "params in a circle": text(f"{HEAD}params: {{a: '${{b}}', b: '${{a}}'}}\n{PLAIN}"),
    "arguments that double": text(growing_arguments(18)),
    "a block in itself": text(network("a", head="blocks: {a: {layers: [a, a]}}\n")),
    "blocks in a circle": text(network("a", head="blocks: {a: {layers: [b, b]}, b: {layers: [a, a]}}\n")),
    "blocks in blocks, ten times each": text(nested_blocks(10, 12)),
    "empty blocks in blocks": text(nested_blocks(10, 12).replace("{activation: relu}", "")),
    "deep blocks": text(deep_blocks()),
    "deep structures": text(network("{residual: {layers: [" * 25 + "flatten" + "]}}" * 25)),
    "huge repeats": text(
        network("repeat: {times: 100000, layers: [repeat: {times: 100000, layers: [activation: relu]}]}")
    ),
    "huge repeats of nothing": text(network("repeat: {times: 100000, layers: [repeat: {times: 100000, layers: []}]}")),
    "large repeats": text(
        network("repeat: {times: 1000, layers: [repeat: {times: 1000, layers: [activation: relu]}]}")
    ),
    "large repeats of nothing": text(network("repeat: {times: 1000, layers: [repeat: {times: 1000, layers: []}]}")),
    "many huge repeats": text(network(*["repeat: {times: 100000, layers: []}"] * 7_000)),
    "a million depths": text(
        network(f"stages: {{block: basic, depths: [{'1,' * 150_000}], widths: [{'1,' * 150_000}]}}")
    ),
    "huge depths": text(network(f"stages: {{block: basic, depths: [{'1000000,' * 90}], widths: [{'8,' * 90}]}}")),
    "many stages": text(network(f"stages: {{block: basic, depths: [{'9,' * 9_000}], widths: [{'8,' * 9_000}]}}")),
    "stages upon stages": text(
        network(
            *[f"stages: {{block: bottleneck, depths: [{'9,' * 100}], widths: [{'8,' * 100}], strides: [{'1,' * 100}]}}"]
            * 50
        )
    ),
    "huge filters": text(network(*["conv: {filters: 1000000, kernel: 3}"] * 3, "up_sample: {factor: 100}")),
    "huge up-sampling": text(network(*["up_sample: {factor: 100000}"] * 9)),
    "huge numbers": text(network(f"conv: {{filters: {'9' * 250}, kernel: 0x{'f' * 300}, stride: {'9' * 5_000}}}")),
    "huge exponent": text(network("dropout: 1e999999999")),
    "many towers": text(
        network("flatten", "dense: 1000000", "reshape: [1, 1, -1]", "towers: {count: 1000000, layers: []}")
    ),
    "towers in towers": text(
        network("conv: {filters: 65536, kernel: 1}", "towers: {count: 256, layers: [towers: {count: 256, layers: []}]}")
    ),
    "many unused layers": text(network(*["conv: {filters: 1, kernel: 1, from: input}"] * 5_000)),
    "many unknown references": text(
        network(*[f"conv: {{filters: 1, kernel: 1, from: layer{i}}}" for i in range(5_000)])
    ),
    "many inputs over and over": text(
        network(f"repeat: {{times: 1500, layers: [add: {{from: [{'repeat.input, ' * 25_000}]}}]}}")
    ),
    "many unknown inputs over and over": text(
        network("dense: {units: 1, name: a}", f"repeat: {{times: 1500, layers: [add: {{from: [{'a, ' * 25_000}]}}]}}")
    ),
    "many branches over and over": text(
        network(f"repeat: {{times: 1500, layers: [parallel: {{branches: [{'[], ' * 25_000}], merge: add}}]}}")
    ),
    "many branches on an unknown input": text(
        network("dense: 1", f"repeat: {{times: 1500, layers: [parallel: {{branches: [{'[], ' * 25_000}]}}]}}")
    ),
    "many unused blocks": text(
        network(
            "flatten",
            head=f"blocks:\n{''.join(f'  b{i}: {{layers: [b{i + 1}, b{i + 1}]}}' + chr(10) for i in range(19))}"
            "  b19: {layers: [flatten]}\n" + "".join(f"  c{i}: {{layers: [b0]}}\n" for i in range(5_000)),
        )
    ),
    "many paths to set": text(
        network("flatten") + "set:\n" + "".join(f"  model.layers[0].x{i}: 1\n" for i in range(14_000))
    ),
    "many augmentations": text(recipe(f"augment: [{'horizontal_flip, ' * 20_000}]")),
    "many layers to train": text(recipe(f"trainable: {{{', '.join(f'fc{i}: true' for i in range(14_000))}}}")),
    "many names that are nearly known": text(
        network(
            *[f"activation: {{function: relu, name: layer_name_{i}}}" for i in range(2_000)],
            *[f"add: {{from: [layer_nmae_{i}, layer_nam_{i}]}}" for i in range(2_000)],
        )
    ),
    "a reference with many sources": text(network(f"concat: {{from: [{'input, ' * 25_000}]}}", "dense: 1")),
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_file_is_refused_quickly(case: str, tmp_path: Path) -> None:
    path = CASES[case](tmp_path) or tmp_path / "spec.yaml"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["text"], "the file was accepted"
    assert len(result["text"]) < 100_000
    assert result["seconds"] < SECONDS
    assert result["megabytes"] < MEGABYTES


LARGE = {
    "an operation of many inputs": network(f"concat: {{from: [{'input, ' * 20_000}]}}"),
    "references out of a long sequence": network(
        "conv: {filters: 1, kernel: 1, name: a}",
        "conv: {filters: 1, kernel: 1, name: b}",
        f"sequence: [{', '.join(f'add: {{from: [a, b], name: x{i}}}' for i in range(2_500))},"
        f" concat: {{from: [{', '.join(f'x{i}' for i in range(2_500))}]}}]",
    ),
    "many names to keep clear of": network(
        *[f"activation: {{function: relu, name: activation{i}}}" for i in range(1, 2_500)],
        *["activation: relu"] * 2_500,
    ),
    "many gates": network("repeat: {times: 2000, layers: [squeeze_excite: {filters: 3}]}"),
    "each layer added to the three before": network(
        "conv: {filters: 1, kernel: 1, name: a0}",
        *[f"add: {{from: [a{i - 1}, a{max(0, i - 2)}, a0], name: a{i}}}" for i in range(1, 2_400)],
    ),
    "all layers added to all before": network(
        "conv: {filters: 1, kernel: 1, name: a0}",
        "conv: {filters: 1, kernel: 1, name: a1}",
        *[f"add: {{from: [{', '.join(f'a{j}' for j in range(i))}], name: a{i}}}" for i in range(2, 225)],
    ),
    "many branches": network(f"parallel: {{branches: [{', '.join(['[conv: {filters: 1, kernel: 1}]'] * 5_000)}]}}"),
    "many blocks": network(
        *[f"b{i}" for i in range(3_000)],
        head="blocks:\n" + "".join(f"  b{i}: {{layers: [activation: relu]}}\n" for i in range(3_000)),
    ),
    "many parameters": network(
        *[f'dropout: "${{p{i}}}"' for i in range(4_900)],
        head="params:\n" + "".join(f"  p{i}: 0.1\n" for i in range(4_900)),
    ),
    "many drops of the learning rate": recipe(
        "learning_rate: {step: {base: 0.1, drop: {"
        + ", ".join(f"{epoch}: {1 / (epoch + 1)}" for epoch in range(1, 14_000))
        + "}}}"
    ),
    "many shuffles": network(
        "repeat: {times: 2000, layers: [reshape: [-1, 3, 1], permute: [2, 1, 3], reshape: [32, 32, 3]]}"
    ),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_large_network_is_analysed_quickly(case: str) -> None:
    """In processor time, which other processes do not lengthen."""
    before = time.process_time()
    assert archspec.analyse(archspec.loads(LARGE[case])).layers
    assert time.process_time() - before < SECONDS


def test_a_condition_on_many_values_is_counted_quickly() -> None:
    values = ", ".join(map(str, range(1, 28_000)))
    space = f"    a: {{int: [1, 100000]}}\n    b: {{int: [1, 2], when: {{a: [{values}]}}}}\n"
    start = "search:\n  tuner: {random_search: {max_trials: 3}}\n  objective: val_accuracy\n  space:\n"
    spec = archspec.loads(network("flatten", "dense: 3", head="params: {a: 1, b: 1}\n") + start + space)
    before = time.process_time()
    assert spec.search is not None and spec.search.space.grid_size() == 100_000 + 27_999
    assert time.process_time() - before < SECONDS
