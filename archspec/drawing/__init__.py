"""Drawings of networks, laid out from the structure that their specs give them.

A graph becomes a tree of parts (`outline`), of which a drawing opens some (`views`); their place follows from how they
are nested (`arranging`, `stacking`, `layout`), and is written as SVG (`svg`).
"""

from archspec.drawing.drawing import Drawing, Marks, draw_graphs
from archspec.drawing.measures import MEASURES

__all__ = ["MEASURES", "Drawing", "Marks", "draw_graphs"]
