"""The shapes that a drawing is made of, in pixels from its upper left corner."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archspec.drawing.labels import Kind
from archspec.drawing.text import width
from archspec.drawing.views import View

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Left, upper, right and lower side."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From side to side."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def moved(self, x: float, y: float) -> Rectangle:
        """The rectangle, so much further to the right and down."""
        return Rectangle(self.left + x, self.top + y, self.right + x, self.bottom + y)


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text, on its baseline.

    Attributes:
        role: what it says, from which its look follows: `title`, `numbers`, `shape`, `name`, `times`, `network`,
            `note` or `sign`.
    """

    x: float
    y: float
    text: str
    size: float
    role: str
    anchor: Anchor = "start"
    bold: bool = False

    @property
    def bounds(self) -> Rectangle:
        """Where it stands, from the height of its capitals to that of its descenders."""
        wide = width(self.text, self.size, self.bold)
        left = self.x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return Rectangle(left, self.y - 0.72 * self.size, left + wide, self.y + 0.21 * self.size)

    def moved(self, x: float, y: float) -> Text:
        """The text, so much further to the right and down."""
        return Text(self.x + x, self.y + y, self.text, self.size, self.role, self.anchor, self.bold)


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the way of a tensor, along straight pieces.

    Attributes:
        points: its corners.
        tensor: the position of the node whose output it carries.
        is_arrow: whether an arrow head is at its end.
        is_skip: whether it goes past a part, in a side lane.
    """

    points: tuple[Point, ...]
    tensor: int
    is_arrow: bool = False
    is_skip: bool = False

    def moved(self, x: float, y: float) -> Line:
        """The line, so much further to the right and down."""
        points = tuple((a + x, b + y) for a, b in self.points)
        return Line(points, self.tensor, self.is_arrow, self.is_skip)


@dataclass(frozen=True, slots=True)
class Box:
    """A part that is drawn as one box, with the words inside of it.

    Attributes:
        view: the part.
        kind: which gives the box its shape.
        sides: the rectangle that holds it; of a repeat, without the edges of the cards behind the first.
        texts: the words on it.
    """

    view: View
    kind: Kind
    sides: Rectangle
    texts: tuple[Text, ...]

    def moved(self, x: float, y: float) -> Box:
        """The box, so much further to the right and down."""
        return Box(self.view, self.kind, self.sides.moved(x, y), tuple(text.moved(x, y) for text in self.texts))


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame around an open part."""

    view: View
    sides: Rectangle
    texts: tuple[Text, ...]

    def moved(self, x: float, y: float) -> Frame:
        """The frame, so much further to the right and down."""
        return Frame(self.view, self.sides.moved(x, y), tuple(text.moved(x, y) for text in self.texts))


@dataclass
class Canvas:
    """What has been drawn so far. Frames come before those inside of them.

    Attributes:
        texts: those that stand in no box or frame: shapes at edges, and names of lanes.
        dots: where a tensor goes more than one way.
    """

    frames: list[Frame] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)

    def add(self, other: Canvas, x: float, y: float) -> None:
        """Draws all of another canvas, so much further to the right and down."""
        self.frames += [one.moved(x, y) for one in other.frames]
        self.boxes += [one.moved(x, y) for one in other.boxes]
        self.lines += [one.moved(x, y) for one in other.lines]
        self.texts += [one.moved(x, y) for one in other.texts]
        self.dots += [(a + x, b + y) for a, b in other.dots]
