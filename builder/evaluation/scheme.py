"""How pictures are tested: which views of each are averaged over.

| crops | views of a picture at each scale | source |
|---|---|---|
| `centre` | the centre, as in validation | |
| `ten` | four corners and centre of the central square, and their mirror images | Krizhevsky et al. 2012, section 4.1 |
| `grid` | 5x5 positions and their mirror images | Simonyan and Zisserman 2014, section 3.2; arXiv:1409.4842 |
| `dense` | the whole picture and its mirror image | Simonyan and Zisserman 2014, arXiv:1409.1556, section 3.2 |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from archspec.errors import argument_problem

Crops = Literal["centre", "ten", "grid", "dense"]
CROPS: tuple[Crops, ...] = get_args(Crops)
POSITIONS = {"centre": 1, "ten": 5, "grid": 25, "dense": 1}
"""How many views a picture has at one scale, without the mirror images."""
LARGEST_SCALE = 8192


@dataclass(frozen=True)
class Scheme:
    """How pictures are tested.

    Attributes:
        crops: which views.
        scales: the lengths that the shorter side is resized to, one after another, averaged over; none for the recipe's
            `eval_resize`, or by default 256/224 of the network's.
        flip: whether mirror images are among the views (never with `centre`).
    """

    crops: Crops = "centre"
    scales: tuple[int, ...] = ()
    flip: bool = True

    @property
    def is_validation(self) -> bool:
        """Whether it is what training validates with."""
        return self.crops == "centre" and not self.scales

    @property
    def mirrors(self) -> bool:
        """Whether there are mirror images."""
        return self.flip and self.crops != "centre"

    @property
    def views(self) -> int:
        """Of a picture at one scale."""
        return POSITIONS[self.crops] * (1 + self.mirrors)

    @property
    def name(self) -> str:
        """`ten`, `dense-256-384`"""
        unflipped = ["unflipped"] if self.crops != "centre" and not self.flip else []
        return "-".join([self.crops, *map(str, self.scales), *unflipped])

    def sides(self, shape: tuple[int, ...], resize: int | None) -> tuple[int, ...]:
        """The lengths of the shorter side."""
        from builder.pictures.resizing import MARGIN  # TensorFlow, which is not needed to check a command line

        return self.scales or (resize or round(min(shape[:2]) * MARGIN),)

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses scales that no crop fits into, and the same one twice.

        Raises:
            UserError: naming it.
        """
        for scale in self.scales:
            if not min(shape[:2]) <= scale <= LARGEST_SCALE:
                raise argument_problem(
                    f"--scales {scale}",
                    f"expected at least {min(shape[:2])}, the shorter side of the network's pictures, "
                    f"and at most {LARGEST_SCALE}",
                )
            if self.scales.count(scale) > 1:
                raise argument_problem(f"--scales {scale}", "is given twice; each scale counts once in the average")
