"""Scikit-learn's handwritten digits as a TFDS data set: real pictures that need no download."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

CITATION = """\
@misc{alpaydin1998optical,
  author = {Alpaydin, E. and Kaynak, C.},
  title = {Optical Recognition of Handwritten Digits},
  year = {1998},
  howpublished = {UCI Machine Learning Repository},
  doi = {10.24432/C50P49},
}"""


class Digits(tfds.core.GeneratorBasedBuilder):
    """1,797 grey pictures of 8x8 pixels, uint8 with values from 0 to 16 (as the source counts ink), labels 0 to 9.

    Splits: with the pictures sorted by label, otherwise in the source's order, every fifth one from the first on is
    `test` (360), the others are `train` (1,437). Each class is so held out to a fifth, and nothing is drawn at random.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Scikit-learn's copy of the test part of UCI's Optical Recognition of Handwritten Digits.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://doi.org/10.24432/C50P49",
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        from sklearn.datasets import load_digits  # only preparing needs it, and importing takes a second

        digits = load_digits()
        pictures = digits.images.astype(np.uint8)[..., np.newaxis]
        held_out = np.zeros(len(pictures), bool)
        held_out[np.argsort(digits.target, kind="stable")[::5]] = True
        return {
            "train": self._generate_examples(pictures, digits.target, ~held_out),
            "test": self._generate_examples(pictures, digits.target, held_out),
        }

    def _generate_examples(
        self, pictures: np.ndarray, labels: np.ndarray, chosen: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for index in np.flatnonzero(chosen):
            yield int(index), {"image": pictures[index], "label": int(labels[index])}
