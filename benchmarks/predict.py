"""Predicting files against the least that reading them and running the network take at the same time.

Both are spread over all cores. Where the network alone keeps them busy, as on two cores, it cannot hide the time of
reading, and the least is the work of both divided by the cores; where cores are left over, it is the slower of the two.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_sample_images

import archspec
import builder
from archspec.recipe.resizing import Resizing
from benchmarks.measure import Ratio, Row, cost, overlapped, show
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.pictures.pixel_range import ANY
from builder.prediction.classifier import BATCH, Classifier, classify, reader
from builder.prediction.finding import Found, find
from builder.system.cpu import cores

PICTURES = 1000
ROUNDS = 5
SIZE = (375, 500)
"""Height and width of a typical ImageNet picture."""
NETWORKS = {"squeezenet1_0": PICTURES, "resnet18": 256}
"""The number of pictures in one measurement, by network."""


def run() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder))
        for name, count in NETWORKS.items():
            classifier = random_classifier(name)
            files = list(find([folder]))[:count]
            all_of = lambda files=files, classifier=classifier: sum(1 for _ in classify(classifier, files))  # noqa: E731
            parts = all_of, reading(classifier, files), network(classifier, count)
            for part in parts:
                part()
            rounds = [[cost(part) for part in parts] for _ in range(ROUNDS)]
            least = [overlapped(alone, cores()) for _, *alone in rounds]
            both, read, model = (statistics.median(one.seconds for one in part) for part in zip(*rounds, strict=True))
            rows.append(
                Row(
                    f"{name}, {count} JPEGs of {SIZE[1]}x{SIZE[0]}",
                    f"{count / both:.0f}/s",
                    f"{count / statistics.median(least):.0f}/s",
                    Ratio([best / one[0].seconds for best, one in zip(least, rounds, strict=True)]),
                    0.95,
                    f"alone: reading {count / read:.0f}/s, network {count / model:.0f}/s",
                )
            )
            keras.backend.clear_session()
    show("Prediction of files", rows, "least, overlapped")


def write_pictures(folder: Path) -> None:
    """Writes JPEGs that are crops of photographs."""
    photographs = load_sample_images().images
    generator = np.random.default_rng(0)
    for number in range(PICTURES):
        top, left = generator.integers(0, 427 - SIZE[0]), generator.integers(0, 640 - SIZE[1])
        part = photographs[number % 2][top : top + SIZE[0], left : left + SIZE[1]]
        (folder / f"{number:04}.jpg").write_bytes(tf.io.encode_jpeg(part, quality=90).numpy())


def random_classifier(name: str) -> Classifier:
    """Makes a classifier from a network with its initial weights, in place of a run's model."""
    graph = archspec.load(f"specs/{name}.yaml").graph
    model = from_pixels(builder.build(graph, "portable"), Normalisation((120.0,) * 3, (60.0,) * 3))
    probabilities = tf.function(lambda pictures: tf.nn.softmax(model(pictures, training=False)))
    height, width, channels = graph.input.shape
    names = tuple(map(str, range(graph.output.shape[0])))
    return Classifier(
        (height, width, channels), Resizing(), names, ANY, lambda pictures: probabilities(pictures).numpy()
    )


def reading(classifier: Classifier, files: list[Found]) -> Callable[[], object]:
    """Decodes, resizes and crops the files, with one thread per core."""

    def run() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for _ in threads.map(reader(classifier), files):
                pass

    return run


def network(classifier: Classifier, count: int) -> Callable[[], object]:
    """Runs the network on pictures that are already in memory."""
    pictures = np.zeros((BATCH, *classifier.shape), np.uint8)
    return lambda: [classifier.probabilities(pictures[: min(BATCH, count - begin)]) for begin in range(0, count, BATCH)]
