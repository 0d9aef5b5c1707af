"""Loading a data set: from a spec, or from one of its data sources, to data that fit the network."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import tensorflow as tf

from archspec.errors import FileError, UserError, Where, file_problem, problem_at
from archspec.network import SpecLike, as_spec
from archspec.ops.base import show
from archspec.recipe import Train
from archspec.recipe.data import Digits, Folder, Npz, Source, Tfds
from archspec.spec.addresses import address, recipe_of
from builder.data.decodable import look_again
from builder.data.framing import framing_warning
from builder.data.sources import digits, folder, npz, tfds
from builder.data.splits import TRAIN_DATA, Data, Encoded, Request, Splits, check_fits
from builder.data.statistics import statistics
from builder.pictures.normalisation import Normalisation
from builder.system.terminal import Say

LOADERS: dict[type, Callable[[Any, Request], Splits]] = {
    Digits: digits.load,
    Tfds: tfds.load,
    Folder: folder.load,
    Npz: npz.load,
}
"""The function that loads each kind of `archspec.recipe.data.DATA`."""


def load_data(
    spec: SpecLike | Source,
    shape: tuple[int, ...] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    where: Where = TRAIN_DATA,
    say: Say = lambda line: None,
) -> Data:
    """Loads the data that a spec trains on, or those of a data source.

    Pictures stay uint8, from 0 to 255. Those of another size than the network's are resized and cropped when batches
    are made (`builder.data.batches`). Grey pictures are repeated if the network takes three channels; colours are never
    removed. Encoded pictures (those of a folder or of TFDS) are all decoded once, so that a corrupt one is found now;
    the findings are cached until the files change.

    Args:
        spec: a spec with a `train` section (a `Spec`, its path, its shipped name or its data), or a source such as
            `archspec.recipe.data.Folder(path="pictures")`.
        shape: for a source, the input of the network, (height, width, channels). A spec has its own.
        data_dir: where TFDS keeps prepared data sets, taking precedence over the source's own `data_dir`.
        where: for a source, the address at which problems are reported.
        say: called with lines of progress when something takes long.

    Raises:
        SpecError: the spec has no `train` section, or the data do not exist or do not fit the network.
        FileError: the data cannot be read or prepared.
    """
    if isinstance(spec, Source):
        if shape is None:
            raise TypeError("load_data needs the shape (height, width, channels) of the network's input for a source")
        return load_source(spec, shape, Request(shape[-1] if shape else 0, data_dir, where, say))
    spec = as_spec(spec)
    recipe, where = recipe_of(spec), address(spec, "train", "data")
    shape = spec.graph.input.shape
    data = load_source(recipe.data, shape, Request(shape[-1], data_dir, where, say))
    check_fits(data, spec.graph, recipe, where, address(spec, "train", "batch_size"))
    data = normalised(data, recipe, address(spec, "train", "normalisation"))
    if line := framing_warning(data, recipe):
        say(line)
    return data


def normalised(data: Data, recipe: Train, where: Where) -> Data:
    """The data with the normalisation that a recipe asks for, if that is not their own.

    Raises:
        SpecError: it has another number of channels.
    """
    if recipe.normalisation == "data":
        return data
    try:
        return replace(data, normalisation=Normalisation.named(recipe.normalisation, data.shape[2]))
    except UserError as error:
        raise problem_at(where, error.problems[0].message) from error


def load_source(source: Source, shape: tuple[int, ...], request: Request) -> Data:
    """Loads the data of a source for a network whose input has a shape, (height, width, channels).

    Raises:
        UserError: see `load_data`.
    """
    if len(shape) != 3:
        message = (
            f"the network takes {show(shape)}; pictures are (height, width, channels), so set model.input to three"
        )
        raise problem_at(request.where, message)
    height, width, channels = shape
    splits = LOADERS[type(source)](source, request)
    found = statistics(splits, (height, width, channels))
    return Data(
        name=splits.name,
        train=splits.train,
        validation=splits.validation,
        shape=(height, width, channels),
        class_names=splits.class_names,
        normalisation=found.normalisation,
        pixel_range=found.pixel_range,
        darkest=found.darkest,
        fingerprint=found.fingerprint,
        skipped=splits.skipped,
    )


def unreadable(data: Data, problem: tf.errors.OpError, where: Where = TRAIN_DATA) -> FileError:
    """The error for pictures that could be decoded before, and are missing or damaged now that batches are read."""
    splits = [split for split in (data.train, data.validation) if isinstance(split, Encoded)]
    corrupt = [line for split in splits for line in look_again(split)]
    reason = (
        "cannot be read any more" if corrupt else f"could not be read for a moment: {problem.message.splitlines()[0]}"
    )
    return file_problem(where, f"pictures of {data.name} {reason}; resume once they are back", *corrupt[:10])
