"""Data sources: one module for each kind that a recipe's `data` can name, with a `load(source, request)`."""
