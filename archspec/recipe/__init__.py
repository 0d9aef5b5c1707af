"""The `train` section: how a network is trained. It is typed here and carried out in `builder`."""

from archspec.recipe.augment import AUGMENTATIONS
from archspec.recipe.data import DATA
from archspec.recipe.distribution import DISTRIBUTE
from archspec.recipe.monitor import MONITORS
from archspec.recipe.optimizers import OPTIMIZERS
from archspec.recipe.schedules import SCHEDULES
from archspec.recipe.train import TRAIN, Train

__all__ = ["AUGMENTATIONS", "DATA", "DISTRIBUTE", "MONITORS", "OPTIMIZERS", "SCHEDULES", "TRAIN", "Train"]
