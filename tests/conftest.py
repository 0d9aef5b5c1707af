"""What all tests need, and what tests of several folders share: runs that were really trained, and an export."""

import shutil
import signal

import pytest

import builder  # noqa: F401  # before any test module imports TensorFlow, which it tells what to use
import tests.randomised  # noqa: F401  # the profile that all tests with random inputs have
from archspec import load
from tests.processes import ROOT, process

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with Ctrl-C ignored, which the tests' processes would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)

DIGITS = ROOT / "specs" / "digits.yaml"
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


def pytest_collection_modifyitems(items):
    """Runs the longest tests first, so that none is left to one worker at the end."""
    items.sort(key=lambda item: "slow" not in item.keywords)


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    """A cache of facts about files, away from the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory):
    """The directory of a short run on the digits, which no test changes."""
    # Imported here, as the tests of archspec need neither TensorFlow nor the data.
    from builder.training.trainer import train

    directory = tmp_path_factory.mktemp("runs") / "short"
    train(load(DIGITS, {"n": 1, "width": 8, "train.epochs": 3}), directory, say=lambda line: None)
    return directory


@pytest.fixture(scope="session")
def exported(run_dir, tmp_path_factory):
    """The folder of a network's exports, with one of all formats in it, and what the command printed."""
    out = tmp_path_factory.mktemp("exports") / "digits"
    formats = ["saved_model", "saved_model-bfloat16", "keras", "onnx", "litert"]
    return out, process(ROOT / "tools" / "export.py", run_dir, "--format", *formats, "--out", out)


@pytest.fixture(scope="session")
def runs(tmp_path_factory, session_cache, run_dir):
    """`photos/`, JPEGs of many sizes, and run directories `one`, `two` and `photo_run`."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    from builder.training.trainer import train

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
    shutil.copytree(run_dir, root / "one")
    other = load(DIGITS, {"n": 1, "width": 8, "train.epochs": 3, "train.seed": 1})
    train(other, root / "two", say=lambda line: None)
    train(load(root / "photos.yaml"), root / "photo_run", say=lambda line: None)
    return root
