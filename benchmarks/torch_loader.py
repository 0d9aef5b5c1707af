"""Reads a folder of pictures with torchvision once per line on stdin: python torch_loader.py FOLDER WORKERS BATCH
EPOCHS CROP. Needs torch and torchvision, but nothing of this project."""

from __future__ import annotations

import sys


def main(folder: str, workers: int, batch: int, epochs: int, crop: int) -> None:
    try:
        from torch.utils.data import DataLoader
        from torchvision.datasets import ImageFolder
        from torchvision.transforms import v2
    except (ImportError, RuntimeError):  # the latter if their versions do not match
        print("not installed", flush=True)
        return
    transform = v2.Compose([v2.RandomResizedCrop(crop), v2.RandomHorizontalFlip(), v2.PILToTensor()])
    loader = DataLoader(
        ImageFolder(folder, transform), batch, True, num_workers=workers, drop_last=True, persistent_workers=True
    )
    print("ready", flush=True)
    for _ in sys.stdin:
        for _ in range(epochs):
            for _ in loader:
                pass
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
