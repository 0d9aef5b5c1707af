"""The directory of a run: what it holds, how it is written, and how it is opened."""
