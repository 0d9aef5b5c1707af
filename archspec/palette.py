"""The colours of every picture and page, each for a light and a dark background.

Colours are told apart by colour-blind people (Okabe and Ito 2008, "Color universal design"), and never say anything
alone: a shape, a sign or a word says the same. A picture or page uses them as CSS variables, `var(--ink)`, which
`variables()` defines for both backgrounds; where there is no CSS, as in a PNG, the values of the light one stand.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "muted": "#59636e",
    "line": "#d1d9e0",
    "raised": "#f6f8fa",
    "accent": "#d55e00",
    "added": "#00734f",
    "removed": "#b3261e",
    "changed": "#9a6700",
    "series1": "#0072b2",
    "series2": "#d55e01",
    "series3": "#009e73",
    "series4": "#cc79a7",
    "series5": "#575757",
    "series6": "#b57f00",
    "series7": "#3a9ad9",
    "series8": "#882255",
    "shade1": "#c3d3e2",
    "shade2": "#94b4d1",
    "shade3": "#6594bf",
    "shade4": "#3a75ab",
    "shade5": "#1a568f",
    "shade6": "#08306b",
}
"""`paper` is the background, `ink` text, `muted` text of less weight, `line` rules and grids, `raised` what stands out
from the background; `added`, `removed` and `changed` are what a difference says; `series1` and so on are the lines of
a chart; `shade1` to `shade6` say how much, from what hardly stands out to what stands out most. All values differ, so
that each can be recognised in a drawing and replaced by its variable."""

DARK: Mapping[str, str] = {
    "paper": "#0d1117",
    "ink": "#e6edf3",
    "muted": "#9198a1",
    "line": "#3d444d",
    "raised": "#161b22",
    "accent": "#ff8c42",
    "added": "#3fcf8e",
    "removed": "#ff7b72",
    "changed": "#e3b341",
    "series1": "#56b4e9",
    "series2": "#ff8c43",
    "series3": "#35c79a",
    "series4": "#e6a3c8",
    "series5": "#b8b8b8",
    "series6": "#e6b022",
    "series7": "#8fd0ff",
    "series8": "#d979a8",
    "shade1": "#2b3b4b",
    "shade2": "#38546f",
    "shade3": "#487195",
    "shade4": "#6093bd",
    "shade5": "#84b5de",
    "shade6": "#b9dcf9",
}

SERIES = tuple(LIGHT[name] for name in LIGHT if name.startswith("series"))
"""The colours of a chart's lines, in order."""

SHADES = tuple(LIGHT[name] for name in LIGHT if name.startswith("shade"))
"""The shades of one colour, from the one that says least to the one that says most."""

FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
"""The one typeface; the first three have the same widths."""


def variables(selector: str = ":root") -> str:
    """CSS that defines each colour as a variable of what `selector` matches, by the background that the reader's system
    prefers."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in colors.items()) for colors in (LIGHT, DARK))
    return f"{selector}{{{light}}}@media(prefers-color-scheme:dark){{{selector}{{{dark}}}}}"


def themed(svg: str) -> str:
    """A drawing in the light colours with each of them replaced by its variable, for a page that defines these."""
    for name, value in LIGHT.items():
        svg = svg.replace(value, f"var(--{name})")
    return svg
