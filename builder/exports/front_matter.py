"""The front matter of a model card, as the Hugging Face Hub reads it
(https://github.com/huggingface/hub-docs/blob/main/modelcard.md).

A dataset's name on the Hub is given where it is known. No license is claimed, as only the owner knows which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from archspec.recipe.data import Tfds
from builder.exports.formats import FORMATS
from builder.runs.evaluations import Evaluated
from builder.runs.run import Run

TASK = "image-classification"
LIBRARY = "keras"
"""The library with which the Hub shows how to load a model, where its file is among the formats of an export."""
HUB_DATASETS = {
    "mnist": "ylecun/mnist",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "imagenet2012": "ILSVRC/imagenet-1k",
}
"""The names that data sets of tensorflow-datasets have on the Hub."""
ACCURACY = "accuracy"
"""The Hub's name of the metric."""
DIGITS = 6
"""The digits of an accuracy, from 0 to 1."""


def front_matter(
    run: Run, formats: Sequence[str], best: Mapping[str, float] | None, evaluated: Sequence[Evaluated]
) -> str:
    """The YAML between the lines `---`.

    Args:
        run: the run.
        formats: the formats of the export.
        best: the row of `metrics.csv` of the epoch that is exported; None if it is not known.
        evaluated: the evaluations of the run.
    """
    hub = None if run.is_imported else hub_dataset(run)
    tags = dict.fromkeys(["convspec", TASK, *(FORMATS[name].usage.tag for name in formats)])
    results = _results(run, hub, best, evaluated)
    library = {"library_name": LIBRARY} if LIBRARY in formats else {}
    content: dict[str, Any] = {**library, "pipeline_tag": TASK, "tags": list(tags)}
    if hub:
        content["datasets"] = [hub]
    if results:
        content["metrics"] = [ACCURACY]
        content["model-index"] = [{"name": run.spec.name, "results": results}]
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6)
    return f"---\n{text}---\n"


def hub_dataset(run: Run) -> str | None:
    """The name that the data set of a run has on the Hub; None if it is not known to be there."""
    source = run.recipe.data
    name = source.name.partition(":")[0].partition("/")[0] if isinstance(source, Tfds) else ""
    return HUB_DATASETS.get(name)


def _results(
    run: Run, hub: str | None, best: Mapping[str, float] | None, evaluated: Sequence[Evaluated]
) -> list[dict[str, Any]]:
    """The results of a model, for each data set that it was tested on."""
    by_data: dict[str, list[dict[str, Any]]] = {}
    own = run.about.name
    if best is not None:
        by_data[own] = [
            _metric(best["val_accuracy"], "Top-1 accuracy"),
            _metric(best["val_top5_accuracy"], "Top-5 accuracy"),
        ]
    for one in evaluated:
        metrics = by_data.setdefault(own if one.is_own else one.data, [])
        metrics.append(_metric(one.top1, f"Top-1 accuracy, {one.views}"))
        if one.top5 is not None:
            metrics.append(_metric(one.top5, f"Top-5 accuracy, {one.views}"))
    return [
        {
            "task": {"type": TASK, "name": "Image classification"},
            "dataset": {"type": hub if hub and name == own else name, "name": name, "split": "validation"},
            "metrics": metrics,
        }
        for name, metrics in by_data.items()
    ]


def _metric(value: float, name: str) -> dict[str, Any]:
    return {"type": ACCURACY, "value": round(value, DIGITS), "name": name}
