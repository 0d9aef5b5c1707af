"""What a training takes from the network, which its workers on one machine are cut off from."""

from __future__ import annotations

import os
from collections.abc import Callable

from archspec import Spec
from archspec.recipe.data import Tfds
from archspec.spec.addresses import address, recipe_of
from builder.system.tensorflow_start import import_tensorflow


def download(spec: Spec, data_dir: str | None) -> Callable[[], None] | None:
    """A function that downloads and prepares the data of a spec where they are not there yet; None for files of the
    user's own.

    It raises a UserError where the data cannot be prepared.
    """
    source = recipe_of(spec).data
    if not (isinstance(source, Tfds) and source.download):
        return None

    def prepare() -> None:
        import_tensorflow()
        from builder.data import load_data

        load_data(source, spec.graph.input.shape, data_dir, address(spec, "train", "data"), print)

    return prepare


def reason_to_stay_online(spec: Spec, data_dir: str | None) -> str:
    """Why the training itself reads over the network, in words; empty if it does not."""
    source = recipe_of(spec).data
    if isinstance(source, Tfds):
        directory = data_dir or source.data_dir or os.environ.get("TFDS_DATA_DIR", "")
        if "://" in directory:
            return f"they read the data from {directory}"
    return ""
