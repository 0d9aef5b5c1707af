"""`${...}`: arithmetic over parameters, never code.

Python's own parser reads the text; a fixed set of its syntax nodes is then interpreted, with bounds on length,
depth and magnitude. Everything else is an error.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from archspec.errors import INVALID
from archspec.wording import describe, did_you_mean, quoted

MAX_LENGTH = 500
MAX_TEXT = 10_000
MAX_DEPTH = 40
MAX_MAGNITUDE = 2**53  # above it, a float cannot hold every whole number

PATTERN = re.compile(r"\$\{([^{}]*)\}")

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "round": round, "int": int}
ALLOWED = f"+ - * / // % **, comparisons, and/or/not, 'a if c else b', [index], {' '.join(FUNCTIONS)}"


class ExpressionError(Exception):
    """A mistake in an expression, and which part of the text (`start`, `length`) it is; the caller adds the address."""

    def __init__(self, message: str, start: int = 0, length: int = 0):
        super().__init__(message)
        self.start = start
        self.length = length


class DependsOnInvalid(ExpressionError):
    """An expression uses a parameter whose problem has been reported already."""


def has_expression(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a text with `${...}` parts.

    A text that is one expression has that expression's value (number, boolean, text or list); any other text has
    the values inserted.

    Raises:
        ExpressionError: a malformed expression, an unknown name, a forbidden construct or a value too large.
    """
    matches = list(PATTERN.finditer(text))
    if text.count("${") != len(matches):
        _refuse_unclosed(text)
    values = [_part(match, names) for match in matches]
    if len(matches) == 1 and matches[0][0] == text:
        return values[0]
    for match, value in zip(matches, values, strict=True):
        if not isinstance(value, str | int | float):
            raise ExpressionError("only a number or a text can stand inside a text", match.start(), len(match[0]))
    rest = iter(values)
    result = PATTERN.sub(lambda match: str(next(rest)), text)
    if len(result) > MAX_TEXT:
        raise ExpressionError(f"the text becomes longer than {MAX_TEXT:,} characters, the limit", 0, len(text))
    return result


def _part(match: re.Match[str], names: Mapping[str, Any]) -> Any:
    try:
        return evaluate_expression(match[1], names)
    except ExpressionError as error:
        inside = error.length > 0
        error.start = match.start(1) + error.start if inside else match.start()
        error.length = error.length if inside else len(match[0])
        raise


def _refuse_unclosed(text: str) -> NoReturn:
    start = next(m.start() for m in re.finditer(r"\$\{", text) if not PATTERN.match(text, m.start()))
    if re.match(r"\$\{[^{}]*\$\{", text[start:]):
        raise ExpressionError("'${' stands inside another '${...}'; a name needs none there", start, len(text) - start)
    raise ExpressionError("'${' has no matching '}'", start, len(text) - start)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.expr | None:
    """The syntax tree, or None when the text is not a Python expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of syntax such as `1if x else 2`
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def evaluate_expression(text: str, names: Mapping[str, Any]) -> Any:
    """The value of one expression, without the `${` and `}` around it."""
    return _Evaluator(names).run(text)


class _Evaluator:
    def __init__(self, names: Mapping[str, Any]):
        self.names = names
        self.text = ""
        self.offset = 0

    def run(self, text: str) -> Any:
        if not text.strip():
            raise ExpressionError("'${}' is empty; write an expression such as ${2 * width}")
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters, the limit")
        self.text, self.offset = text.strip(), len(text) - len(text.lstrip())
        tree = _parsed(self.text)
        if tree is None:
            raise ExpressionError(f"{quoted(self.text)} is not an expression; allowed: {ALLOWED}")
        return self.value(tree, 0)

    def fail(self, node: ast.expr, message: str) -> NoReturn:
        raise ExpressionError(message, *self.place(node))

    def place(self, node: ast.expr) -> tuple[int, int]:
        """Start and length of a node in the text. Python's parser counts bytes."""
        line = self.text.encode()
        if node.end_col_offset is None or node.lineno != 1 or node.end_lineno != 1:
            return self.offset, len(self.text)
        start = len(line[: node.col_offset].decode(errors="ignore"))
        return self.offset + start, len(line[node.col_offset : node.end_col_offset].decode(errors="ignore"))

    def shown(self, node: ast.expr) -> str:
        start, length = self.place(node)
        return quoted(self.text[start - self.offset : start - self.offset + length])

    def value(self, node: ast.expr, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested deeper than {MAX_DEPTH} levels, the limit")
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as constant):
                return self.bounded(constant, node)
            case ast.Name(id=name):
                return self.name(name, node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self.arithmetic(op, self.number(left, depth), self.number(right, depth), node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand, depth + 1)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return _UNARY[type(op)](self.number(operand, depth))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                return self.comparison(left, ops, rest, depth)
            case ast.BoolOp(op=op, values=values):
                results = (bool(self.value(part, depth + 1)) for part in values)
                return all(results) if isinstance(op, ast.And) else any(results)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test, depth + 1) else orelse, depth + 1)
            case ast.Subscript(value=items, slice=index):
                return self.item(items, index, depth)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                return self.call(name, [self.number(arg, depth) for arg in args], node)
        self.fail(node, f"{self.shown(node)} is not allowed in an expression; allowed: {ALLOWED}")

    def name(self, name: str, node: ast.expr) -> Any:
        if name in self.names:
            value = self.names[name]
            if value is INVALID:
                raise DependsOnInvalid(name)
            return value
        if name in FUNCTIONS:
            self.fail(node, f"'{name}' is a function; write {name}(...)")
        hint = did_you_mean(name, self.names) if self.names else "; no parameter is defined"
        self.fail(node, f"unknown name {quoted(name)}{hint}")

    def number(self, node: ast.expr, depth: int) -> Any:
        value = self.value(node, depth + 1)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(node, f"{self.shown(node)} is {describe(value)}, not a number")
        return value

    def arithmetic(self, op: ast.operator, a: Any, b: Any, node: ast.expr) -> Any:
        try:
            if isinstance(op, ast.Pow) and abs(a) > 1 and b * math.log2(abs(a)) > 1024:
                self.fail(node, f"{self.shown(node)} is too large; the limit is 2**53")
            return self.bounded(_BINARY[type(op)](a, b), node)
        except ZeroDivisionError:
            self.fail(node, f"{self.shown(node)} divides by zero")
        except OverflowError:
            self.fail(node, f"{self.shown(node)} is too large")

    def bounded(self, value: Any, node: ast.expr) -> Any:
        if isinstance(value, complex):
            self.fail(node, f"{self.shown(node)} is not a real number")
        if isinstance(value, int) and abs(value) > MAX_MAGNITUDE:
            self.fail(node, f"{self.shown(node)} is too large; the limit is 2**53")
        if isinstance(value, float) and not math.isfinite(value):
            self.fail(node, f"{self.shown(node)} is not a finite number")
        return value

    def comparison(self, left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], depth: int) -> bool:
        a = self.value(left, depth + 1)
        for op, right in zip(ops, rest, strict=True):
            b = self.value(right, depth + 1)
            if type(op) not in _COMPARE:
                self.fail(right, f"a comparison must be one of == != < <= > >=; allowed: {ALLOWED}")
            try:
                if not _COMPARE[type(op)](a, b):
                    return False
            except TypeError:
                self.fail(right, f"{describe(a)} and {describe(b)} have no order")
            a = b
        return True

    def item(self, items: ast.expr, index: ast.expr, depth: int) -> Any:
        sequence = self.value(items, depth + 1)
        if not isinstance(sequence, list):
            self.fail(items, f"{self.shown(items)} is {describe(sequence)}, not a list")
        position = self.value(index, depth + 1)
        if type(position) is not int or not -len(sequence) <= position < len(sequence):
            self.fail(index, f"[{str(position)[:60]}] is not a position in a list of {len(sequence)}, counted from 0")
        return sequence[position]

    def call(self, name: str, values: list[Any], node: ast.expr) -> Any:
        least, most = {"int": (1, 1), "round": (1, 2)}.get(name, (2, len(values)))
        if not least <= len(values) <= max(least, most):
            takes = {"int": "one number", "round": "one or two numbers"}.get(name, "two numbers or more")
            self.fail(node, f"{name}() takes {takes}, got {len(values)}")
        if name == "round" and len(values) == 2 and (not isinstance(values[1], int) or abs(values[1]) > 15):
            self.fail(node, "round() takes a whole number of digits from -15 to 15")
        try:
            return self.bounded(FUNCTIONS[name](*values), node)
        except (OverflowError, ValueError):  # int and round of infinity or NaN
            self.fail(node, f"{self.shown(node)} is not a finite number")
