"""Kinds of numbers that recipes share, and the precisions."""

from typing import Annotated

from archspec.fields.scalars import Choice, Integer, Number

NonNegative = Annotated[float, Number(min=0)]
Positive = Annotated[float, Number(above=0)]
Share = Annotated[float, Number(min=0, below=1)]
Factor = Annotated[float, Number(above=0, below=1)]
Probability = Annotated[float, Number(min=0, max=1), "The probability for each picture, from 0 to 1."]
FAST = "float32_fast"
"""The precision whose convolutions and matrix products the device may compute with fewer digits."""
ACTIVATION_BYTES = {"float32": 4, FAST: 4, "mixed_bfloat16": 2, "mixed_float16": 2}
"""The precisions, and the bytes of one element of an activation in each; weights are float32 throughout."""
Precision = Annotated[str, Choice(tuple(ACTIVATION_BYTES))]
Seed = Annotated[int, Integer(min=0, max=2**31 - 1), "The seed of random numbers."]
