"""Records: mappings of named fields, described by a dataclass or a function signature.

The annotation of a field holds its form, so the code is its own schema:

    def fire(*, squeeze: Count, expand: Count, activation: Activation = "relu") -> Fragment: ...
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from archspec.errors import INVALID, Span
from archspec.fields.base import FieldError, Form, Kinds, Reader, schema_of
from archspec.fields.containers import OneOrPair, Union
from archspec.fields.documentation import Documentation, annotated, documentation
from archspec.fields.scalars import Boolean, Choice, Integer, Number, Text
from archspec.source.tree import Tree
from archspec.vocabulary.suggestions import meaning, meant, suggestion

REQUIRED: Any = inspect.Parameter.empty


_REST_OF_LIST = re.compile(r"\d+\)")
"""The key that YAML makes of `3)` in `{kernel: (3, 3)}`."""


@dataclass(frozen=True)
class Field:
    """A named value of a record; `default` is `REQUIRED` where there is none."""

    name: str
    form: Form
    default: Any
    description: str = ""

    @property
    def is_collection(self) -> bool:
        """Whether it is an empty list or mapping by default."""
        return isinstance(self.default, tuple) and not self.default

    @property
    def written_default(self) -> Any:
        """The default as a spec would write it; None where there is none, or where it is null."""
        return None if self.default in (None, REQUIRED) else self.form.written(self.default)


class Record(Form):
    """A mapping of named fields, passed to `build` as keyword arguments.

    Unknown and missing fields are reported with the nearest known name. A FieldError from `build` is reported at
    the field it names. Null for a field that is empty by default leaves it empty. The fields in `build.one_of` exclude
    each other: where one spec extends another, the one that it names replaces the one in its base.
    """

    takes_expression = False

    def __init__(
        self,
        build: Callable[..., Any],
        noun: str,
        fields: tuple[Field, ...] | Callable[[], tuple[Field, ...]],
        about: Documentation | None = None,
    ):
        """`fields` may be a function, called when the fields are first asked for: a spec uses few of the many records
        that the language has."""
        self.build = build
        self.noun = noun
        self._fields, self._about = fields, about

    @functools.cached_property
    def fields(self) -> dict[str, Field]:
        """The fields by their names."""
        fields = self._fields() if callable(self._fields) else self._fields
        return {field.name: field for field in fields}

    @functools.cached_property
    def required(self) -> list[str]:
        """The names of the fields that have no default."""
        return [field.name for field in self.fields.values() if field.default is REQUIRED]

    @functools.cached_property
    def about(self) -> Documentation:
        """What the docstring of `build` says."""
        return documentation(self.build) if self._about is None else self._about

    @property
    def expected(self) -> str:  # type: ignore[override]
        if not self.fields:
            return f"nothing, as {self.noun} has no fields"
        return f"a mapping of the fields of {self.noun} ({', '.join(self.fields)})"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.fields[step].form if isinstance(step, str) and step in self.fields else None

    def main_field(self, value: Any) -> str | None:
        return self.shorthand()

    def merges(self, base: Tree, over: Tree) -> bool:
        return True

    def alternatives(self, key: str) -> tuple[str, ...]:
        one_of: tuple[str, ...] = getattr(self.build, "one_of", ())
        return tuple(other for other in one_of if other != key) if key in one_of else ()

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict)

    def shorthand(self) -> str | None:
        """The field that a value other than a mapping stands for: the only required one, if there is exactly one."""
        return self.required[0] if len(self.required) == 1 else None

    def known(self) -> list[str]:
        """The names to suggest for an unknown one."""
        return list(self.fields)

    def partial(self) -> Record:
        """A record with the same fields, none of them required."""
        optional = (
            dataclasses.replace(field, default=None) if field.default is REQUIRED else field
            for field in self.fields.values()
        )
        return Record(self.build, self.noun, tuple(optional), self.about)

    def written(self, value: Any) -> Any:
        return {}

    def written_in_full(self, value: Any) -> Any:
        return {name: field.form.written_in_full(getattr(value, name)) for name, field in self.fields.items()}

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        values = self.values(tree, path, reader)
        return INVALID if values is INVALID else self.construct(values, tree, path, reader)

    def values(self, tree: Tree, path: str, reader: Reader, span: Span | None = None) -> Any:
        """Reads the fields that are given; INVALID when any is wrong, unknown or missing (reported at `span`)."""
        if tree.value is None:
            tree = Tree({}, tree.span)
        if not isinstance(tree.value, dict):
            return reader.expect(tree, path, self.expected)
        before = len(reader.problems)
        missing = [f"'{name}'" for name in self.required if name not in tree.value]
        if not tree.value.keys() <= self.fields.keys():
            absent = [name for name in self.known() if name not in tree.value]
            misspelt = [self.unknown(key, absent, tree, path, reader) for key in tree.value if key not in self.fields]
            missing = [name for name in missing if name[1:-1] not in misspelt]
        if missing:
            fields = (
                f"field {missing[0]}" if len(missing) == 1 else f"fields {', '.join(missing[:-1])} and {missing[-1]}"
            )
            subject = "" if path.rpartition(".")[2] == self.noun else f"{self.noun} "
            reader.fail(Tree(None, span or tree.span), path, f"{subject}needs the {fields}")
        values = {
            name: field.form.read(tree.value[name], f"{path}.{name}".lstrip("."), reader)
            for name, field in self.fields.items()
            if name in tree.value and not (field.is_collection and tree.value[name].value is None)
        }
        return INVALID if len(reader.problems) > before or INVALID in values.values() else values

    def unknown(self, key: str, absent: list[str], tree: Tree, path: str, reader: Reader) -> str | None:
        """Reports an unknown field, and returns the one that was probably meant."""
        hint = self.hint(key, absent) or f"; {self.noun} has no fields"
        reader.fail(tree, path, f"unknown field '{key}' of {self.noun}{hint}", key)
        return self.meant(key, absent)

    def meant(self, key: str, absent: Sequence[str]) -> str | None:
        """The field, of those that are not given yet, that an unknown one stands for; None where there is none."""
        answer = meaning("fields", self.noun, key, self.known())
        is_given = answer is not None and bool(answer.names) and answer.names[0] not in absent
        return None if is_given else meant("fields", self.noun, key, absent)

    def hint(self, key: str, absent: Sequence[str]) -> str:
        """What was probably meant by an unknown field, as the end of a message: one that is not given yet, if there is
        one."""
        if _REST_OF_LIST.fullmatch(key):
            return "; it ends a list in round brackets; a list stands in square ones, such as [3, 3]"
        is_given = meaning("fields", self.noun, key, absent) is None and meaning("fields", self.noun, key, self.known())
        near = "" if is_given else suggestion("fields", self.noun, key, absent, few=0)
        near = near or suggestion("fields", self.noun, key, self.known(), few=0)
        return near or (f"; known: {', '.join(self.known())}" if self.fields else "")

    def construct(self, values: dict[str, Any], tree: Tree, path: str, reader: Reader) -> Any:
        try:
            return self.build(**values)
        except FieldError as error:
            child = tree.value.get(error.field) if isinstance(tree.value, dict) else None
            return reader.fail(child or tree, f"{path}.{error.field}" if child else path, str(error))

    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {field.name: self._described(field) for field in self.fields.values()},
            "additionalProperties": False,
        }
        if self.required:
            schema["required"] = list(self.required)
        if self.about.prose:
            schema["description"] = " ".join(self.about.prose)
        if example := self.about.fields_of(self.noun):
            schema["examples"] = [example]
        return schema

    def _described(self, field: Field) -> dict[str, Any]:
        """The schema of a field with what an editor shows of it."""
        schema = {**schema_of(field.form)}
        if field.is_collection:
            schema = {"anyOf": [*(schema["anyOf"] if [*schema] == ["anyOf"] else [schema]), {"type": "null"}]}
        if field.description:
            schema["description"] = field.description
        if field.written_default is not None:
            schema["default"] = field.written_default
        example = self.about.fields_of(self.noun)
        if field.name in example:
            schema["examples"] = [example[field.name]]
        return schema


def form_of(annotation: Any) -> Form:
    """The form of a type annotation: Annotated's form, or that of bool, int, float, str, Literal and `| None`."""
    if typing.get_origin(annotation) is Annotated:
        for extra in annotation.__metadata__:
            if isinstance(extra, Form):
                return extra
        return form_of(annotation.__origin__)
    if isinstance(annotation, Form):
        return annotation
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is Literal:
        return Choice(tuple(arguments))
    if type(None) in arguments:
        forms = tuple(form_of(argument) for argument in arguments if argument is not type(None))
        return Union(forms, optional=True)
    simple: dict[Any, Form] = {bool: Boolean(), int: Integer(), float: Number(), str: Text()}
    if annotation in simple:
        return simple[annotation]
    if dataclasses.is_dataclass(annotation):
        return record_of(typing.cast(Callable[..., Any], annotation))
    raise TypeError(f"no form for the annotation {annotation!r}; wrap it as Annotated[type, form]")


@functools.cache
def record_of(build: Callable[..., Any], noun: str = "") -> Record:
    """The record of a dataclass or a function with typed keyword arguments."""
    return Record(build, noun or build.__name__.lower(), lambda: _fields_of(build))


def _fields_of(build: Callable[..., Any]) -> tuple[Field, ...]:
    hints = typing.get_type_hints(build, include_extras=True)
    parameters = [p for p in inspect.signature(build).parameters.values() if p.kind is p.KEYWORD_ONLY]
    described = documentation(build).fields
    return tuple(
        Field(p.name, form_of(hints[p.name]), p.default, described.get(p.name) or annotated(hints[p.name]))
        for p in parameters
    )


Count = Annotated[int, Integer(min=1, max=1_000_000)]
Pair = Annotated[tuple[int, int], OneOrPair(Integer(min=1, max=100_000))]
