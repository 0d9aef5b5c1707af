"""Files as `torch.save` writes them, made without PyTorch."""

import pickle
import zipfile

import numpy as np

from builder.weights.torch_files import read_checkpoint


def plain(value):
    """The opcodes that push a value of plain types."""
    return pickle.dumps(value, 2)[2:-1]


def named(module, word):
    return f"c{module}\n{word}\n".encode()


def tuple_of(*parts):
    return b"(" + b"".join(parts) + b"t"


def call(function, *arguments):
    return function + tuple_of(*arguments) + b"R"


def storage(kind="FloatStorage", key="0", count=4):
    return tuple_of(plain("storage"), named("torch", kind), plain(key), plain("cpu"), plain(count)) + b"Q"


def tensor(offset=0, size=(4,), stride=(1,), **options):
    parts = (storage(**options), plain(offset), plain(size), plain(stride), plain(False), plain({}))
    return call(named("torch._utils", "_rebuild_tensor_v2"), *parts)


def save(path, data, compression=zipfile.ZIP_STORED, **others):
    """A file with this pickle, and one storage of 0, 1, 2, 3."""
    content = {"data.pkl": data, "data/0": np.arange(4, dtype="<f4").tobytes(), **others}
    with zipfile.ZipFile(path, "w", compression) as file:
        for key, value in content.items():
            file.writestr(f"archive/{key}", value)
    return path


def save_checkpoint(path, content):
    """A file with dictionaries, plain values and arrays, which become tensors, as of `torch.save(content, path)`."""
    storages = {}

    def pushed(value):
        if isinstance(value, dict):
            items = b"".join(plain(key) + pushed(item) for key, item in value.items())
            return b"}(" + items + b"u"
        if not isinstance(value, np.ndarray):
            return plain(value)
        key = str(len(storages) + 1)
        storages[f"data/{key}"] = value.tobytes()
        kind = {"float32": "FloatStorage", "int64": "LongStorage"}[value.dtype.name]
        stride = tuple(step // value.itemsize for step in value.strides)
        return tensor(size=value.shape, stride=stride, kind=kind, key=key, count=value.size)

    data = b"\x80\x02" + pushed(content) + b"."
    return save(path, data, **storages)


def read_state_dict(path):
    """The state dict of a file that has one."""
    checkpoint = read_checkpoint(path)
    return checkpoint.parts[checkpoint.default]
