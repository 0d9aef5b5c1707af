"""The language as JSON Schema (draft 2020-12), with which editors complete and check a spec during typing.

python -m archspec.json_schema > specs/schema.json
python -m archspec.json_schema --check specs/schema.json

It is generated from the forms that read specs, and accepts every valid spec. `archspec.load` checks what it cannot
know: whether shapes fit, whether an unknown block is a mistake or one of the spec's own, and whether `defaults` or the
spec that this one extends give the required fields of a layer.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from archspec.blocks import BLOCKS
from archspec.fields.base import EXPRESSION, schema_of
from archspec.fields.choices import Tagged, body_schema
from archspec.fields.records import Count, Pair, Record, form_of
from archspec.layers.fields import ACTIVATION_FORM, COMMON, COMMON_FORMS, NORM_FORM
from archspec.layers.reading import primitive_record
from archspec.layers.structures import STRUCTURES
from archspec.ops import PRIMITIVES, initializers
from archspec.ops.windows import Padding
from archspec.recipe import TRAIN
from archspec.search import SEARCH
from archspec.spec.expectations import EXPECT
from archspec.spec.sections import APPLIED, BLOCK, MODEL, TOP

Schema = dict[str, Any]

SHARED: dict[str, Schema] = {
    "initializer": schema_of(initializers.FORM),
    "padding": schema_of(form_of(Padding)),
    "activation_name": schema_of(ACTIVATION_FORM),
    "norm_name": schema_of(NORM_FORM),
    "pair": schema_of(form_of(Pair)),
    "count": schema_of(form_of(Count)),
    "expression": EXPRESSION,
}
"""Schemas that many fields share, written once. One that is a part of another comes after it."""

ANNOTATIONS = ("description", "default", "examples")
"""What editors show of a field, which is its own where its schema is shared."""


def json_schema() -> Schema:
    """The schema of a spec file."""
    kinds = {kind: primitive_record(kind) for kind in PRIMITIVES} | STRUCTURES
    kinds |= {name: block.record for name, block in BLOCKS.items()}
    value: Schema = {"type": ["string", "number", "boolean", "null"]}
    definitions: Schema = {
        "layers": {"anyOf": [{"type": "array", "items": _reference("layer")}, EXPRESSION]},
        "layer": _layer({kind: _body(kind, record) for kind, record in kinds.items()}),
        "block": _layer({kind: _reference(kind) for kind in kinds}),
        "params": {"type": ["object", "null"], "additionalProperties": _reference("value")},
        "value": {"anyOf": [value, {"type": "array", "items": _reference("value")}]},
        "blocks": {"type": ["object", "null"], "additionalProperties": BLOCK.json_schema()},
        "defaults": {"type": "object", "properties": {k: _defaults(k, r) for k, r in kinds.items()}},
        "model": MODEL.json_schema(),
        "train": TRAIN.json_schema() | {"type": ["object", "null"]},
        "search": SEARCH.json_schema(),
        "expect": EXPECT.json_schema() | {"type": ["object", "null"]},
        **{kind: _fields(record) for kind, record in kinds.items()},
    }
    applied: Schema = {"extends": {"type": "string"}, "set": {"type": "object"}}
    top = TOP.json_schema()["properties"] | {name: {**applied[name], "description": APPLIED[name]} for name in applied}
    schema = {
        "title": "A network and how to train it",
        "type": "object",
        "properties": {name: _annotations(field) if name in CHANGED else field for name, field in top.items()},
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"properties": {name: _removable(_reference(f"{name}_changes")) for name in CHANGED if name in top}},
        "else": {"required": TOP.required, "properties": {name: top[name] for name in CHANGED if name in top}},
    }
    shared = {name: {key: _referring(part) for key, part in one.items()} for name, one in SHARED.items()}
    definitions = _referring(definitions) | shared
    changed = [*CHANGED, *(name for name in SHARED if _merges(_reference(name), definitions))]
    changes = {f"{name}_changes": _changes(definitions[name], f"#/$defs/{name}", definitions) for name in changed}
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, **_referring(schema), "$defs": definitions | changes}


def _annotations(schema: Schema) -> Schema:
    """What editors show of a field."""
    return {key: schema[key] for key in ANNOTATIONS if key in schema}


CHANGED = ("blocks", "defaults", "model", "train", "search")
"""What `extends` merges field by field."""


def _changes(schema: Schema, at: str, definitions: Schema) -> Schema:
    """The schema of what is merged over a base, from the one at a pointer: fields may be left out, which the base may
    have, and null removes them. What is replaced as a whole is referred to."""
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name in CHANGED or (name in SHARED and _merges(schema, definitions)):
        return _reference(f"{name}_changes")
    if name and _merges(schema, definitions):  # a kind of layer, without the fields that no default can give
        changes = _changes(definitions[name], f"#/$defs/{name}", definitions)
        return changes | {"properties": {**changes["properties"], **schema.get("properties", {})}}
    if not _merges(schema, definitions):
        return schema if name else {"$ref": at}
    changes = {key: value for key, value in schema.items() if key in ("type", "additionalProperties")}
    if "anyOf" in schema:
        changes["anyOf"] = [_changes(part, f"{at}/anyOf/{i}", definitions) for i, part in enumerate(schema["anyOf"])]
    if "properties" in schema:
        fields = schema["properties"].items()
        changes["properties"] = {
            key: {**_removable(_changes(part, f"{at}/properties/{key}", definitions)), **_annotations(part)}
            for key, part in fields
        }
    if isinstance(schema.get("additionalProperties"), dict):
        part = schema["additionalProperties"]
        changes["additionalProperties"] = _removable(_changes(part, f"{at}/additionalProperties", definitions))
    return changes


def _merges(schema: Schema, definitions: Schema) -> bool:
    """Whether values of a schema may be mappings of fields, which are merged. Layers are not."""
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name:
        return name not in ("layers", "block") and _merges(definitions[name], definitions)
    return bool(schema.keys() & {"properties", "additionalProperties"}) or any(
        _merges(part, definitions) for part in schema.get("anyOf", ())
    )


def _removable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _layer(properties: Schema) -> Schema:
    """The schema of a bare name or a one-key mapping; an unknown name may be one of the spec's own blocks."""
    mapping = {"type": "object", "properties": properties, "minProperties": 1, "maxProperties": 1}
    return {"anyOf": [{"enum": list(properties)}, {"type": "string"}, mapping]}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _fields(record: Record) -> Schema:
    """The schema of a layer's fields and those that every layer has. None is required, as `defaults` may give it."""
    schema = record.partial().json_schema()
    if record.required:
        schema["description"] = f"{schema.get('description', '')} Required: {', '.join(record.required)}.".lstrip()
    for key, form in COMMON_FORMS.items():
        schema["properties"].setdefault(key, {**schema_of(form), "description": COMMON[key]})
    main = record.shorthand()
    choice = record.fields[main].form if main else None
    if isinstance(choice, Tagged):  # `activation: {leaky_relu: {slope: 0.01}, name: a}`
        schema["properties"] |= {tag: body_schema(chosen) for tag, chosen in choice.records.items()}
    return schema


def _body(kind: str, record: Record) -> Schema:
    """The schema of the value after a layer's name: its fields, a shorthand for them, or nothing."""
    shorthand = record.shorthand()
    options = [schema_of(record.fields[shorthand].form)] if shorthand else []
    return {"description": " ".join(record.about.prose), "anyOf": [_reference(kind), *options, {"type": "null"}]}


def _defaults(kind: str, record: Record) -> Schema:
    return _reference(kind) | {"properties": {key: False for key in COMMON_FORMS if key not in record.fields}}


def _referring(schema: Any) -> Any:
    """The schema with each shared part replaced by a reference to it."""
    if isinstance(schema, list):
        return [_referring(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    core = {key: part for key, part in schema.items() if key not in ANNOTATIONS}
    for name, shared in SHARED.items():
        if core == shared:
            return _reference(name) | {key: schema[key] for key in ANNOTATIONS if key in schema}
    return {key: _referring(part) for key, part in schema.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the JSON Schema of specs.")
    parser.add_argument("--check", type=Path, metavar="FILE", help="fail unless FILE says the same")
    args = parser.parse_args()
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False)
    if args.check is None:
        print(text)
    elif args.check.read_text(encoding="utf-8") != f"{text}\n":
        parser.exit(1, f"{args.check} is out of date; run: python -m archspec.json_schema > {args.check}\n")


if __name__ == "__main__":
    main()
