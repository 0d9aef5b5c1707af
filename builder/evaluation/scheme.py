"""Schemes of testing: the views of each picture that probabilities are averaged over.

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
from archspec.ops.base import show
from archspec.recipe.resizing import Resizing

Crops = Literal["centre", "ten", "grid", "dense"]
CROPS: tuple[Crops, ...] = get_args(Crops)
POSITIONS = {"centre": 1, "ten": 5, "grid": 25, "dense": 1}
"""The number of views of a picture at one scale, without mirror images."""
LARGEST_SCALE = 8192


@dataclass(frozen=True)
class Scheme:
    """The views of a picture that probabilities are averaged over.

    Attributes:
        crops: the kind of views.
        scales: the lengths that the shorter side is resized to. Without any there is one: the recipe's `eval_resize`,
            by default 256/224 of the network's input.
        flip: whether mirror images are among the views (never with `centre`).
    """

    crops: Crops = "centre"
    scales: tuple[int, ...] = ()
    flip: bool = True

    @property
    def is_validation(self) -> bool:
        """Whether these are the views that training validates with."""
        return self.crops == "centre" and not self.scales

    @property
    def mirrors(self) -> bool:
        """Whether mirror images are among the views."""
        return self.flip and self.crops != "centre"

    @property
    def views(self) -> int:
        """The number of views of a picture at one scale."""
        return POSITIONS[self.crops] * (1 + self.mirrors)

    @property
    def name(self) -> str:
        """A name for directories, such as `ten` or `dense-256-384`."""
        unflipped = ["unflipped"] if self.crops != "centre" and not self.flip else []
        return "-".join([self.crops, *map(str, self.scales), *unflipped])

    def sides(self, shape: tuple[int, ...], resizing: Resizing) -> tuple[int, ...]:
        """The lengths that the shorter side is resized to, for a network's input shape and a recipe's resizing."""
        from builder.pictures.resizing import MARGIN  # TensorFlow, which is not needed to check a command line

        return self.scales or (resizing.side or round(min(shape[:2]) * MARGIN),)

    def in_words(self, shape: tuple[int, ...], resizing: Resizing) -> str:
        """The scheme in words: `ten crops of 224x224, shorter side 256`."""
        size = show(shape[:2])
        if self.is_validation:
            return {"crop": "centre crop of", "stretch": "stretched to", "pad": "padded to"}[resizing.mode] + f" {size}"
        sides = ", ".join(map(str, self.sides(shape, resizing)))
        if self.crops == "dense":
            return f"dense evaluation{' and mirror images' if self.mirrors else ''}, shorter side {sides}"
        words = {
            "centre": "centre crop",
            "ten": "ten crops" if self.mirrors else "five crops",
            "grid": "5x5 crops and mirror images" if self.mirrors else "5x5 crops",
        }[self.crops]
        return f"{words} of {size}, shorter side {sides}"

    def check(self, shape: tuple[int, ...], resizing: Resizing) -> None:
        """Checks the views and scales for a network's input shape and a recipe's resizing.

        Raises:
            UserError: the network was trained without crops and is to be tested with them, a crop does not fit into a
                scale, a scale is too large, or one is given twice.
        """
        if resizing.mode != "crop" and not self.is_validation:
            option = f"--scales {self.scales[0]}" if self.crops == "centre" else f"--crops {self.crops}"
            raise argument_problem(
                option,
                f"resizes the shorter side, and this network was trained with resize: {resizing.mode}; test it without "
                "crops and scales, or all the same with --set train.resize=crop",
            )
        for scale in self.scales:
            if not min(shape[:2]) <= scale <= LARGEST_SCALE:
                raise argument_problem(
                    f"--scales {scale}",
                    f"expected at least {min(shape[:2])}, the shorter side of the network's pictures, "
                    f"and at most {LARGEST_SCALE}",
                )
            if self.scales.count(scale) > 1:
                raise argument_problem(f"--scales {scale}", "is given twice; each scale counts once in the average")
