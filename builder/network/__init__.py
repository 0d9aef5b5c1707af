"""A spec's graph as a Keras model, of stock layers or of faster ones for training."""
