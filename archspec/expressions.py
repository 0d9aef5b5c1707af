"""`${...}`: arithmetic over parameters, never code.

Python's own parser reads the text; a fixed set of its syntax nodes is then interpreted, with bounds on length,
depth and magnitude. Everything else is an error.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from archspec.errors import INVALID, did_you_mean

MAX_LENGTH = 500
MAX_DEPTH = 40
MAX_MAGNITUDE = 2**53  # beyond it a float no longer holds every whole number

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
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "round": round, "int": int}
ALLOWED = "+ - * / // % **, comparisons, and/or/not, 'a if c else b', [index], min max round int"


class ExpressionError(Exception):
    """What is wrong with an expression; the caller adds the address."""


class DependsOnInvalid(ExpressionError):
    """An expression that uses a parameter about which a problem has been reported already."""


def has_expression(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a text with `${...}` parts.

    A text that is one expression has that expression's value (number, boolean, text or list); any other text has
    the values put in their places.

    Raises:
        ExpressionError: a malformed expression, an unknown name, a forbidden construct or a value too large.
    """
    if text.count("${") != len(PATTERN.findall(text)):
        raise ExpressionError("'${' without a matching '}'")
    whole = PATTERN.fullmatch(text)
    if whole:
        return evaluate_expression(whole[1], names)
    return PATTERN.sub(lambda match: str(evaluate_expression(match[1], names)), text)


def evaluate_expression(text: str, names: Mapping[str, Any]) -> Any:
    """The value of one expression, without the `${` and `}` around it."""
    return _Evaluator(names).run(text)


class _Evaluator:
    def __init__(self, names: Mapping[str, Any]):
        self.names = names

    def run(self, text: str) -> Any:
        if not text.strip():
            raise ExpressionError("'${}' is empty; write an expression such as ${2 * width}")
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters, the limit")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ExpressionError(f"'{text.strip()}' is not an expression; allowed: {ALLOWED}") from None
        try:
            return self.value(tree.body, 0)
        except ZeroDivisionError:
            raise ExpressionError(f"'{text.strip()}' divides by zero") from None
        except OverflowError:
            raise ExpressionError(f"'{text.strip()}' is too large") from None

    def value(self, node: ast.expr, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested deeper than {MAX_DEPTH} levels, the limit")
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as constant):
                return self.bounded(constant, node)
            case ast.Name(id=name):
                if name not in self.names:
                    raise ExpressionError(f"unknown name '{name}'{did_you_mean(name, self.names)}")
                value = self.names[name]
                if value is INVALID:
                    raise DependsOnInvalid(name)
                return value
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                a, b = (self.number(side, depth) for side in (left, right))
                if isinstance(op, ast.Pow):
                    self.check_power(a, b, node)
                return self.bounded(_BINARY[type(op)](a, b), node)
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
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS and args:
                return self.call(name, [self.number(arg, depth) for arg in args], node)
        raise ExpressionError(f"'{ast.unparse(node)[:60]}' is not allowed in an expression; allowed: {ALLOWED}")

    def number(self, node: ast.expr, depth: int) -> Any:
        value = self.value(node, depth + 1)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(f"'{ast.unparse(node)[:60]}' is {value!r:.60}, not a number")
        return value

    def bounded(self, value: Any, node: ast.expr) -> Any:
        if isinstance(value, complex):
            raise ExpressionError(f"'{ast.unparse(node)[:60]}' is not a real number")
        if isinstance(value, int) and abs(value) > MAX_MAGNITUDE:
            raise ExpressionError(f"'{ast.unparse(node)[:60]}' is too large (limit 2**53)")
        if isinstance(value, float) and not math.isfinite(value):
            raise ExpressionError(f"'{ast.unparse(node)[:60]}' is not a finite number")
        return value

    def check_power(self, base: Any, exponent: Any, node: ast.expr) -> None:
        if abs(base) > 1 and exponent * math.log2(abs(base)) > 1024:
            raise ExpressionError(f"'{ast.unparse(node)[:60]}' is too large (limit 2**53)")

    def comparison(self, left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], depth: int) -> bool:
        a = self.value(left, depth + 1)
        for op, right in zip(ops, rest, strict=True):
            b = self.value(right, depth + 1)
            if type(op) not in _COMPARE:
                raise ExpressionError(f"a comparison must be one of == != < <= > >=; allowed: {ALLOWED}")
            if not isinstance(op, ast.Eq | ast.NotEq) and isinstance(a, str) != isinstance(b, str):
                raise ExpressionError(f"{a!r:.60} and {b!r:.60} have no order")
            if not _COMPARE[type(op)](a, b):
                return False
            a = b
        return True

    def item(self, items: ast.expr, index: ast.expr, depth: int) -> Any:
        sequence = self.value(items, depth + 1)
        if not isinstance(sequence, list):
            raise ExpressionError(f"'{ast.unparse(items)[:60]}' is {sequence!r:.60}, not a list")
        position = self.value(index, depth + 1)
        if type(position) is not int or not -len(sequence) <= position < len(sequence):
            raise ExpressionError(f"[{position!r:.60}] is not a position in a list of {len(sequence)}")
        return sequence[position]

    def call(self, name: str, values: list[Any], node: ast.expr) -> Any:
        if (
            (name == "int" and len(values) != 1)
            or (name == "round" and len(values) > 2)
            or (name in ("min", "max") and len(values) < 2)
        ):
            raise ExpressionError(f"{name}() does not take {len(values)} number(s)")
        if name == "round" and len(values) == 2 and not isinstance(values[1], int):
            raise ExpressionError("round() takes a whole number of digits")
        return self.bounded(_FUNCTIONS[name](*values), node)
