"""The processes of a sweep: trials, measurements of latency, and the chief of several machines."""
