"""The size of a batch: a number, or `auto`, for which a training chooses one when it starts."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from archspec.fields.containers import Union
from archspec.fields.scalars import Choice, Integer

AUTO: Literal["auto"] = "auto"
BatchSize: TypeAlias = Annotated[
    int | Literal["auto"], Union((Integer(min=1, max=1_000_000), Choice((AUTO,)))), "Pictures in a step."
]
LEAST_STEPS = 32
"""The steps that an epoch has at least with `auto`. Batches of a tenth of the data were seen to generalise worse
(Keskar et al. 2016, arXiv:1609.04836), and few steps leave weights and moving statistics behind; this is a third of
that."""
MOST_PICTURES = 1024
"""The most pictures in an automatic batch. More give no better accuracy at the same number of epochs, and keep it only
with scaled rates and a warm-up (Goyal et al. 2017, arXiv:1706.02677), while hardly any device gets faster by them."""

LEAST_PICTURES = 8
"""The pictures in an automatic batch, however few there are to train on. From fewer, batch normalisation estimates its
statistics badly, and the error rises quickly (Wu and He 2018, arXiv:1803.08494, figure 1); from one, it removes all
that a flat feature says."""


def automatic_batch(fitting: int, parts: int) -> int:
    """The largest batch of at most `fitting` pictures that divides into `parts` equal parts of a power of two each. It
    has at least one picture in each part.

    Args:
        fitting: the most pictures.
        parts: replicas times the parts in which each of them takes its share.
    """
    of_each = max(fitting // parts, 1)
    return parts * (1 << (of_each.bit_length() - 1))


def sensible_batch(pictures: int) -> int:
    """The most pictures of an automatic batch on a data set of so many training pictures, whatever the memory."""
    return max(min(pictures, LEAST_PICTURES), min(pictures // LEAST_STEPS, MOST_PICTURES))
