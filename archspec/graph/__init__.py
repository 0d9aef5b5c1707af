"""The graph of primitives that a spec lowers to, and how it is built."""
