"""The look of all charts: one typeface and the palette's colours."""

from __future__ import annotations

from typing import Any

from archspec import palette

FONTS = [name.strip(" '") for name in palette.FONT.split(",")]
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": FONTS,
    "text.color": palette.LIGHT["ink"],
    "axes.labelcolor": palette.LIGHT["ink"],
    "axes.edgecolor": palette.LIGHT["muted"],
    "axes.facecolor": palette.LIGHT["paper"],
    "axes.prop_cycle": f"cycler('color', {list(palette.SERIES)})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titley": 1.0,  # else all ticks are measured to find a place above them, which takes a third of the time
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": palette.LIGHT["line"],
    "grid.linewidth": 0.7,
    "xtick.color": palette.LIGHT["muted"],
    "ytick.color": palette.LIGHT["muted"],
    "xtick.labelcolor": palette.LIGHT["ink"],
    "ytick.labelcolor": palette.LIGHT["ink"],
    "figure.facecolor": palette.LIGHT["paper"],
    "legend.frameon": False,
    "svg.fonttype": "none",
}
"""Settings of Matplotlib, for `matplotlib.rc_context(STYLE)` around the making of a figure and around its saving."""
