"""The names of a run's files are written in one module."""

import ast
from pathlib import Path

from builder.runs import names

BUILDER = Path(__file__).parents[3] / "builder"
NAMES = {value for name, value in vars(names).items() if name.isupper()}


def test_the_names_of_files_are_written_once():
    assert {"spec.yaml", "environment.json", "metrics.csv", "model.keras", "best.safetensors"} <= NAMES
    found = [
        f"{path.relative_to(BUILDER)}: {node.value}"
        for folder in ("runs", "training")
        for path in sorted((BUILDER / folder).glob("*.py"))
        if path.name != "names.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in NAMES
    ]
    assert not found
