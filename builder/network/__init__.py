"""Keras networks of a spec's graph: of stock layers, and of faster ones for training."""
