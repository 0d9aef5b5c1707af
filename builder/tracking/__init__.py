"""Runs sent to trackers of experiments: MLflow, and Weights & Biases."""
