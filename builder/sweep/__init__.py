"""Searches over networks: a spec's `search` section, keras-tuner's tuners, a process a trial.

- `start`: mistakes told, the directory claimed; `run`: the processes; `loop`: trials as they come and go;
- `tuners`: what is tried, inside the budget, and how that goes on after a crash;
- `plan`, `processes`: from a candidate to a process that trains it;
- `records`, `results`, `report`: what came out.
"""
