"""A comparison as text, Markdown, HTML and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from archspec import tables
from archspec.comparison.differences import Difference
from archspec.comparison.fields import in_line
from archspec.comparison.rows import Row, rows
from archspec.comparison.values import MISSING, Differing
from archspec.drawing.marks import CHANGED, UNCHANGED
from archspec.ops.base import square

if TYPE_CHECKING:  # a comparison shows itself
    from archspec.comparison.comparison import Comparison

HEADER = ("", "part", "difference", "parameters", "MACs", "field", "memory")
TEXT_COLUMNS = 3
EQUAL = "="
INDENT = " " * 6
MOST = 26
"""Characters: a part's path is shortened beyond."""
MANIFOLD = 10
"""A number that grows so many times is given as a multiple, not in per cent."""


def plain(comparison: Comparison) -> str:
    """The comparison as text, in lines of 80 characters."""
    parts = [title(comparison)]
    if found := rows(comparison.network):
        parts.append("\n".join(_table([HEADER, *map(_cells, found)])))
        lines = [(label, a if a == b else f"{a} → {b}", rest) for label, a, b, rest in totals(comparison)]
        parts.append("\n".join(_aligned(lines)))
    if comparison.recipe:
        parts.append("\n".join(_recipe_line(one) for one in comparison.recipe))
    return "\n\n".join(parts)


def title(comparison: Comparison) -> str:
    """The names, and which of the two parts of the specs are equal."""
    first, second = comparison.names
    equal = [
        noun
        for noun, is_equal in (("networks", not comparison.differs), ("recipes", comparison.recipe == ()))
        if is_equal
    ]
    return f"{first} → {second}" + (f": {' and '.join(equal)} are equal" if equal else "")


def totals(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    """The numbers of the whole networks: a label, the two values, and their difference."""
    before, after = comparison.analyses
    counts = [
        ("Trainable parameters", before.trainable_parameters, after.trainable_parameters),
        ("MACs", before.macs, after.macs),
    ]
    for label, a, b in counts:
        yield label, f"{a:,}", f"{b:,}", _share(a, b)
    yield "Receptive field", square(before.receptive_field), square(after.receptive_field), ""
    memory = [one.training_bytes(1) for one in (before, after)]
    yield (
        "Activations",
        tables.size(memory[0]),
        tables.size(memory[1]),
        f"{_share(*memory)}, one picture".lstrip(", "),
    )


def _share(before: int, after: int) -> str:
    if before == after or not before:
        return ""
    if after >= MANIFOLD * before:
        return f"× {after / before:.3g}"
    share = 100 * (after - before) / before
    return f"{'+' if share > 0 else '−'}{abs(share):.3g} %"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.sign,
        tables.shortened(row.part, MOST),
        row.what,
        _signed(row.parameters, tables.compact(abs(row.parameters))),
        _signed(row.macs, tables.compact(abs(row.macs))),
        _field(row),
        _signed(row.memory, tables.size(abs(row.memory))),
    )


def _signed(number: int, shown: str) -> str:
    return EQUAL if not number else f"{'+' if number > 0 else '−'}{shown}"


def _field(row: Row) -> str:
    """The receptive field, before and after where it is another one; nothing for what is no part of the network."""
    if row.fields[0] == row.fields[1]:
        return EQUAL if row.fields[0] is not None else ""
    return " → ".join(square(field) for field in row.fields if field is not None)


def _table(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Aligned columns. Differences that need more room than the other columns leave stand in lines of their own."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    gap = "  " if sum(widths) + 2 * len(widths) - 2 <= tables.WIDTH else " "
    room = tables.WIDTH - (sum(widths) - widths[2] + len(gap) * (len(widths) - 1))
    widths[2] = max((len(line[2]) for line in lines if len(line[2]) <= room), default=0)
    for number, line in enumerate(lines):
        is_long = len(line[2]) > widths[2]
        cells = (
            cell.ljust(width) if column < TEXT_COLUMNS else cell.rjust(width)
            for column, (cell, width) in enumerate(
                zip([*line[:2], "" if is_long else line[2], *line[3:]], widths, strict=True)
            )
        )
        yield gap.join(cells).rstrip()
        if is_long:
            yield from (f"{INDENT}{text}" for text in tables.filled(line[2], tables.WIDTH - len(INDENT)).splitlines())
        if not number:
            yield gap.join("-" * width for width in widths)


def _aligned(lines: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    labels, values, _ = (max(map(len, column)) for column in zip(*lines, strict=True))
    return (f"{label:<{labels}}  {value:>{values}}  {note}".rstrip() for label, value, note in lines)


def _recipe_line(one: Differing) -> str:
    """A field with both values, in lines of their own where they are long."""
    before, after = (in_line(value) for value in one[1:])
    line = f"~ {one.path}: {before} → {after}"
    return line if len(line) <= tables.WIDTH else f"~ {one.path}:\n    {before}\n  → {after}"


def markdown(comparison: Comparison) -> str:
    """The comparison in GitHub's Markdown."""
    parts = [f"## {title(comparison)}"]
    if found := rows(comparison.network):
        parts.append(tables.markdown(HEADER, [*map(_cells, found)], TEXT_COLUMNS))
        parts.append("\n".join(f"- {label}: {_total(a, b, rest)}" for label, a, b, rest in totals(comparison)))
    if comparison.recipe:
        values = [(one.path, *(f"`{in_line(value)}`" for value in one[1:])) for one in comparison.recipe]
        parts.append(tables.markdown(("recipe", *comparison.names), values, 3))
    return "\n\n".join(parts)


def _total(before: str, after: str, rest: str) -> str:
    return f"{before} → {after}" + (f" ({rest})" if rest else "")


def html(comparison: Comparison) -> str:
    """The comparison for a notebook."""
    parts = [f"<p>{escape(title(comparison))}</p>"]
    if found := rows(comparison.network):
        parts.append(tables.html(HEADER, [*map(_cells, found)], TEXT_COLUMNS))
        items = (f"<li>{escape(f'{label}: {_total(a, b, rest)}')}</li>" for label, a, b, rest in totals(comparison))
        parts.append(f"<ul>{''.join(items)}</ul>")
    if comparison.recipe:
        values = [(one.path, *(in_line(value) for value in one[1:])) for one in comparison.recipe]
        parts.append(tables.html(("recipe", *comparison.names), values, 3))
    return "".join(parts)


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values: every layer that differs, and exact numbers."""
    before, after = comparison.analyses
    names = ("trainable_parameters", "non_trainable_parameters", "macs", "receptive_field")
    network = _json(comparison.network)
    return {
        "names": list(comparison.names),
        "equal": comparison.equal,
        "totals": {
            **{name: [_plain(getattr(one, name)) for one in (before, after)] for name in names},
            "activation_bytes": [one.training_bytes(1) for one in (before, after)],
        },
        "changes": network.get("changes", []),
        "parts": network.get("parts", []),
        "recipe": [_json_value(one) for one in comparison.recipe or ()],
    }


def _json(difference: Difference) -> dict[str, Any]:
    """A difference with those inside of it, and nothing of what is unchanged."""
    found: dict[str, Any] = {"status": difference.status}
    for name, part, kind in zip(
        ("before", "after"), (difference.before, difference.after), difference.kinds, strict=True
    ):
        if part is not None:
            found[name] = {
                "path": part.path,
                **({"kind": kind} if kind is not None else {}),
                "operation": part.ops[0].label() if part.is_layer else None,
                "output_shape": list(part.shape),
                "parameters": part.parameters,
                "macs": part.macs,
                "receptive_field": list(part.field),
                "activation_bytes": part.memory,
            }
    if difference.changes:
        found["changes"] = [
            {"field": change.field, "before": change.before, "after": change.after} for change in difference.changes
        ]
    inner = difference.children if difference.status == CHANGED else ()  # all of what was added or removed is
    if parts := [_json(child) for child in inner if child.status != UNCHANGED]:
        found["parts"] = parts
    return found


def _json_value(one: Differing) -> dict[str, Any]:
    """A value that differs; one that is not given has no key."""
    values = {"before": one.before, "after": one.after}
    return {"path": one.path, **{key: value for key, value in values.items() if value is not MISSING}}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
