"""A drawing as a PNG, by resvg, which draws SVG the same on every machine."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from archspec.errors import argument_problem, file_problem

MOST_PIXELS = 2**27
"""A larger PNG is not drawn: it would take 512 MiB in memory."""
FONT = "DejaVu Sans"
FONT_SIZE = 0.88
"""The size of the font for each unit of a drawing's type. It looks larger than Helvetica, for which drawings are laid
out, and its characters are up to a fifth wider."""
FONT_FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
INSTALL = "pip install 'convspec[draw]'"


def png(svg: str, scale: float = 2) -> bytes:
    """A drawing in its light colours as a PNG; the same bytes on every machine with the same version of resvg.

    Its text has the font that Matplotlib brings, DejaVu Sans, as resvg brings none and a server may have none either.

    Args:
        svg: the drawing, whose `svg` element says its width and height in units. Its colours are no variables, and
            those of a light background stand outside of media queries, as resvg knows neither.
        scale: pixels for each unit.

    Raises:
        UserError: resvg is not installed, or the PNG would be too large.
        FileError: the font is missing.
    """
    if find_spec("resvg_py") is None:
        raise argument_problem(".png", f"needs resvg_py: install with {INSTALL}")
    size = re.search(r'<svg[^>]* width="([\d.]+)"[^>]* height="([\d.]+)"', svg)
    assert size, "a drawing says how large it is"
    width, height = (round(scale * float(side)) for side in size.groups())
    if width * height > MOST_PIXELS:
        message = f"it would have {width:,} x {height:,} pixels; write .svg or .html, or draw fewer parts"
        raise argument_problem(".png", message)
    import resvg_py

    smaller = re.sub(r'font-size="([\d.]+)"', lambda match: f'font-size="{FONT_SIZE * float(match[1]):g}"', svg)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=smaller,
            width=width,
            height=height,
            skip_system_fonts=is_covered(svg),
            font_files=[str(path) for path in fonts()],
            font_family=FONT,
            sans_serif_family=FONT,
        )
    )


def fonts() -> list[Path]:
    """The files of the font.

    Raises:
        FileError: Matplotlib, which brings them, is missing or damaged.
    """
    spec = find_spec("matplotlib")
    folder = Path(spec.origin or "").parent / "mpl-data/fonts/ttf" if spec else Path("matplotlib")
    files = [folder / name for name in FONT_FILES]
    for path in files:
        if not path.is_file():
            raise file_problem(path, "the font of PNGs is missing, which Matplotlib brings; reinstall matplotlib")
    return files


def is_covered(svg: str) -> bool:
    """Whether the font has all characters of a drawing: it has none of Asia's scripts. For others, fonts of the system
    are searched too."""
    return all(char < "\u0530" or "\u1e00" <= char < "\u2800" for char in svg)
