"""The reference of the language, `docs/language.md`, generated from the code that reads specs.

python -m archspec.reference > docs/language.md
python -m archspec.reference --check docs/language.md

What it says of a layer, block, section or field is said in its docstring, and shown by editors too (`json_schema`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from archspec.blocks import BLOCKS
from archspec.fields.base import Form
from archspec.fields.choices import Tagged
from archspec.fields.containers import ListOf, OneOrPair, Union
from archspec.fields.records import REQUIRED, Field, Record, record_of
from archspec.layers.fields import COMMON, COMMON_FORMS
from archspec.layers.reading import primitive_record
from archspec.layers.structures import STRUCTURES
from archspec.ops import ACTIVATIONS, PRIMITIVES, initializers, kernels, merging, pointwise, pooling, shaping
from archspec.recipe import AUGMENTATIONS, DATA, DISTRIBUTE, MONITORS, OPTIMIZERS, SCHEDULES, TRAIN
from archspec.recipe.fine_tuning import InitFrom
from archspec.recipe.train import L2, Checkpoints, EarlyStopping
from archspec.search import SEARCH
from archspec.search.entries import KINDS
from archspec.search.section import Budget, Objective, WarmStart
from archspec.search.tuners import TUNERS
from archspec.source.expressions import ALLOWED
from archspec.spec.expectations import EXPECT
from archspec.spec.sections import APPLIED, BLOCK, MODEL, TOP, Section
from archspec.vocabulary.suggestions import rows, tables

GROUPS = {
    "Convolutions and dense layers": kernels,
    "Pooling": pooling,
    "Normalisations, activations and dropout": pointwise,
    "Shapes": shaping,
    "Merging": merging,
}
"""The primitives by their modules."""
SECTIONS: dict[str, tuple[str, Mapping[str, Record]]] = {
    "Data sources": ("The values of `train.data`.", DATA),
    "Optimizers": ("The values of `train.optimizer`: a name, or a name with fields.", OPTIMIZERS),
    "Schedules": ("The values of `train.learning_rate`; a number alone is a constant rate.", SCHEDULES),
    "Augmentations": ("The items of `train.augment`, applied in order; one alone needs no list.", AUGMENTATIONS),
    "Strategies": ("The values of `train.distribute`.", DISTRIBUTE),
    "Other parts of train": (
        "Fields of `train` that have fields of their own.",
        {
            "weight_decay": record_of(L2, "weight_decay"),
            "early_stopping": record_of(EarlyStopping, "early_stopping"),
            "checkpoints": record_of(Checkpoints),
            "init_from": record_of(InitFrom, "init_from"),
        },
    ),
}
SEARCH_SECTIONS: dict[str, tuple[str, Mapping[str, Record]]] = {
    "Values of a space": (
        "What a name of `search.space` may be. The name is a parameter, or a path such as `train.batch_size`.",
        KINDS,
    ),
    "Tuners": ("The values of `search.tuner`: keras-tuner's, with its options and defaults.", TUNERS),
    "Other parts of search": (
        "Fields of `search` that have fields of their own.",
        {
            "objective": record_of(Objective, "objective"),
            "budget": record_of(Budget),
            "warm_start": record_of(WarmStart, "warm_start"),
        },
    ),
}
INTRODUCTION = f"""\
# The language

Every section, layer, block and field of a spec. This page is generated from the code that reads specs (`make schema`);
`specs/schema.json` says the same to editors. Required fields have to be given.

A layer, an optimizer and the like are written as a bare name, `flatten`, or as a name with fields, `conv: {{filters:
64, kernel: 3}}`. Where exactly one field has to be given, its value may stand alone: `dropout: 0.5`.

```yaml
# small.yaml
# yaml-language-server: $schema=../specs/schema.json
name: small
params: {{width: 16}}
model:
  input: [32, 32, 3]
  defaults: {{conv: {{initializer: he_normal}}}}
  layers:
    - conv: {{filters: "${{width}}", kernel: 3, norm: batch, activation: relu}}
    - stages:
        block: {{basic: {{shortcut: pad}}}}
        depths: [2, 2]
        widths: ["${{width}}", "${{2 * width}}"]
    - global_avg_pool
    - dense: 10
train:
  data: {{folder: pictures}}
  learning_rate: {{cosine: {{base: 0.1, warmup: 5}}}}
  augment: horizontal_flip
search:
  space: {{width: {{choice: [8, 16, 32]}}}}
```

## Expressions

A text may hold `${{...}}`: arithmetic over the parameters, never code. It knows
`{ALLOWED}`.
A text that is one expression has its value, a number or list too; inside a longer text, the value is inserted. Inside
brackets an expression needs quotes: `{{filters: "${{2 * width}}"}}`.

## Paths

`--set`, `set`, overrides in Python and the names of `search.space` are parameters, `width`, or paths,
`model.layers[0].conv.filters`. A value of `null` gives a section or an optional field up.
"""


def reference() -> str:
    """The page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield "## Sections\n"
    yield from _table(TOP)
    values = {"extends": "the name or path of a spec", "set": "a mapping from names and paths to values"}
    yield from (f"| `{name}` | {values[name]} | none | {text} |" for name, text in APPLIED.items())
    yield from _part("model", MODEL)
    yield from _part("Blocks of a spec", BLOCK)
    yield "\n## Layers\n\nEvery layer also has these fields:\n"
    yield from _head()
    yield from (f"| `{name}` | {_value(form)} | none | {COMMON[name]} |" for name, form in COMMON_FORMS.items())
    for title, module in GROUPS.items():
        yield f"\n### {title}"
        for kind, op in PRIMITIVES.items():
            if op.__module__ == module.__name__:
                yield from _entry(kind, primitive_record(kind))
    yield "\n### Structures"
    for kind, record in STRUCTURES.items():
        yield from _entry(kind, record)
    yield "\n### Blocks"
    for kind, block in BLOCKS.items():
        yield from _entry(kind, block.record)
    yield "\n### Activation functions\n"
    yield f"Keras's: {', '.join(f'`{name}`' for name in ACTIVATIONS)}."
    yield "\n### Initialisers"
    for kind, record in initializers.FORM.records.items():
        yield from _entry(kind, record, level=0)
    yield from _entry("expect", EXPECT, level=2)
    yield from _part("train", TRAIN)
    yield from _sections(SECTIONS)
    yield "\n### Monitors\n"
    yield f"The metrics of an epoch: {', '.join(f'`{name}`' for name in MONITORS)}."
    yield from _part("search", SEARCH)
    yield from _sections(SEARCH_SECTIONS)
    yield from _words()


def _part(name: str, record: Record) -> Iterator[str]:
    yield f"\n## {name}\n"
    if record is TRAIN or record is SEARCH:
        yield f"{record.about.prose[0]}\n"
    yield from _table(record)


def _sections(sections: Mapping[str, tuple[str, Mapping[str, Record]]]) -> Iterator[str]:
    for title, (introduction, records) in sections.items():
        yield f"\n### {title}\n\n{introduction}"
        for name, record in records.items():
            yield from _entry(name, record)


def _entry(name: str, record: Record, level: int = 4) -> Iterator[str]:
    """A kind of something: its documentation, its example and its fields."""
    yield f"\n{'#' * level} {name}\n" if level else f"\n**{name}**\n"
    for paragraph in record.about.prose:
        yield f"{paragraph}\n"
    if record.about.example:
        yield f"`{record.about.example}`\n"
    if record.fields:
        yield from _table(record)


def _head() -> Iterator[str]:
    yield "| field | value | default | |"
    yield "|---|---|---|---|"


def _table(record: Record) -> Iterator[str]:
    yield from _head()
    for field in sorted(record.fields.values(), key=lambda field: field.default is not REQUIRED):
        yield f"| `{field.name}` | {_value(field.form)} | {_default(field)} | {field.description} |"


def _default(field: Field) -> str:
    if field.default is REQUIRED:
        return "*required*"
    value = field.written_default
    if value in (None, "", [], {}):
        return "none"
    return f"`{json.dumps(value) if isinstance(value, list | dict | bool) else value}`"


def _value(form: Form) -> str:
    """What a field takes, in words."""
    if isinstance(form, Union):
        return ", or ".join(_value(one) for one in form.forms) + (", or null" if form.optional else "")
    if isinstance(form, Record):
        return f"[its fields](#{form.noun})" if form.noun in _TITLES else f"fields of {form.noun}"
    if isinstance(form, Tagged):
        plural = {"strategy": "strategies"}.get(form.kind, f"{form.kind}s").replace(" ", "-")
        return f"[{form.noun}](#{'initialisers' if form.kind == 'initializer' else plural})"
    if isinstance(form, ListOf) and isinstance(form.item, Tagged):
        return f"a list of [{form.item.kind}s](#{form.item.kind}s)"
    if isinstance(form, OneOrPair):
        return f"{form.item.expected}, or [height, width]"
    if isinstance(form, Section):
        return _PARTS[form.name]
    return form.expected


_PARTS = {
    "params": "a mapping from names to values",
    "blocks": "a mapping from names to [blocks](#blocks-of-a-spec)",
    "model": "[its fields](#model)",
    "expect": "[its fields](#expect)",
    "train": "[its fields](#train)",
    "search": "[its fields](#search)",
    "defaults": "a mapping from kinds of layers to their fields",
    "layers": "a list of layers",
}
_TITLES = {"weight_decay", "early_stopping", "checkpoints", "init_from", "objective", "budget", "warm_start"}


def _words() -> Iterator[str]:
    """The words of other frameworks."""
    yield "\n## Words of other frameworks\n"
    yield "What Keras, PyTorch, timm, Lightning and Ultralytics call differently. Messages give the same answers.\n"
    yield "| where | word | here |"
    yield "|---|---|---|"
    for table in tables():
        for places, words, answer in rows(table):
            place = places[0] if len(places) == 1 else "layers" if len(places) > 8 else ", ".join(places)
            here = f"`{answer.write}`" if answer.write else ""
            text = "; ".join(part for part in (here, answer.note) if part)
            yield f"| {_where(table, place)} | {', '.join(words)} | {text} |".replace("|  |", "| |")


def _where(table: str, place: str) -> str:
    """Where a word of a table is typed: `a field of conv`, `an optimizer`, `--format`, `the value of norm`."""
    if table == "kinds":
        return place if place.startswith("--") else f"{'an' if place[0] in 'aeiou' else 'a'} {place}"
    return f"{'a field' if table == 'fields' else 'the value'} of {place}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the reference of the language.")
    parser.add_argument("--check", type=Path, metavar="FILE", help="fail unless FILE says the same")
    args = parser.parse_args()
    if args.check is None:
        print(reference(), end="")
    elif args.check.read_text(encoding="utf-8") != reference():
        parser.exit(1, f"{args.check} is out of date; run: python -m archspec.reference > {args.check}\n")


if __name__ == "__main__":
    main()
