"""Drawings of networks, laid out from the structure that their specs give them.

A graph becomes a tree of parts (`outline`), of which a drawing opens some (`views`); their place follows from how they
are nested (`arranging`, `stacking`, `layout`), and is written as SVG (`svg`), as a page (`html`), as pixels (`png`) or
as a flowchart for Markdown (`mermaid`). `fields` draws what the elements of a layer see of the picture.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors; `MODULES` says the same to Python
    from archspec.drawing.drawing import Drawing, draw_graphs
    from archspec.drawing.marks import Marks
    from archspec.drawing.measures import MEASURES

__all__ = ["MEASURES", "Drawing", "Marks", "draw_graphs"]

MODULES = {"MEASURES": "measures", "Drawing": "drawing", "Marks": "marks", "draw_graphs": "drawing"}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    """A public name, imported with its module when it is first used: what compares networks needs the outline alone."""
    if name in MODULES:
        return getattr(import_module(f"archspec.drawing.{MODULES[name]}"), name)
    raise AttributeError(f"module 'archspec.drawing' has no attribute '{name}'")
