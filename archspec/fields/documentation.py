"""What a docstring says about a dataclass or function that describes a record: prose, an example, and its fields.

Docstrings are in Google's style. A field is described under `Attributes` or `Args`, of the class itself or of a base,
or else by a text in its annotation: `Seed = Annotated[int, Integer(min=0), "The seed of random numbers."]`.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from archspec.errors import Source
from archspec.source.reading import parse


@dataclass(frozen=True)
class Documentation:
    """A docstring in parts.

    Attributes:
        prose: its paragraphs, each on one line.
        example: a piece of a spec, or nothing.
        fields: the descriptions of fields by name, each a sentence or more.
    """

    prose: tuple[str, ...] = ()
    example: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def fields_of(self, noun: str) -> dict[str, Any]:
        """The fields that the example gives to `noun`; empty where it shows no mapping of them."""
        rest: list[Any] = [parse(Source("<example>", self.example)).plain()] if self.example else []
        for value in rest:  # it grows
            if isinstance(value, dict):
                if isinstance(value.get(noun), dict):
                    return dict(value[noun])
                rest += value.values()
            elif isinstance(value, list):
                rest += value
        return {}


@cache
def documentation(build: Callable[..., Any]) -> Documentation:
    """The documentation of a dataclass or function; bases add descriptions of fields only."""
    if build is dict:
        return Documentation()
    owners = inspect.getmro(build) if inspect.isclass(build) else (build,)
    parts = [_parsed(owner.__doc__ or "") for owner in owners if owner is not object]
    fields: dict[str, str] = {}
    for part in reversed(parts):
        fields |= part.fields
    return Documentation(parts[0].prose, parts[0].example, fields)


_SECTION = re.compile(r"^(Attributes|Args|Example|Returns|Raises):\n", re.MULTILINE)


def _parsed(docstring: str) -> Documentation:
    text = f"{inspect.cleandoc(docstring)}\n"
    prose, *sections = _SECTION.split(text)
    by_name = dict(zip(sections[::2], sections[1::2], strict=True))
    described = by_name.get("Attributes", "") + by_name.get("Args", "")
    entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", described, re.MULTILINE)
    return Documentation(
        tuple(" ".join(paragraph.split()) for paragraph in prose.split("\n\n") if paragraph.strip()),
        inspect.cleandoc(by_name.get("Example", "")).strip(),
        {name: sentence(text) for name, text in entries},
    )


def sentence(text: str) -> str:
    """A description as a sentence: on one line, with a capital letter and a full stop."""
    line = " ".join(text.split())
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith(('.', '?', '...')) else '.'}"


def annotated(annotation: Any) -> str:
    """The text in an annotation, the last where there are several; empty where there is none."""
    if typing.get_origin(annotation) is not Annotated:
        return ""
    return next((extra for extra in reversed(annotation.__metadata__) if isinstance(extra, str)), "")
