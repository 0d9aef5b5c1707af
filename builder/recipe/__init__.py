"""From a `train` section to what a training step needs: the optimizer, the loss, and an average of the weights."""

from builder.recipe.ema import Ema
from builder.recipe.losses import correct, loss
from builder.recipe.optimizers import OPTIMIZERS, optimizer

__all__ = ["OPTIMIZERS", "Ema", "correct", "loss", "optimizer"]
