"""Data sets: loaded from their sources, checked against the network, and made into batches."""

from builder.data.loading import load_data, unreadable
from builder.data.splits import TRAIN_DATA, Arrays, Data, Encoded, check_fits

__all__ = ["TRAIN_DATA", "Arrays", "Data", "Encoded", "check_fits", "load_data", "unreadable"]
