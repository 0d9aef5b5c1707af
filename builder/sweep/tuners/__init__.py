"""The tuners of a sweep: keras-tuner's oracles, limited to a search's space and budget, and resumable."""
