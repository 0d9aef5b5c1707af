"""Tables as text: aligned columns no wider than a terminal, Markdown, or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from archspec.wording import columns

WIDTH = 80


def plain(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1, width: int = WIDTH) -> str:
    """A table in aligned columns: the first `text_columns` to the left, the others, which are numbers, to the right.

    A table that would be wider than `width` characters gets narrow gaps, and cells shortened in the middle, the widest
    column first.
    """
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    gap = "  " if sum(widths) + 2 * len(widths) - 2 <= width else " "
    while sum(widths) + len(gap) * (len(widths) - 1) > width:
        widths[widths.index(max(widths))] -= 1
    lines.insert(1, ["-" * column for column in widths])
    return "\n".join(_line(line, widths, text_columns, gap) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], text_columns: int, gap: str) -> str:
    cut = [shortened(cell, width) for cell, width in zip(cells, widths, strict=True)]
    aligned = [
        cell.ljust(width) if column < text_columns else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cut, widths, strict=True))
    ]
    return gap.join(aligned).rstrip()


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A table in GitHub's Markdown."""
    rule = [":--" if column < text_columns else "--:" for column in range(len(header))]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in [header, rule, *rows]
    )


def html(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A table in HTML; leading spaces of the first column indent it."""

    def row(cells: Sequence[str], tag: str) -> str:
        styles = [f"text-align: {'left' if column < text_columns else 'right'}" for column in range(len(cells))]
        styles[0] += "; white-space: pre"
        parts = [f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell, style in zip(cells, styles, strict=True)]
        return f"<tr>{''.join(parts)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"


def shortened(text: str, width: int) -> str:
    """The text in at most `width` characters, an ellipsis for its middle."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def filled(text: str, width: int = WIDTH) -> str:
    """The text in lines of at most `width` columns; a wide character, as in Chinese, takes two."""
    lines, line, taken = [], "", 0
    for word in text.split():
        size = columns(word)
        if line and taken + 1 + size <= width:
            line, taken = f"{line} {word}", taken + 1 + size
            continue
        lines.append(line)
        line, taken = "", 0
        for character in word:
            if taken + columns(character) > width:
                lines.append(line)
                line, taken = "", 0
            line, taken = line + character, taken + columns(character)
    return "\n".join(part for part in [*lines, line] if part)


def compact(count: float, exact: bool = False) -> str:
    """A count in three figures: `118M` for 118,013,952.

    Args:
        exact: up to six figures and no zeros at the end, as at an axis: `118.014M`, and `2M` instead of `2.00M`.
    """
    return _scaled(count, 1000, ("", "K", "M", "G", "T", "P", "E"), exact)


def size(count: int) -> str:
    """A number of bytes in three significant figures: `97.7 MiB`."""
    return _scaled(count, 1024, (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"))


def _scaled(count: float, base: int, units: Sequence[str], exact: bool = False) -> str:
    value, power = float(count), 0
    while value >= base - 0.5 and power < len(units) - 1:
        value, power = value / base, power + 1
    if exact:
        return f"{value:g}{units[power]}"
    digits = 0 if value >= 99.95 or power == 0 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f}{units[power]}"
