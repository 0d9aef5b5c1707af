"""Intervals from which augmentations draw, `[least, most]`."""

from __future__ import annotations

from typing import Annotated

from archspec.fields.base import FieldError
from archspec.fields.containers import ListOf
from archspec.fields.scalars import Number

Interval = Annotated[tuple[float, ...], ListOf(Number(above=0), "list [least, most]", 2)]


def check_interval(name: str, interval: tuple[float, ...], most: float | None = None) -> None:
    """Refuses an interval whose ends are the wrong way round, or above `most`.

    Raises:
        FieldError: naming the field.
    """
    if len(interval) != 2 or interval[0] > interval[1] or (most is not None and interval[1] > most):
        limit = f", at most {most:g}" if most is not None else ""
        raise FieldError(name, f"{name}={list(interval)} must be [least, most], the least first{limit}")
