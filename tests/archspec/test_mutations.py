"""Valid specs changed at random give a spec or a UserError that can be printed, never anything else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.blocks import BLOCKS
from archspec.layers.structures import STRUCTURES
from archspec.ops import PRIMITIVES
from archspec.source.reading import read_file
from tests.randomised import examples

RICH = Path(__file__).parent / "rich.yaml"
SPECS = Path(__file__).parents[2] / "specs"
FILES = [RICH, RICH, RICH, *(path for path in sorted(SPECS.glob("*.yaml")) if "1202" not in path.name)]
"""The rich spec is drawn most often; that of 1,202 layers is left out, as it is slow and like its smaller siblings."""

TEXTS = {path: path.read_text() for path in FILES}
TREES = {path: read_file(path).plain() for path in FILES}

ODD: list[Any] = [
    None, True, False, -1, 0, 1, 2, 3, 64, 1.5, 1e-4, float("inf"), 10**30, "", "x", "relu", "conv", "conv#", "#",
    "input", "same", "batch", "identity", "none", "64", "no", "1e-4", "${", "${}", "${n}", "${width}", "${widths}",
    "${1 / 0}", "${9**9**9}", "${n.real}", "a${kind}b", "é", "\u200b", "a\nb", "<<", "M", [], {}, [[]], [None],
    {"": None}, {"a": {}}, [1, 2], [1, 2, 3], [[1, 2], [3, 4]], ["flatten"], {"conv": {"filters": 2, "kernel": 1}},
    {"conv": None}, {"fire": 3},
]  # fmt: skip
KEYS = [
    *PRIMITIVES, *BLOCKS, *STRUCTURES, "fire", "pair", "name", "from", "merge", "norm", "layers", "branches", "params",
    "blocks", "defaults", "train", "model", "extends", "set", "n", "width", "", "a b", "Ω", "1",
]  # fmt: skip
SNIPPETS = [
    "", " ", "\n", "\t", ":", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#", "&a ", "*a", "!!int ", "|\n", "?",
    "%", "@", "---\n", "...\n", "\0", "\x85", "\u2028", "\ufeff", "é", "${", "$", "<<: *a", "0x", "1e999", "~", "null",
    "\r", "\\",
]  # fmt: skip
PATHS = [
    "n", "params.n", "model.layers[0]", "model.layers[3].flatten", "train.optimizer.sgd.momentum", "train.batch_size",
    "model", "name", "blocks.fire.params.squeeze", "model.input[0]", "model.defaults.conv.kernel", "x.y",
    "model.layers[999]", "model.layers", "set", "[", "",
]  # fmt: skip

Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's is the faster

positions = st.integers(0, 10**6)
odd_values = st.one_of(st.sampled_from(ODD), st.integers(), st.floats(), st.text(max_size=5))


def containers(tree: Any) -> Iterator[Any]:
    """Every non-empty list and mapping."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from containers(child)


def place(tree: Any, at: int) -> tuple[Any, Any]:
    """Draws a container of the tree and the key or index of one of its values."""
    places = [(c, key) for c in containers(tree) for key in (c if isinstance(c, dict) else range(len(c)))]
    return places[at % len(places)]


def change(tree: Any, how: str, at: int, other: int, value: Any, key: str) -> None:
    """Changes a tree in place."""
    if not isinstance(tree, dict) or not tree:
        return
    container, index = place(tree, at)
    if how == "delete":
        del container[index]
    elif how == "replace":
        container[index] = copy.deepcopy(value)
    elif how == "copy from elsewhere":
        source, source_index = place(tree, other)
        container[index] = copy.deepcopy(source[source_index])
    elif how == "swap":
        source, source_index = place(tree, other)
        a, b = copy.deepcopy(container[index]), copy.deepcopy(source[source_index])
        source[source_index] = a
        if index in container if isinstance(container, dict) else index < len(container):
            container[index] = b
    elif isinstance(container, list):
        container.insert(index, copy.deepcopy(value if how == "add" else container[index]))
    elif how == "add":
        container[key] = copy.deepcopy(value)
    else:  # another name for a key
        items = [(key if name == index else name, child) for name, child in container.items()]
        container.clear()
        container.update(items)


tree_changes = st.lists(
    st.tuples(
        st.sampled_from(["delete", "replace", "copy from elsewhere", "swap", "add", "rename"]),
        positions, positions, odd_values, st.sampled_from(KEYS),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


def edit(text: str, how: str, at: int, other: int, snippet: str) -> str:
    lines = text.split("\n")
    line, second = at % len(lines), other % len(lines)
    position = at % (len(text) + 1)
    if how == "insert":
        return text[:position] + snippet + text[position:]
    if how == "overwrite":
        return text[:position] + snippet + text[position + len(snippet) :]
    if how == "delete":
        return text[:position] + text[position + 1 + other % 4 :]
    if how == "delete a line":
        del lines[line]
    elif how == "repeat a line":
        lines.insert(second, lines[line])
    elif how == "swap lines":
        lines[line], lines[second] = lines[second], lines[line]
    elif how == "indent a line":
        lines[line] = " " * (other % 5) + lines[line]
    else:
        return text[:position]
    return "\n".join(lines)


text_changes = st.lists(
    st.tuples(
        st.sampled_from(
            ["insert", "overwrite", "delete", "delete a line", "repeat a line", "swap lines", "indent a line", "cut"]
        ),
        positions,
        positions,
        st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=3)),
    ),
    min_size=1,
    max_size=3,
)


def load(path: Path, overrides: dict[str, Any] | None = None) -> archspec.Spec | None:
    """Loads the spec; None if it has a mistake that is reported as one."""
    try:
        return archspec.load(path, overrides)
    except archspec.UserError as error:
        text, problems = str(error), error.problems
    assert problems
    assert all(line.strip() for line in text.splitlines())
    assert "INVALID" not in text
    return None


def check(path: Path) -> None:
    """Loads the file; a valid spec can be analysed, and means the same after it is written and read again."""
    spec = load(path)
    if spec is not None:
        assert archspec.analyse(spec).layers
        again = path.with_name("again.yaml")
        again.write_text(spec.to_yaml(), encoding="utf-8")
        assert archspec.load(again).graph == spec.graph


def words(tree: Any) -> Iterator[str]:
    """Every key and text."""
    if isinstance(tree, dict):
        yield from tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from words(child)
    if isinstance(tree, str):
        yield tree


def test_the_rich_spec_has_every_construct():
    assert {*PRIMITIVES, *BLOCKS, *STRUCTURES} <= set(words(TREES[RICH]))


@examples(500)
@given(file=st.sampled_from(FILES), changes=tree_changes, as_json=st.booleans())
def test_changed_trees(file: Path, changes: list[Any], as_json: bool, tmp_path: Path):
    tree = copy.deepcopy(TREES[file])
    for one in changes:
        change(tree, *one)
    path = tmp_path / ("spec.json" if as_json else "spec.yaml")
    text = json.dumps(tree) if as_json else yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    check(path)


@examples(500)
@given(file=st.sampled_from(FILES), changes=text_changes)
def test_changed_texts(file: Path, changes: list[Any], tmp_path: Path):
    text = TEXTS[file]
    for one in changes:
        text = edit(text, *one)
    path = tmp_path / "spec.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    check(path)


@examples(500)
@given(expression=st.text(alphabet="nwidth0129.+-*/%()[]<>=!, 'if else and or not min max round int", max_size=40))
def test_random_expressions(expression: str, tmp_path: Path):
    path = tmp_path / "spec.yaml"
    params = json.dumps({"n": 2, "width": 8, "widths": [1, 2], "x": f"${{{expression}}}"})
    path.write_text(f"name: net\nparams: {params}\nmodel: {{input: [3], layers: [{{dense: '${{x}}'}}]}}\n")
    check(path)


@examples(500)
@given(path=st.sampled_from(PATHS), value=odd_values)
def test_odd_overrides(path: str, value: Any):
    spec = load(RICH, {path: value})
    assert spec is None or archspec.analyse(spec).layers


@pytest.mark.parametrize("file", sorted(set(FILES)), ids=lambda path: path.stem)
def test_unchanged_files_are_valid(file: Path):
    assert archspec.load(file).graph.nodes
