"""Files that claim more than they hold, never end, or make their reader work for ever.

`python -m tests.hostile` tries all of them and prints what came of it: how long each took, and how much memory.
"""
