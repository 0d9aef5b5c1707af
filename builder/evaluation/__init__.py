"""Evaluation of trained runs on their validation pictures, alone or as an ensemble."""
