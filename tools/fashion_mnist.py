"""Puts Fashion-MNIST, as Debian's package dataset-fashion-mnist has it, into one .npz file that a spec can name.

python tools/fashion_mnist.py
python tools/fashion_mnist.py --source fashion-mnist --out data/fashion_mnist.npz

60,000 + 10,000 grey pictures of clothes, 28x28, of ten classes (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747). `apt-get
install dataset-fashion-mnist` brings the four files; every other copy of them will do.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import argparse
import gzip
from pathlib import Path

import numpy as np

from archspec import cli
from archspec.errors import file_problem
from builder.system.files import replacing

SOURCE = "/usr/share/datasets/fashion-mnist"
PARTS = {"train": "train", "test": "t10k"}
MAGIC = {3: 0x803, 1: 0x801}
"""The first four bytes of an IDX file of uint8, by the number of its dimensions."""


def read_idx(path: Path, rank: int) -> np.ndarray:
    """The array of an IDX file (LeCun, Cortes, Burges: the MNIST database), compressed with gzip."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise file_problem(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    shape = tuple(int(size) for size in np.frombuffer(content[4 : 4 + 4 * rank], ">u4"))
    if content[:4] != MAGIC[rank].to_bytes(4, "big") or len(content) != 4 + 4 * rank + int(np.prod(shape)):
        raise file_problem(path, f"is no IDX file of {rank} dimensions, or a part of one")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path(SOURCE), metavar="DIR", help=f"default: {SOURCE}")
    parser.add_argument("--out", type=Path, default=Path("data/fashion_mnist.npz"), metavar="FILE")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        arrays = {}
        for part, file in PARTS.items():
            arrays[f"x_{part}"] = read_idx(args.source / f"{file}-images-idx3-ubyte.gz", 3)
            arrays[f"y_{part}"] = read_idx(args.source / f"{file}-labels-idx1-ubyte.gz", 1)
        with replacing(args.out) as temporary:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as out:
                np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
        print(f"saved {args.out}: {len(arrays['x_train']):,} + {len(arrays['x_test']):,} pictures")


if __name__ == "__main__":
    main()
