"""Fixtures of several folders: a process that is killed, and runs that were really trained."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from archspec import load

ROOT = Path(__file__).parents[2]
PHOTOS = """
name: photos
model:
  input: [16, 16, 3]
  layers:
    - conv: {{filters: 8, kernel: 3, stride: 2, padding: symmetric, norm: batch, activation: relu}}
    - max_pool: {{size: 3, stride: 2, padding: 1}}
    - flatten
    - dense: {{units: 16, activation: relu}}
    - dropout: 0.1
    - dense: 2
train:
  data: {{folder: {{path: "{folder}", validation: 0.3}}}}
  batch_size: 8
  epochs: 3
  learning_rate: 0.02
  label_smoothing: 0.1
"""


@pytest.fixture(scope="session")
def killed(tmp_path_factory):
    """Runs a function in its own process until a given moment; returns its status and what it printed."""
    outputs = tmp_path_factory.mktemp("outputs")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, str(ROOT / "tests/builder/training/killed.py")]

    def killed(spec, run_dir, data_dir, when="never", number=0):
        output = outputs / f"{len(list(outputs.iterdir()))}.txt"
        task = [*map(str, (spec, run_dir, data_dir)), when, number, str(output)]
        print(json.dumps(task), file=process.stdin, flush=True)
        return int(process.stdout.readline()), output.read_text()

    with subprocess.Popen(command, env=environment, **pipes) as process:
        yield killed
        process.stdin.close()


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    """A cache of facts about files that is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def runs(tmp_path_factory, session_cache):
    """`photos/`, JPEGs of many sizes, and run directories `one`, `two` and `photo_run`."""
    from builder.training.trainer import train  # TensorFlow, which not all tests here need

    root = tmp_path_factory.mktemp("runs")
    generator = np.random.default_rng(0)
    for name, photograph in zip(("china", "flower"), load_sample_images().images, strict=True):
        (root / "photos" / name).mkdir(parents=True)
        for number in range(30):
            height, width = generator.integers(14, 60, 2)
            top, left = generator.integers(0, 427 - 2 * height), generator.integers(0, 640 - 2 * width)
            part = photograph[top : top + 2 * height : 2, left : left + 2 * width : 2]
            Image.fromarray(part).save(root / "photos" / name / f"{number:02}.jpg", quality=92)
    (root / "photos.yaml").write_text(PHOTOS.format(folder=root / "photos"))
    digits = load("specs/digits.yaml", {"n": 1, "width": 8, "train.epochs": 3})
    train(digits, root / "one", say=lambda line: None)
    other = load("specs/digits.yaml", {"n": 1, "width": 8, "train.epochs": 3, "train.seed": 1})
    train(other, root / "two", say=lambda line: None)
    train(load(root / "photos.yaml"), root / "photo_run", say=lambda line: None)
    return root
