"""What a training takes from the network, which its workers on one machine are cut off from."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from archspec import Spec, UserError
from archspec.recipe.data import Tfds
from archspec.recipe.fine_tuning import InitFrom
from archspec.spec.addresses import address, recipe_of
from builder.system.tensorflow_start import import_tensorflow

APPLICATION = "keras:"
"""What the name of a network begins with whose weights Keras downloads."""


def download(spec: Spec, data_dir: str | None) -> Callable[[], None] | None:
    """A function that downloads and prepares the data of a spec, and the weights that it starts from, where they are
    not there yet; None for files of the user's own.

    It raises a UserError where the data cannot be prepared. Weights that cannot be had are left to the training to
    report, which reads them again.
    """
    recipe = recipe_of(spec)
    source, weights = recipe.data, recipe.init_from.weights if isinstance(recipe.init_from, InitFrom) else None
    has_data = isinstance(source, Tfds) and source.download
    has_weights = weights is not None and weights.startswith(APPLICATION)
    if not (has_data or has_weights):
        return None

    def prepare() -> None:
        import_tensorflow()
        from builder.data import load_data
        from builder.weights.reading import read

        if has_data:
            load_data(source, spec.graph.input.shape, data_dir, address(spec, "train", "data"), print)
        if weights is not None and has_weights:
            with contextlib.suppress(UserError):
                read(weights)

    return prepare


def reason_to_stay_online(spec: Spec, data_dir: str | None) -> str:
    """Why the training itself reads over the network, in words; empty if it does not."""
    source = recipe_of(spec).data
    if isinstance(source, Tfds):
        directory = data_dir or source.data_dir or os.environ.get("TFDS_DATA_DIR", "")
        if "://" in directory:
            return f"they read the data from {directory}"
    return ""
