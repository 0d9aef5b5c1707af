"""How pictures of another shape than the network's input are brought to it, wherever no crop of `augment` does so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["crop", "stretch", "pad"]


@dataclass(frozen=True)
class Resizing:
    """The evaluation transform, the same in validation, prediction and serving, and in training without a crop.

    Attributes:
        mode: `crop` resizes the shorter side and crops the centre (Krizhevsky et al. 2012, section 4.1); `stretch`
            resizes both sides to the network's, whatever the picture's proportions; `pad` resizes the whole picture
            into the network's input and surrounds it with black.
        side: for `crop`, the length of the shorter side before the crop, in pixels; None for 256/224 of the network's.
    """

    mode: Mode = "crop"
    side: int | None = None
