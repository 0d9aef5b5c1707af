"""Exports of a trained network for other runtimes, each compared with the run."""
