"""keras-tuner's oracles and hypermodel for a search: limited to its space and budget, and resumable."""
