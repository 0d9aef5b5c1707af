"""The text of a spec: its syntax, the tree of its values with their positions, and expressions."""
