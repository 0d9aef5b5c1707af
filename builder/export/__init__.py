"""Exporting a trained network: folded for inference, written for other runtimes, and compared with the run."""
