"""Reads the pickles of state dicts as data: containers, numbers, texts and what the caller lets them name.

A pickle is a program for Python's unpickler, which trusts it: 223 bytes can take gigabytes (an entry of the memo with a
number of 2^28), 303 bytes can take hours (the hash of tuples nested 40 deep, each holding the one before twice). Here
the program is run by an interpreter that knows the operations of state dicts only. Nothing is hashed but texts and
small numbers, which do not collide.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any

from builder.system.limits import MOST_OPERATIONS

LARGEST_KEY = 2**32
"""A number that is a key is smaller: Python hashes it to itself, so that no two have one hash."""
LONGEST_NUMBER = 64
"""The most bits of a number. Sizes and offsets have no more."""


class Unfit(ValueError):
    """A pickle does what no state dict needs; the message says what."""


class _Mark:
    """Separates the values that an operation takes from those before."""


_MARK = _Mark()
_VALUES = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
"""The operations that push the value they carry."""


class Unpickler:
    """An interpreter of pickles that runs none of their code.

    Attributes:
        find_class: from the full name of a class or function to what stands for it; it raises to refuse the name.
        call: calls what `find_class` returned with arguments; it raises for anything that cannot be called.
        persistent_load: from a persistent reference to the object.
    """

    def __init__(
        self,
        find_class: Callable[[str], Any],
        call: Callable[[Any, tuple[Any, ...]], Any],
        persistent_load: Callable[[Any], Any],
    ):
        self.find_class, self.call, self.persistent_load = find_class, call, persistent_load
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.operations: Mapping[str, Callable[[Any], object]] = {
            **dict.fromkeys(_VALUES, self._push),
            "NONE": lambda _: self.stack.append(None),
            "NEWTRUE": lambda _: self.stack.append(True),
            "NEWFALSE": lambda _: self.stack.append(False),
            "MARK": lambda _: self.stack.append(_MARK),
            "EMPTY_LIST": lambda _: self.stack.append([]),
            "EMPTY_DICT": lambda _: self.stack.append({}),
            "EMPTY_TUPLE": lambda _: self.stack.append(()),
            "EMPTY_SET": lambda _: self.stack.append(set()),
            "LIST": lambda _: self._push(self._marked()),
            "TUPLE": lambda _: self._push(tuple(self._marked())),
            "DICT": lambda _: self._push(_filled({}, self._marked())),
            "FROZENSET": lambda _: self._push(frozenset(map(_key, self._marked()))),
            "TUPLE1": lambda _: self._push(tuple(self._last(1))),
            "TUPLE2": lambda _: self._push(tuple(self._last(2))),
            "TUPLE3": lambda _: self._push(tuple(self._last(3))),
            "APPEND": lambda _: self._append(self._last(1)),
            "APPENDS": lambda _: self._append(self._marked()),
            "ADDITEMS": lambda _: self._add(self._marked()),
            "SETITEM": lambda _: self._set(self._last(2)),
            "SETITEMS": lambda _: self._set(self._marked()),
            "POP": lambda _: self._last(1, any_kind=True),
            "POP_MARK": lambda _: self._marked(),
            "DUP": lambda _: self.stack.append(self.stack[-1]),
            "PUT": self._put,
            "BINPUT": self._put,
            "LONG_BINPUT": self._put,
            "MEMOIZE": lambda _: self._put(len(self.memo)),
            "GET": self._get,
            "BINGET": self._get,
            "LONG_BINGET": self._get,
            "GLOBAL": lambda name: self._push(self.find_class(name.replace(" ", ".", 1))),
            "INST": lambda name: self._push(
                self.call(self.find_class(name.replace(" ", ".", 1)), tuple(self._marked()))
            ),
            "STACK_GLOBAL": lambda _: self._push(self.find_class(".".join(self._texts(2)))),
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
            "PERSID": lambda name: self._push(self.persistent_load(name)),
            "BINPERSID": lambda _: self._push(self.persistent_load(*self._last(1))),
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
        }

    def load(self, data: bytes) -> Any:
        """The object that the pickle describes.

        Raises:
            Unfit: it does what no state dict needs.
            Exception: it is damaged; or what `find_class`, `call` and `persistent_load` raise.
        """
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if opcode.name == "STOP":
                return self._last(1)[0]
            if count >= MOST_OPERATIONS:
                raise Unfit(f"has more than {MOST_OPERATIONS:,} operations")
            operation = self.operations.get(opcode.name)
            if operation is None:
                raise Unfit(f"has the operation {opcode.name}, which state dicts do without")
            operation(argument)
        raise EOFError

    def _push(self, value: Any) -> None:
        if type(value) is int and value.bit_length() > LONGEST_NUMBER:
            raise Unfit(f"has a number of {value.bit_length():,} bits")
        self.stack.append(value)

    def _last(self, count: int, any_kind: bool = False) -> list[Any]:
        """Takes the last values off the stack."""
        if len(self.stack) < count:
            raise IndexError
        values = self.stack[-count:]
        del self.stack[-count:]
        if not any_kind and any(value is _MARK for value in values):
            raise IndexError
        return values

    def _marked(self) -> list[Any]:
        """Takes the values after the last mark off the stack, and the mark."""
        position = len(self.stack) - 1
        while self.stack[position] is not _MARK:  # beyond the first there is none, which raises IndexError
            position -= 1
            if position < 0:
                raise IndexError
        values = self.stack[position + 1 :]
        del self.stack[position:]
        return values

    def _texts(self, count: int) -> list[str]:
        values = self._last(count)
        if not all(isinstance(value, str) for value in values):
            raise TypeError
        return values

    def _append(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError
        self.stack[-1].extend(values)

    def _add(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not set:
            raise TypeError
        self.stack[-1].update(map(_key, values))

    def _set(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise TypeError
        _filled(self.stack[-1], values)

    def _put(self, number: int) -> None:
        if self.stack[-1] is _MARK:
            raise IndexError
        self.memo[number] = self.stack[-1]

    def _get(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def _reduce(self) -> None:
        function, arguments = self._last(2)
        if not isinstance(arguments, tuple):
            raise TypeError
        self._push(self.call(function, arguments))

    def _build(self) -> None:
        """Leaves out the attributes that PyTorch attaches to dictionaries, the versions of modules."""
        self._last(1)
        if not isinstance(self.stack[-1], dict):
            raise TypeError


def _key(value: Any) -> Any:
    """A value that is to be hashed."""
    if type(value) is str or (type(value) is int and abs(value) < LARGEST_KEY):
        return value
    raise Unfit(f"has a key of type {type(value).__name__}, where state dicts have texts")


def _filled(found: dict[Any, Any], values: list[Any]) -> dict[Any, Any]:
    """A dictionary with keys and values that follow each other in turn."""
    if len(values) % 2:
        raise IndexError
    for key, value in zip(values[::2], values[1::2], strict=True):
        found[_key(key)] = value
    return found
