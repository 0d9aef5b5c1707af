"""A drawing as a Mermaid flowchart, which GitHub and many other sites draw where it stands in Markdown.

Mermaid places the boxes itself: open groups are its subgraphs, folded ones have double sides, sums and other merges are
round, and repeats say how often.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from archspec.drawing import labels
from archspec.drawing.links import PICTURE, links
from archspec.drawing.outline import Outline
from archspec.drawing.views import View
from archspec.tables import compact
from archspec.wording import printable

LINE, INDENT = "<br/>", "  "
_PLAIN = re.compile(r"[A-Za-z0-9 ,/–×]|(?<=\w)[._-](?=\w)")
"""What means nothing to Mermaid, nor to the Markdown in its labels, where `1.` and `-` begin lists and `_a_` is
stressed."""


def mermaid(networks: Sequence[tuple[Outline, View]]) -> str:
    """Networks as one flowchart, from top to bottom; several stand beside each other.

    Args:
        networks: the outline of each, and what is shown of it.
    """
    lines = ["flowchart TB"]
    for number, (outlined, shown) in enumerate(networks):
        if len(networks) == 1:
            lines += _chart(outlined, shown, "", INDENT)
            continue
        title = [outlined.graph.name, f"{compact(shown.parameters)} parameters, {compact(shown.macs)} MACs"]
        lines.append(f"{INDENT}subgraph network{number}[{label(title)}]")
        lines += [*_chart(outlined, shown, f"n{number}", 2 * INDENT), f"{INDENT}end"]
    return "\n".join([*lines, ""])


def label(parts: Sequence[str]) -> str:
    """Lines of text as the quoted label of a box, with the code of each character that may mean something."""
    return f'"{LINE.join(_escaped(part) for part in parts if part)}"'


def _escaped(text: str) -> str:
    text = printable(text)
    return "".join(char if _PLAIN.match(text, at) else f"#{ord(char)};" for at, char in enumerate(text))


def _chart(outlined: Outline, shown: View, letter: str, indent: str) -> Iterator[str]:
    """The lines of one network, whose identifiers begin with `letter`."""
    picture = outlined.graph.input
    yield f"{indent}{letter}b{PICTURE}([{label([picture.name, labels.times(picture.shape)])}])"
    groups = itertools.count()
    for child in shown.children or (shown,):
        yield from _part(child, letter, groups, indent)
    for source, target in links(outlined, shown):
        yield f"{indent}{letter}b{source} --> {letter}b{target}"


def _part(view: View, letter: str, groups: Iterator[int], indent: str) -> Iterator[str]:
    """A box, or a group with all that is in it."""
    part = view.part
    if view.is_open:
        yield f"{indent}subgraph {letter}g{next(groups)}[{label([_name(view)])}]"
        for child in view.children:
            yield from _part(child, letter, groups, indent + INDENT)
        yield f"{indent}end"
        return
    box = f"{indent}{letter}b{part.start}"
    words = [labels.title_of(part.ops[0]), labels.declared(part)] if part.is_layer else []
    if part.is_merge:
        yield f"{box}(({label(words)}))"
        return
    parameters = f"{compact(view.parameters)} parameters" if view.parameters else ""
    lines = label([_name(view), *words, labels.times(part.shape), parameters])
    yield f"{box}[{lines}]" if part.is_layer else f"{box}[[{lines}]]"


def _name(view: View) -> str:
    """The name of a part in the group around it; of copies, those of the first and the last, and how many they are."""
    return labels.frame_title(view) + (f" × {view.times}" if view.times > 1 else "")
