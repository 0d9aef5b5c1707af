"""Packages import in one direction, downwards, no two modules import each other, and CONTRIBUTING.md draws it so.

python -m tests.test_layering prints the arrows of the picture."""

import ast
import graphlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("archspec", "builder", "tools")
FLOORS = """
tools
builder
builder.comparison
builder.sweep
builder.training builder.evaluation builder.exports builder.tracking
builder.explanation
builder.prediction
builder.weights
builder.runs
builder.data
builder.network builder.pictures builder.augment builder.distribution
builder.charts
builder.system
archspec
archspec.cli archspec.json_schema archspec.reference archspec.candidates archspec.comparison
archspec.network
archspec.spec
archspec.report
archspec.drawing
archspec.analysis archspec.segments
archspec.receptive_fields
archspec.graph archspec.search
archspec.blocks
archspec.layers
archspec.recipe archspec.ops
archspec.fields
archspec.source
archspec.errors archspec.tables archspec.pages archspec.vocabulary
archspec.wording archspec.characters archspec.commands archspec.files archspec.nesting archspec.palette
"""
"""From the top down. What stands on one line imports nothing of the others there, and only what is below; `builder` and
`archspec` are their `__init__` alone."""
FLOOR = {name: number for number, line in enumerate(FLOORS.split("\n")) for name in line.split()}


def modules() -> dict[str, Path]:
    paths = [
        path.relative_to(ROOT) for name in ("archspec", "builder", "tools") for path in (ROOT / name).rglob("*.py")
    ]
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
    ours = [one for one in names if one.partition(".")[0] in PACKAGES]
    return {one if one in known else one.rpartition(".")[0] for one in ours} - {name}


def folder(name: str) -> str:
    return ".".join(name.split(".")[: 1 if name.startswith("tools") else 2])


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


def picture() -> set[tuple[str, str]]:
    """The arrows between folders from which all others follow: their transitive reduction. An arrow stands for imports
    directly or through modules that stand beside folders, such as `archspec.report`."""
    below: dict[str, set[str]] = {}
    for name in sorted(FLOOR, key=FLOOR.__getitem__, reverse=True):
        imported = {folder(other) for module in KNOWN if folder(module) == name for other in IMPORTS[module]} - {name}
        below[name] = imported.union(*(below[other] for other in imported))
    drawn = [name for name in FLOOR if name == "tools" or ("." in name and (ROOT / name.replace(".", "/")).is_dir())]
    return {
        (name, other)
        for name in drawn
        for other in below[name].intersection(drawn)
        if not any(other in below[between] for between in below[name].intersection(drawn))
    }


def test_the_picture_in_the_guide_is_that_of_the_imports():
    (drawn,) = re.findall(r"^```mermaid\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    arrows = set(re.findall(r"^ +(\S+) --> (\S+)$", drawn, re.MULTILINE))
    assert arrows == picture(), "python -m tests.test_layering prints the arrows as they are"


if __name__ == "__main__":
    for arrow in sorted(picture(), key=lambda arrow: (FLOOR[arrow[0]], arrow)):
        print("    {} --> {}".format(*arrow))
