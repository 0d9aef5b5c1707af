"""What Keras's files claim, found before a number of theirs is read or a layer is made: shapes, links, classes."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import keras
import numpy as np

from archspec.errors import file_problem
from archspec.files import open_regular
from archspec.tables import size
from archspec.wording import quoted
from builder.network.shapes_only import shapes_only
from builder.system.limits import BYTES_OF_LAYER, MOST_JSON, MOST_LAYERS, MOST_TENSORS, excess

CONFIG, VARIABLES = "config.json", "model.weights.h5"
"""The files in a `.keras` file that hold its layers and their variables."""
KINDS = "biufV"
"""The kinds of numpy's types that arrays of weights have; V is Keras's for bfloat16."""
SAME_SIZE = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
"""The filters of HDF5 that leave the number of bytes as it is."""
MOST_LINKS = 4 * MOST_TENSORS
"""The most arrays and groups; a layer of Keras has two groups around its arrays."""
CONNECTION = "__keras_tensor__"
"""Keras's class of a layer's input."""
PROGRAMS = {
    *("TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization", "Discretization"),
}
"""The layers of Keras that run a program, or read files of the reader's, when they are made. Keras itself refuses
`Lambda`."""


class Claim(ValueError):
    """A file claims or asks for more than is granted; the message says what."""


def check_arrays(file: h5py.File, stored: int) -> None:
    """Looks at the header of every array of an HDF5 file, by every path that leads to it.

    Args:
        file: the file.
        stored: its bytes.

    Raises:
        Claim: an array is compressed, is of other things than numbers, or lies outside of the file, or all of them
            together have too many bytes.
    """
    links: list[tuple[str | bytes, Any]] = []

    def collect(name: str | bytes, link: Any) -> bool | None:
        links.append((name, link))
        return True if len(links) > MOST_LINKS else None  # h5py loses what is raised here

    file.visititems_links(collect)
    if len(links) > MOST_LINKS:
        raise Claim(f"it has more than {MOST_LINKS:,} arrays and groups")
    claimed = 0
    for name, link in links:
        if not isinstance(link, h5py.HardLink):
            raise Claim(f"{_text(name)} is a link to elsewhere")
        item = file[name]
        if isinstance(item, h5py.Dataset):
            claimed += _bytes(_text(name), item)
            if reason := excess(claimed, stored):
                raise Claim(reason)


def _bytes(name: str, array: h5py.Dataset) -> int:
    """The bytes that an array has in memory; at least a piece of it, which is read as a whole."""
    layout = array.id.get_create_plist()
    if array.external or array.is_virtual:
        raise Claim(f"{name} is not an array in this file")
    if array.dtype.kind not in KINDS or array.dtype.names is not None:
        raise Claim(f"{name} has values of type {array.dtype}, not numbers")
    filters = [layout.get_filter(number)[0] for number in range(layout.get_nfilters())]
    if any(one not in SAME_SIZE for one in filters):
        raise Claim(f"{name} is compressed, and Keras compresses no weights; load the file and save it with Keras")
    piece = math.prod(array.chunks) if array.chunks else 0
    return max(math.prod(array.shape or (0,)), piece) * array.dtype.itemsize


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode(errors="backslashreplace")


# -- whole models ----------------------------------------------------------------------------------------------------


def load_model(path: Path) -> keras.Model:
    """Loads a `.keras` file with Keras, once it is found to claim what its size allows, and to ask for no programs.

    Raises:
        FileError: it cannot be read, or claims too much.
        Exception: Keras cannot load it.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error
    with file:
        try:
            _check_model(file)
        except Claim as claim:
            raise file_problem(path, f"is not loaded: {claim}") from None
    return keras.models.load_model(path, compile=False, safe_mode=True)


def _check_model(file: BinaryIO) -> None:
    stored = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        if reason := excess(sum(member.file_size for member in archive.infolist()), stored):
            raise Claim(reason)
        if archive.getinfo(CONFIG).file_size > MOST_JSON:
            raise Claim(f"it has a {CONFIG} of more than {MOST_JSON:,} bytes")
        config = json.loads(archive.read(CONFIG))
        # Where Keras stores the arrays as they are, their headers are read without the rest.
        is_stored = archive.getinfo(VARIABLES).compress_type == zipfile.ZIP_STORED
        variables = archive.open(VARIABLES) if is_stored else io.BytesIO(archive.read(VARIABLES))
        with variables, h5py.File(variables) as arrays:
            check_arrays(arrays, stored)
    classes, count = _counted(config)
    if programs := sorted(classes & PROGRAMS):
        raise Claim(f"it has a layer of the class {quoted(programs[0])}, which runs a program or reads files")
    if count > MOST_LAYERS + stored // BYTES_OF_LAYER:
        raise Claim(f"it has {count:,} layers and connections, which is too many for a file of {size(stored)}")
    with shapes_only():
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    needed = sum(math.prod(one.shape) * np.dtype(_numpy_type(one.dtype)).itemsize for one in model.variables)
    if reason := excess(needed, stored):
        raise Claim(reason)


def _numpy_type(name: str) -> str:
    return "uint16" if name == "bfloat16" else name


def _counted(config: Any) -> tuple[set[str], int]:
    """The names of all classes in a configuration, and the number of layers and of connections between them."""
    names, count, rest = set(), 0, [config]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            if isinstance(name := value.get("class_name"), str):
                names.add(name)
                count += name == CONNECTION
            if isinstance(layers := value.get("layers"), list):
                count += len(layers)
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)
    return names, count
