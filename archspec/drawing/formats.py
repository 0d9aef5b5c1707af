"""The files that a drawing can be written to, by the ends of their names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.drawing.drawing import Drawing
from archspec.errors import argument_problem, file_problem
from archspec.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from archspec.drawing.fields.drawing import FieldDrawing

STDOUT = "-"
"""In the place of a file, standard output, which gets SVG."""


def _mermaid(drawing: Drawing | FieldDrawing) -> bytes:
    if not isinstance(drawing, Drawing):
        raise argument_problem("-o", "a receptive field is no flowchart; write .svg, .png or .html")
    return drawing.mermaid().encode()


FORMATS: Mapping[str, Callable[[Drawing | FieldDrawing], bytes]] = {
    ".svg": lambda drawing: drawing.svg().encode(),
    ".png": lambda drawing: drawing.png(),
    ".html": lambda drawing: drawing.html().encode(),
    ".mmd": _mermaid,
}
"""What makes the content of a file, by the end of its name."""


def check_format(path: str) -> None:
    """Reports a file of another format before anything is drawn.

    Raises:
        UserError: naming the formats.
    """
    suffix = Path(path).suffix.lower()
    if path != STDOUT and suffix not in FORMATS:
        ends = f"ends in {quoted(suffix)}, which no format has" if suffix else "has no ending that says its format"
        hint = did_you_mean(suffix, FORMATS, few=0)
        raise argument_problem("-o", f"{quoted(path)} {ends}; expected one of {', '.join(FORMATS)}{hint}")


def default_path(names: list[str]) -> str:
    """The file for a drawing of networks by their names, where none is given."""
    return f"{'-'.join(names)[:100]}.svg"


def write(drawing: Drawing | FieldDrawing, path: str) -> None:
    """Writes a drawing to a file, in the format that its name ends in.

    Raises:
        UserError: an unknown format, or one that needs a package which is missing.
        FileError: the file cannot be written.
    """
    check_format(path)
    content = FORMATS[Path(path).suffix.lower()](drawing)
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise file_problem(path, f"cannot be written: {error.strerror}") from error


def output(drawing: Drawing | FieldDrawing, path: str) -> None:
    """Writes a drawing to a file and says so, or writes its SVG to standard output.

    Raises:
        UserError, FileError: see `write`.
    """
    if path == STDOUT:
        sys.stdout.write(drawing.svg())
        return
    write(drawing, path)
    print(f"wrote {path}")
