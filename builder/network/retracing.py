"""Suppresses TensorFlow's warning of repeated tracing where it is wrong: each network has functions of its own.

TensorFlow tells functions apart by their place in the code and by their address in memory. In a loop over networks, the
function of a new one may have the address of one that is gone, and the two are taken for one function that is traced
again and again. Keras's functions are meant too, as `compile` and `fit` make them for each model, and relax their
shapes themselves.
"""

from __future__ import annotations

import logging
import re

MADE_FOR_EACH_NETWORK = ("TensorFlowTrainer", "training_steps", "evaluation_steps")
"""Where these functions are made: in Keras's trainer, and in `builder.training.steps`."""
WARNING = re.compile(rf"\d+ out of the last \d+ calls to <function ({'|'.join(MADE_FOR_EACH_NETWORK)})\.")


class _OneForEachNetwork(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return WARNING.match(record.getMessage()) is None


def suppress() -> None:
    """Suppresses the warning for the functions of networks; for all others it is shown."""
    logger = logging.getLogger("tensorflow")
    if not any(isinstance(one, _OneForEachNetwork) for one in logger.filters):
        logger.addFilter(_OneForEachNetwork())
