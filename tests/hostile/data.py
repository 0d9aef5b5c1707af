"""`.npz` files of data that claim gigabytes."""

import io
import zipfile

import numpy as np


def _header(shape, kind="|u1"):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": kind, "fortran_order": False, "shape": shape})
    return out.getvalue()


def _npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, parts in members.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                for part in parts:
                    member.write(part)
    return path


def _zeros(count):
    return (bytes(min(1 << 22, count - start)) for start in range(0, count, 1 << 22))


def _labels(count):
    return [_header((count,), "<i8"), np.arange(count, dtype="<i8").tobytes()]


def _compressed(path):
    """300 MB of black pictures in 300 KB."""
    count = 100
    return _npz(path, x=[_header((count, 1000, 1000, 3)), *_zeros(count * 3_000_000)], y=_labels(count))


def _header_alone(path):
    return _npz(path, x=[_header((10_000, 1000, 1000, 3))], y=_labels(10))


def _long_texts(path):
    many = [_header((1000,), "<U100000"), *_zeros(1000 * 400_000)]
    return _npz(path, x=[_header((10, 8, 8, 3)), *_zeros(1920)], y=_labels(10), class_names=many)


def _wide_type(path):
    return _npz(path, x=[_header((10,), "|V2000000000")], y=_labels(10))


CASES = {
    "300 MB of black pictures.npz": _compressed,
    "30 GB of pictures in a header.npz": _header_alone,
    "400 MB of names.npz": _long_texts,
    "pictures of 2 GB each.npz": _wide_type,
}
"""By the name of the file, what writes it to a path."""
