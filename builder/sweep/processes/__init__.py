"""The processes of a search: one for each execution, one that measures latency, and those of several machines."""
