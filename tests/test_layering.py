"""Packages import in one direction, downwards, and no two modules import each other."""

import ast
import graphlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = """
builder
builder.sweep
builder.training builder.evaluation builder.prediction builder.exports
builder.weights
builder.runs
builder.data
builder.network builder.pictures builder.augment builder.distribution builder.system
archspec.cli archspec.json_schema archspec.report archspec.candidates archspec
archspec.analysis
archspec.spec
archspec.graph archspec.search
archspec.blocks
archspec.layers
archspec.recipe archspec.ops
archspec.fields
archspec.source
archspec.errors archspec.tables
archspec.wording
"""
"""From the top down. What stands on one line imports nothing of the others there, and only what is below; `builder` and
`archspec` are their `__init__` alone."""
FLOOR = {name: number for number, line in enumerate(FLOORS.split("\n")) for name in line.split()}


def modules() -> dict[str, Path]:
    paths = [path.relative_to(ROOT) for name in ("archspec", "builder") for path in (ROOT / name).rglob("*.py")]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules that a module imports, lazily too, but for those that only the type checker reads."""
    nodes = [ast.parse((ROOT / path).read_text(encoding="utf-8"))]
    names = []
    for node in nodes:  # it grows
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    ours = [one for one in names if one.partition(".")[0] in ("archspec", "builder")]
    return {one if one in known else one.rpartition(".")[0] for one in ours} - {name}


def folder(name: str) -> str:
    return ".".join(name.split(".")[:2])


KNOWN = modules()
IMPORTS = {name: imports(name, path, KNOWN) for name, path in KNOWN.items()}


def test_every_package_has_its_floor():
    assert {folder(name) for name in KNOWN} == FLOOR.keys()


def test_imports_lead_down():
    wrong = [
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if folder(name) != folder(other) and FLOOR[folder(name)] >= FLOOR[folder(other)]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other():
    graphlib.TopologicalSorter(IMPORTS).prepare()
