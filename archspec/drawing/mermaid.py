"""A drawing as a Mermaid flowchart, which GitHub and many other sites draw where it stands in Markdown.

Mermaid places the boxes itself: open groups are its subgraphs, folded ones have double sides, sums and other merges are
round, and repeats say how often.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from archspec.drawing import labels
from archspec.drawing.layout import Network
from archspec.drawing.links import PICTURE, links
from archspec.drawing.marks import SIGNS
from archspec.drawing.views import View
from archspec.tables import compact
from archspec.wording import printable

LINE, INDENT = "<br/>", "  "
_PLAIN = re.compile(r"[A-Za-z0-9 ,/–×]|(?<=\w)[._-](?=\w)")
"""What means nothing to Mermaid, nor to the Markdown in its labels, where `1.` and `-` begin lists and `_a_` is
stressed."""


def mermaid(networks: Sequence[Network], by: str | None = None) -> str:
    """Networks as one flowchart, from top to bottom; several stand beside each other.

    Args:
        networks: what is drawn: each with its outline, and with the parts that are open.
        by: the number that boxes say, a name in `MEASURES`; None for their parameters.
    """
    lines = ["flowchart TB"]
    for number, network in enumerate(networks):
        if len(networks) == 1:
            lines += _chart(network, by, "", INDENT)
            continue
        shown = network.view
        title = f"{network.outlined.graph.name}: {compact(shown.parameters)} parameters, {compact(shown.macs)} MACs"
        lines.append(f"{INDENT}subgraph network{number}[{label([title])}]")
        lines += [*_chart(network, by, f"n{number}", 2 * INDENT), f"{INDENT}end"]
    return "\n".join([*lines, ""])


def label(parts: Sequence[str]) -> str:
    """Lines of text as the quoted label of a box, with the code of each character that may mean something."""
    return f'"{LINE.join(_escaped(part) for part in parts if part)}"'


def _escaped(text: str) -> str:
    text = printable(text)
    return "".join(char if _PLAIN.match(text, at) else f"#{ord(char)};" for at, char in enumerate(text))


def _chart(network: Network, by: str | None, letter: str, indent: str) -> Iterator[str]:
    """The lines of one network, whose identifiers begin with `letter`."""
    picture = network.outlined.graph.input
    yield f"{indent}{letter}b{PICTURE}([{label([picture.name, labels.times(picture.shape)])}])"
    groups = itertools.count()

    def part(view: View, indent: str) -> Iterator[str]:
        """A box, or a group with all that is in it."""
        mark = network.mark(view.part)
        said = f"{SIGNS[mark]} {mark}" if mark in SIGNS else ""
        if view.is_open:
            yield f"{indent}subgraph {letter}g{next(groups)}[{label([', '.join(filter(None, (_name(view), said)))])}]"
            for child in view.children:
                yield from part(child, indent + INDENT)
            yield f"{indent}end"
        else:
            yield f"{indent}{letter}b{view.part.start}{_box(network, view, by, said)}"

    for child in network.view.children or (network.view,):
        yield from part(child, indent)
    for source, target in links(network.outlined, network.view):
        yield f"{indent}{letter}b{source} --> {letter}b{target}"


def _box(network: Network, view: View, by: str | None, said: str) -> str:
    """The shape and the words of a box: its name, operations, output and number, and what a comparison says of it."""
    part = view.part
    words = [labels.title_of(part.ops[0]), labels.declared(part)] if part.is_layer else []
    if part.is_merge:
        return f"(({label([*words, said])}))"
    number = f"{compact(view.parameters)} parameters" if view.parameters else ""
    if by:
        shown = network.caption(view).numbers
        number = f"{by} {shown}" if shown else ""
    lines = label([_name(view), *words, labels.times(part.shape), number, said])
    return f"[{lines}]" if part.is_layer else f"[[{lines}]]"


def _name(view: View) -> str:
    """The name of a part in the group around it; of copies, those of the first and the last, and how many they are."""
    return labels.frame_title(view) + (f" × {view.times}" if view.times > 1 else "")
