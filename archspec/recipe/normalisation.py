"""The normalisations of pixels that trained weights of other projects expect, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

NormalisationName = Literal["data", "torchvision", "inception", "unit"]

NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "torchvision": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "inception": ((0.5,), (0.5,)),
    "unit": ((0.0,), (1.0,)),
}
"""Mean and standard deviation of pixels from 0 to 1, one number for all channels or one for each.

`torchvision`: of ImageNet's red, green and blue, which torchvision's weights and most of timm's expect. `inception`:
from -1 to 1, as Inception and TensorFlow's MobileNets expect it. `unit`: from 0 to 1.
"""
