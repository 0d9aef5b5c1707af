"""The lines of a training fit into a terminal of 80 columns."""

import pytest

from archspec.recipe import Train
from archspec.recipe.data import Digits
from builder.runs.metrics import COLUMNS
from builder.training.console import Console


@pytest.mark.parametrize(("epochs", "number"), [(7, "  7/7"), (60, " 7/60"), (200, "    7"), (10_000, "    7")])
def test_the_line_of_an_epoch(epochs, number):
    lines = []
    console = Console(lines.append, Train(data=Digits(), epochs=epochs), 10)
    row = {
        **dict.fromkeys(COLUMNS, 0.5),
        "epoch": 7,
        "learning_rate": 0.000123,
        "seconds": 1234.5,
        "images_per_second": 9e6,
    }
    console.epoch(row, best=True)
    header, line = lines
    assert line.startswith(f"{number}  0.5000    0.5000")
    assert len(line) < 80 and len(header) == len(line) - len(" *")
