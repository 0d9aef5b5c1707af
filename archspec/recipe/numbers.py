"""Kinds of numbers that recipes share."""

from typing import Annotated

from archspec.fields.scalars import Integer, Number

NonNegative = Annotated[float, Number(min=0)]
Positive = Annotated[float, Number(above=0)]
Share = Annotated[float, Number(min=0, below=1)]
Factor = Annotated[float, Number(above=0, below=1)]
Probability = Annotated[float, Number(min=0, max=1)]
Seed = Annotated[int, Integer(min=0, max=2**31 - 1)]
