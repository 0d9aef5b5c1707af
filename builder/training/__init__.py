"""Training a network as the `train` section of its spec says."""
