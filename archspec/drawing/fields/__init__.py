"""Drawings of receptive fields: what elements of a network see of its input."""
