"""`extends`: mappings of fields are merged, choices and lists replaced, and null removes."""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec
from archspec.errors import Source
from archspec.source.reading import parse
from archspec.source.tree import Tree
from archspec.spec.merging import merge

MERGED = {
    # what the base has, what the child says, what the two say together
    "one default": (
        "model: {defaults: {conv: {padding: symmetric, initializer: he_normal}}}",
        "model: {defaults: {conv: {activation: relu}}}",
        "model: {defaults: {conv: {padding: symmetric, initializer: he_normal, activation: relu}}}",
    ),
    "a default removed": (
        "model: {defaults: {conv: {padding: symmetric, initializer: he_normal}}}",
        "model: {defaults: {conv: {padding: null}}}",
        "model: {defaults: {conv: {initializer: he_normal}}}",
    ),
    "the defaults of a kind removed": (
        "model: {defaults: {conv: {padding: symmetric}, dense: {bias: false}}}",
        "model: {defaults: {conv: null}}",
        "model: {defaults: {dense: {bias: false}}}",
    ),
    "null where null is a value": (
        "model: {defaults: {residual: {norm: layer}, conv: {norm: batch}}}",
        "model: {defaults: {residual: {norm: null}}}",
        "model: {defaults: {residual: {norm: null}, conv: {norm: batch}}}",
    ),
    "another source of weights": (
        "train: {init_from: {run: runs/a, layers: [stem]}}",
        "train: {init_from: {weights: a.pth}}",
        "train: {init_from: {layers: [stem], weights: a.pth}}",
    ),
    "the reverse": (
        "train: {init_from: {weights: a.pth}}",
        "train: {init_from: {run: runs/a}}",
        "train: {init_from: {run: runs/a}}",
    ),
    "no other source of weights": (
        "train: {init_from: {weights: a.pth}}",
        "train: {init_from: {run: null}}",
        "train: {init_from: {weights: a.pth, run: null}}",
    ),
    "a choice with other fields": (
        "train: {optimizer: {sgd: {momentum: 0.9, nesterov: true}}}",
        "train: {optimizer: {sgd: {momentum: 0.8}}}",
        "train: {optimizer: {sgd: {momentum: 0.8, nesterov: true}}}",
    ),
    "a field of a choice removed": (
        "train: {optimizer: {sgd: {momentum: 0.9, nesterov: true}}}",
        "train: {optimizer: {sgd: {nesterov: null}}}",
        "train: {optimizer: {sgd: {momentum: 0.9}}}",
    ),
    "another choice": (
        "train: {optimizer: {sgd: {momentum: 0.9}}}",
        "train: {optimizer: {adam: {beta_1: 0.8}}}",
        "train: {optimizer: {adam: {beta_1: 0.8}}}",
    ),
    "a choice by its name": (
        "train: {optimizer: {adam: {beta_1: 0.8}}}",
        "train: {optimizer: {adam: null}}",
        "train: {optimizer: {adam: null}}",
    ),
    "fields for a short form": (
        "train: {weight_decay: 1e-4}",
        "train: {weight_decay: {biases: true}}",
        "train: {weight_decay: {factor: 1e-4, biases: true}}",
    ),
    "a table": (
        "train: {learning_rate: {step: {base: 0.1, drop: {82: 0.01, 123: 0.001}}}}",
        "train: {learning_rate: {step: {drop: {50: 0.01}}}}",
        "train: {learning_rate: {step: {base: 0.1, drop: {50: 0.01}}}}",
    ),
    "a list": (
        "train: {augment: [horizontal_flip, {random_crop: {pad: 4}}]}",
        "train: {augment: [{random_crop: {pad: 2}}]}",
        "train: {augment: [{random_crop: {pad: 2}}]}",
    ),
    "a field removed": ("train: {epochs: 3, batch_size: 64}", "train: {epochs: null}", "train: {batch_size: 64}"),
    "multipliers by name": (
        "train: {learning_rate_multipliers: {a.b: 0.1, c: 0.5}}",
        "train: {learning_rate_multipliers: {c: 0.2}}",
        "train: {learning_rate_multipliers: {a.b: 0.1, c: 0.2}}",
    ),
    "a search": (
        "search: {tuner: {hyperband: {factor: 4}}, space: {n: {int: [1, 9]}, m: bool}, budget: {macs: 10}}",
        "search: {tuner: {hyperband: {hyperband_iterations: 2}}, space: {n: {choice: [1, 3]}, m: null}}",
        "search: {tuner: {hyperband: {factor: 4, hyperband_iterations: 2}}, space: {n: {choice: [1, 3]}},"
        " budget: {macs: 10}}",
    ),
    "a parameter of a block": (
        "blocks: {fire: {params: {squeeze: null, expand: 64}, layers: [flatten]}}",
        "blocks: {fire: {params: {expand: 32}}}",
        "blocks: {fire: {params: {squeeze: null, expand: 32}, layers: [flatten]}}",
    ),
    "a block with its layers": (
        "blocks: {fire: {params: {squeeze: null, expand: 64}, layers: [flatten]}}",
        "blocks: {fire: {params: {width: 3}, layers: [softmax]}}",
        "blocks: {fire: {params: {width: 3}, layers: [softmax]}}",
    ),
    "a block inside defaults": (
        "model: {defaults: {stages: {block: {bottleneck: {expansion: 2, groups: 4}}, strides: [1]}}}",
        "model: {defaults: {stages: {block: {bottleneck: {groups: 8}}}}}",
        "model: {defaults: {stages: {block: {bottleneck: {expansion: 2, groups: 8}}, strides: [1]}}}",
    ),
}


@pytest.mark.parametrize("case", MERGED)
def test_extends_merges_mappings_of_fields(case: str) -> None:
    base, child, together = (parse(Source("spec.yaml", text)) for text in MERGED[case])
    assert merge(base, child).plain() == together.plain()
    assert merge(base, Tree({}, None)).plain() == base.plain()


BASE = """
name: base
model:
  input: [8, 8, 1]
  defaults: {conv: {padding: symmetric, initializer: he_normal}}
  layers: [{conv: {filters: 2, kernel: 3, stride: 2}}, flatten, {dense: 2}]
train: {data: digits, optimizer: {sgd: {momentum: 0.9, nesterov: true}}, epochs: 3}
"""


def test_a_child_that_changes_one_default_keeps_the_others(tmp_path: Path) -> None:
    """Counts are equal with and without them: only the operations show what is lost."""
    (tmp_path / "base.yaml").write_text(BASE)
    child = tmp_path / "child.yaml"
    child.write_text(
        "extends: base.yaml\nname: child\nmodel: {defaults: {conv: {activation: relu}, dense: {bias: false}}}\n"
    )
    conv = archspec.load(child).graph.nodes[1].op
    assert (conv.padding, conv.initializer.name) == ("symmetric", "he_normal")  # type: ignore[attr-defined]
    assert [node.op.kind for node in archspec.load(child).graph.nodes[1:]] == ["conv", "activation", "flatten", "dense"]


def test_null_leaves_the_default_of_the_language(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    child = tmp_path / "child.yaml"
    child.write_text(
        "extends: base.yaml\nname: child\nmodel: {defaults: {conv: {padding: null}}}\n"
        "train: {epochs: null, optimizer: {sgd: {nesterov: null}}}\n"
    )
    spec = archspec.load(child)
    assert spec.graph.nodes[1].op.padding == "same"  # type: ignore[attr-defined]
    assert spec.train is not None and spec.train.epochs == 10
    assert vars(spec.train.optimizer)["momentum"] == 0.9 and not vars(spec.train.optimizer)["nesterov"]
    assert archspec.loads(spec.to_yaml()) == spec


def test_null_that_removes_nothing_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\nname: child\ntrain: {batch_size: null}\n")
    with pytest.raises(archspec.SpecError, match=r"3:21: train\.batch_size: expected a whole number .* got nothing"):
        archspec.load(child)


def test_a_required_field_that_null_removes_is_missed(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\nname: child\nmodel: {input: null}\n")
    with pytest.raises(archspec.SpecError, match=r"child\.yaml:3:1: model: needs the field 'input'"):
        archspec.load(child)


# -- files outside the spec's folder -----------------------------------------------------------------------------------

PRIVATE = (
    "what stands here is no part of a spec, or does not fit the spec that extends this file; it is not shown, as the "
    "file lies outside that spec's folder"
)
SECRETS = {
    # a file with secrets in it, and the line and column that the message names
    "lines of colons": ("hunter2:x:0:0:hunter2:/hunter2:/bin/sh\nhunter3:x:1:1::/:/bin/sh\n", "1:1"),
    "a mapping of another program": ("hunter2: hunter3\nmodel: hunter4\n", "1:1"),
    "a broken spec": ("name: [hunter2]\nmodel: {input: [8], layers: [dense: 2]}\n", "1:7"),
    "an unknown layer": ("name: a\nmodel: {input: [8], layers: [hunter2]}\n", "2:30"),
    "a name of a field": ("name: a\nmodel: {input: [8], layers: [dense: {units: 1, hunter2: 1}]}\n", "2:48"),
    "a duplicate key": ("name: a\nhunter2: 1\nhunter2: 2\n", "3:1"),
    "a syntax error": ("name: a\nmodel: [hunter2\n", "2:8"),
    "a forbidden character": ("name: hunter2\x01\n", "1:14"),
    "its own base": ("name: a\nextends: hunter2.yaml\nset: {hunter3: 1}\n", "2:10"),
}


@pytest.mark.parametrize(("text", "place"), SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("named", ["absolute", "relative", "a link"])
def test_nothing_of_a_file_outside_the_folder_is_shown(tmp_path, text, place, named):
    (tmp_path / "outside.yaml").write_text(text)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    name = {"absolute": tmp_path / "outside.yaml", "relative": "../outside.yaml", "a link": "link.yaml"}[named]
    (tmp_path / "specs" / "a.yaml").write_text(f"extends: {name}\n")
    with pytest.raises(archspec.UserError) as caught:
        archspec.load(tmp_path / "specs" / "a.yaml")
    (problem,) = caught.value.problems
    assert "hunter" not in str(caught.value) and "hunter" not in repr([problem.message, problem.notes])
    file = tmp_path / "specs" / "link.yaml" if named == "a link" else tmp_path / "outside.yaml"
    assert str(caught.value) == f"{file}:{place}: {PRIVATE}"


def test_a_file_outside_that_is_no_text_shows_none_of_its_bytes(tmp_path):
    (tmp_path / "outside.yaml").write_bytes(b"\xfe\xff")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.yaml").write_text("extends: ../outside.yaml\n")
    with pytest.raises(archspec.UserError) as caught:
        archspec.load(tmp_path / "specs" / "a.yaml")
    assert "outside.yaml: is not UTF-8 text; a spec is a text file\n" in str(caught.value)


def test_a_spec_outside_the_folder_is_extended_and_mistakes_inside_are_shown(tmp_path):
    (tmp_path / "outside.yaml").write_text("name: a\nmodel: {input: [8], layers: [dense: 2]}\n")
    (tmp_path / "specs" / "bases").mkdir(parents=True)
    (tmp_path / "specs" / "a.yaml").write_text("extends: ../outside.yaml\nname: b\n")
    assert archspec.load(tmp_path / "specs" / "a.yaml").name == "b"
    (tmp_path / "specs" / "bases" / "inside.yaml").write_text("name: a\nmodel: {input: [8], layers: [dens: 2]}\n")
    (tmp_path / "specs" / "a.yaml").write_text("extends: bases/inside.yaml\n")
    with pytest.raises(archspec.SpecError, match="unknown block 'dens'"):
        archspec.load(tmp_path / "specs" / "a.yaml")
