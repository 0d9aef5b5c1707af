"""Docstrings, comments, messages and pages are plain English, without the fragments and words that once crept in."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for name in ("archspec", "builder", "tools", "benchmarks") for path in ROOT.glob(f"{name}/**/*.py")
)
TEXTS = [
    *SOURCES,
    *sorted([ROOT / "Makefile", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("specs/*.yaml")]),
]
FRAGMENT = re.compile(r"(?:Of|Those|That of|The same)\s")
"""The beginning of a docstring that only makes sense after another one."""
WORDS = {
    r"\b(?:go|goes|going)\s+on\s+with\b": "resume, continue",
    r"\banew\b": "again, from scratch",
    r"\b(?:is|are)\s+told\b(?!\s+apart)": "is reported",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def docstrings(tree: ast.AST) -> list[tuple[int, str]]:
    """All strings that are statements, with their lines: docstrings, and descriptions below constants and fields."""
    return [(node.lineno, node.value.value.lstrip()) for node in ast.walk(tree) if is_string(node)]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_docstrings_are_sentences_of_their_own(path):
    found = docstrings(ast.parse(path.read_text(encoding="utf-8")))
    assert [f"{path}:{line}: {text[:60]}" for line, text in found if FRAGMENT.match(text)] == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_constant_has_at_most_one_description(path):
    bodies = [node.body for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if hasattr(node, "body")]
    pairs = [pair for body in bodies if isinstance(body, list) for pair in pairwise(body)]
    assert [f"{path}:{second.lineno}" for first, second in pairs if is_string(first) and is_string(second)] == []


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_words_are_those_of_the_field(path):
    text = path.read_text(encoding="utf-8")
    found = [
        (match, better) for pattern, better in WORDS.items() for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    lines = [f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}: {better}" for match, better in found]
    assert lines == []
