"""Searches over networks: a spec's `search` section, keras-tuner's tuners, a process a trial.

- `start`: mistakes told, the directory claimed; `running`: the processes; `loop`: trials as they come and go;
- `values`, `judge`, `oracles`, `journal`: what is tried, inside the budget, and how that goes on after a crash;
- `plan`, `jobs`, `child`: from a candidate to a process that trains it;
- `records`, `results`: what came out.
"""

from builder.sweep.start import tune, with_trials
from builder.system.endings import TrialsFailed

__all__ = ["TrialsFailed", "tune", "with_trials"]
