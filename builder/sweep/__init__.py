"""Searches over networks: the `search` section of a spec carried out with keras-tuner's tuners, one process per trial.

- `run` tells the story of a search; `start` has the checks before it, `directory` claims the directory;
- `tuners` choose the candidates inside the budget, and resume after a crash;
- `plan` and `processes` lead from a candidate to a process that trains it; `loop` starts and watches the trials;
- `records`, `results` and `report` have what came out.

A *candidate* is a point of the search's space, a *trial* is a candidate that is trained, an *execution* is one of its
trainings (`executions_per_trial`), and a *task* is what the process of an execution is given to do.
"""
