"""Takes a training step of a torchvision model once per line on stdin: python torch_step.py MODEL BATCH PRECISION.
Needs torch and torchvision, but nothing of this project."""

from __future__ import annotations

import sys


def main(name: str, batch: int, precision: str) -> None:
    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError):  # the latter if their versions do not match
        print("not installed", flush=True)
        return
    model = getattr(torchvision.models, name)().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    pictures = torch.randn(batch, 3, 224, 224).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 1000, (batch,))
    print("ready", flush=True)
    for _ in sys.stdin:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "mixed_bfloat16"):
            loss = torch.nn.functional.cross_entropy(model(pictures), labels)
        loss.backward()
        optimizer.step()
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
