"""Files of weights, of less than a megabyte, that claim gigabytes, or take minutes where they are trusted."""

import io
import json
import pickle
import struct
import zipfile
import zlib

import h5py
import keras
import numpy as np

from tests.builder.weights.torch_pickles import call, named, plain, save, storage, tensor

KIB = 1024
START, STOP = b"\x80\x02}", b"."


def _state(items):
    """A pickle of a dictionary, of pairs of opcodes for a key and a value."""
    return START + b"(" + b"".join(items) + b"u" + STOP


def _memo(path):
    """CPython's unpickler makes a list of twice as many entries as the number in the memo."""
    return save(path, START + b"r" + struct.pack("<I", 2**28) + STOP)


def _tuples(path):
    """The hash of each tuple needs that of the one before twice."""
    return save(path, START + b")q\1" + b"2\x86" * 40 + b"Ns" + STOP)


def _numbers(path):
    """Numbers of one hash: multiples of 2^61 - 1, by which Python hashes."""
    keys = (pickle.dumps(number * (2**61 - 1), 2)[2:-1] + b"N" for number in range(1, 35_000))
    return save(path, _state(keys))


def _lists(path):
    return save(path, START + b"]" * (990 * KIB) + STOP)


def _dictionaries(path):
    return save(path, START + b"X\0\0\0\0" + b"}X\0\0\0\0" * (140 * KIB) + b"N" + b"s" * (140 * KIB) + b"s" + STOP)


def _doubled(path):
    """Each list holds the one before twice."""
    return save(path, b"\x80\x02]q\0" + b"".join(b"]q\1(h\0h\0eq\0" for _ in range(80_000)) + STOP)


def _axes(path):
    size = b"(" + b"\x8a\x08" + b"\xff" * 7 + b"\x7f" + b"2" * (900 * KIB) + b"t"
    parts = (storage(), plain(0), size, plain((1,)), plain(False), plain({}))
    return save(path, _state([plain("a") + call(named("torch._utils", "_rebuild_tensor_v2"), *parts)]))


def _long_number(path):
    return save(path, _state([plain("a") + b"\x8b" + struct.pack("<I", 900 * KIB) + b"\x7f" * (900 * KIB)]))


def _long_digits(path):
    return save(path, _state([plain("a") + b"L" + b"9" * (900 * KIB) + b"L\n"]))


def _broadcast(path):
    """One number stands for ten thousand million."""
    return save(path, _state([plain("a.weight") + tensor(size=(100_000, 100_000), stride=(0, 0))]))


def _shared(path):
    """All tensors are the same one."""
    numbers = np.zeros(200_000, "<f4").tobytes()
    first = tensor(size=(200_000,), key="1", count=200_000) + b"q\7"
    items = [plain("0.weight") + first, *(plain(f"{i}.weight") + b"h\7" for i in range(1, 8_000))]
    return save(path, _state(items), **{"data/1": numbers})


def _many_modules(path):
    first = tensor(size=(1, 1, 1, 1), stride=(1, 1, 1, 1)) + b"q\7"
    items = [plain("m.weight") + first, *(plain(f"m{i}.weight") + b"h\7" for i in range(19_990))]
    return save(path, _state(items))


def _many_parts(path):
    first = tensor() + b"q\7"
    parts = [plain("a") + b"}" + plain("x.weight") + first + b"s"]
    parts += [plain(f"{i}") + b"}" + plain("x.weight") + b"h\7s" for i in range(19_000)]
    return save(path, _state(parts))


def _overlapping(path):
    """A hundred names for the same bytes of a zip file."""
    save(path, _state([plain(f"{i}") + tensor(key=f"{i}", count=200_000, size=(200_000,)) for i in range(1, 101)]))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("archive/data/1", np.zeros(200_000, "<f4").tobytes())
        info = file.getinfo("archive/data/1")
        for number in range(2, 101):
            copy = zipfile.ZipInfo(f"archive/data/{number}")
            copy.header_offset, copy.file_size, copy.compress_size = info.header_offset, info.file_size, info.file_size
            copy.CRC, copy.orig_filename = info.CRC, copy.filename
            file.filelist.append(copy)
            file.NameToInfo[copy.filename] = copy
        file._didModify = True
    return path


def _hdf5(fill, path, group="layers/conv2d/vars"):
    with h5py.File(path, "w") as file:
        fill(file.require_group(group))
    return path


def _unallocated(group):
    group.create_dataset("0", (46_000, 46_000), "f", chunks=(1_000, 1_000))


def _contiguous(group):
    group.create_dataset("0", (46_000, 46_000), "f")


def _many_small_claims(group):
    for number in range(100):
        group.create_dataset(str(number), (5_000, 5_000), "f", chunks=(1_000, 1_000))


def _compressed(group):
    group.create_dataset("0", data=np.zeros((1_000, 20_000), "f"), chunks=(1_000, 20_000), compression=9)


def _twice_compressed(group):
    """A piece that unpacks to 50 MB, where its header claims 400 KB."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((100_000,))
    layout.set_deflate(9)
    array = h5py.h5d.create(group.id, b"0", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((100_000,)), layout)
    array.write_direct_chunk((0,), zlib.compress(bytes(50 * KIB * KIB), 9))


def _large_piece(group):
    """One number, in a piece of 8 GB."""
    group.create_dataset("0", (1,), "f", chunks=(2_000_000_000 // 4,), maxshape=(None,))


def _texts(group):
    """Many texts that are the same one."""
    group.create_dataset("0", (100_000,), h5py.string_dtype(), chunks=(100_000,), fillvalue="x" * 60_000)


def _wide_type(group):
    group.create_dataset("0", (1_000,), np.dtype(("f4", (1_000_000,))), chunks=(10,))


def _same_array(group):
    group["0"] = np.zeros(200_000, "f")
    for number in range(1, 2_000):
        group[str(number)] = group["0"]


def _circle(group):
    group["again"] = group.parent


def _many_layers(group):
    for number in range(350):
        group.require_group(f"conv2d_{number}/vars")["0"] = np.zeros((1, 1, 1, 1), "f")


def _safetensors(header, path):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


def _many_empty(path):
    header = {f"m{i}.weight": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(13_000)}
    return _safetensors(header, path)


def _claiming(path):
    return _safetensors({"a": {"dtype": "F32", "shape": [2**31], "data_offsets": [0, 2**33]}}, path)


def _nested(path):
    return _safetensors(b"[" * (900 * KIB), path)


# -- models ----------------------------------------------------------------------------------------------------------


def _layer(kind, name, before, **fields):
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 8], "dtype": "float32"}}
    tensor["config"]["keras_history"] = [before, 0, 0]
    nodes = [{"args": [tensor], "kwargs": {}}] if before else []
    config = {"name": name, **fields}
    return {"module": "keras.layers", "class_name": kind, "config": config, "name": name, "inbound_nodes": nodes}


def _functional(*layers):
    last = layers[-1]["name"]
    config = {"name": "net", "layers": list(layers), "input_layers": ["i", 0, 0], "output_layers": [last, 0, 0]}
    kind = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}
    return {**kind, "config": config}


def model_file(path, config, arrays=None, compression=zipfile.ZIP_STORED):
    """A `.keras` file."""
    if arrays is None:
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            file.require_group("layers")
        arrays = content.getvalue()
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("metadata.json", json.dumps({"keras_version": keras.__version__, "date_saved": ""}))
        file.writestr("config.json", config if isinstance(config, str | bytes) else json.dumps(config))
        file.writestr("model.weights.h5", arrays)
    return path


INPUT = _layer("InputLayer", "i", None, batch_shape=[None, 8], dtype="float32")


def _wide_layer(path):
    return model_file(path, _functional(INPUT, _layer("Dense", "d", "i", units=10**9)))


def _wide_layers(path):
    wide = [_layer("Dense", f"d{i}", f"d{i - 1}" if i else "i", units=20_000) for i in range(10)]
    return model_file(path, _functional(INPUT, *wide))


def _many_keras_layers(path):
    many = [_layer("ReLU", f"d{i}", f"d{i - 1}" if i else "i") for i in range(3_000)]
    return model_file(path, _functional(INPUT, *many))


def _nested_config(path):
    return model_file(path, b'{"a":' * (150 * KIB) + b"1" + b"}" * (150 * KIB))


def _zeros(path):
    return model_file(path, " " * (270 * KIB * KIB), compression=zipfile.ZIP_DEFLATED)


def _array_bomb(path):
    with io.BytesIO() as content:
        with h5py.File(content, "w") as file:
            _unallocated(file.require_group("layers/dense/vars"))
        arrays = content.getvalue()
    return model_file(path, _functional(INPUT, _layer("Dense", "d", "i", units=3)), arrays)


def _vocabulary(path):
    """A layer that reads a file of the reader's."""
    layer = _layer("StringLookup", "d", "i", vocabulary="/etc/passwd")
    return model_file(path, _functional(INPUT, layer))


CASES = {
    "memo of 2^28 entries.pth": _memo,
    "tuples of tuples as keys.pth": _tuples,
    "numbers of one hash as keys.pth": _numbers,
    "a million lists.pth": _lists,
    "dictionaries, one inside the other.pth": _dictionaries,
    "lists that double.pth": _doubled,
    "a tensor of a million axes.pth": _axes,
    "a number of 7 million bits.pth": _long_number,
    "a number of 900,000 digits.pth": _long_digits,
    "one number for 10^10.pth": _broadcast,
    "one tensor 8,000 times.pth": _shared,
    "20,000 modules.pth": _many_modules,
    "20,000 state dicts.pth": _many_parts,
    "overlapping files.pth": _overlapping,
    "unallocated array.weights.h5": lambda path: _hdf5(_unallocated, path),
    "contiguous array.weights.h5": lambda path: _hdf5(_contiguous, path),
    "many arrays that claim.weights.h5": lambda path: _hdf5(_many_small_claims, path),
    "compressed zeros.weights.h5": lambda path: _hdf5(_compressed, path),
    "a piece that unpacks to more.weights.h5": lambda path: _hdf5(_twice_compressed, path),
    "a piece of 2 GB.weights.h5": lambda path: _hdf5(_large_piece, path),
    "a text 100,000 times.weights.h5": lambda path: _hdf5(_texts, path),
    "numbers of 4 MB each.weights.h5": lambda path: _hdf5(_wide_type, path),
    "one array 2,000 times.weights.h5": lambda path: _hdf5(_same_array, path),
    "a group in itself.weights.h5": lambda path: _hdf5(_circle, path),
    "350 layers.weights.h5": lambda path: _hdf5(_many_layers, path, "layers"),
    "13,000 empty tensors.safetensors": _many_empty,
    "8 GB in 100 bytes.safetensors": _claiming,
    "deep header.safetensors": _nested,
    "a layer of 10^9 units.keras": _wide_layer,
    "ten layers of 20,000 units.keras": _wide_layers,
    "3,000 layers.keras": _many_keras_layers,
    "deep configuration.keras": _nested_config,
    "270 MB of spaces.keras": _zeros,
    "unallocated array.keras": _array_bomb,
    "a vocabulary elsewhere.keras": _vocabulary,
}
"""By the name of the file, what writes it to a path."""
