"""The graph of primitives that a spec expands to, and how it is built."""
