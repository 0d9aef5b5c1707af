"""Evaluating runs: each one's result, the ensemble of several, and the files that say more.

Opening runs needs no TensorFlow, so that a mistake in their names is told at once.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import Problem, SpecError, load
from archspec.errors import file_problem
from archspec.ops.base import show
from archspec.recipe import Train
from archspec.spec.overrides import parse_assignments
from archspec.wording import counted
from builder.runs.run import Run, open_run

if TYPE_CHECKING:
    import numpy as np

    from builder.data import Data
    from builder.evaluation.metrics import Metrics
    from builder.evaluation.scheme import Scheme
    from builder.evaluation.scoring import Scored

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result.

    Attributes:
        members: of each run, by its directory.
        ensemble: of several runs, `mean of probabilities` and `majority vote`; else empty.
        labels: int64 (pictures,).
        log_probabilities: (pictures, classes), of the run, or of the ensemble's mean.
        directory: where the files are; None where none were written.
    """

    members: Mapping[str, Metrics]
    ensemble: Mapping[str, Metrics]
    labels: np.ndarray
    log_probabilities: np.ndarray
    directory: Path | None


def open_runs(directories: Sequence[str], assignments: Sequence[str] = ()) -> list[Run]:
    """Runs that can be evaluated together, with `--set` arguments applied to their specs.

    Raises:
        SpecError: a directory that is no finished run, or is named twice; data or classes that differ; an assignment
            that changes the network.
    """
    overrides = parse_assignments(assignments)
    opened: list[Run] = []
    problems: list[Problem] = []
    for directory in directories:
        try:
            run = open_run(directory)
            opened.append(_changed(run, overrides) if overrides else run)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    _check_together(opened)
    return opened


def _changed(run: Run, overrides: Mapping[str, Any]) -> Run:
    """The run with another spec, of the same network."""
    spec = load(run.directory / "spec.yaml", overrides)
    if spec.graph != run.spec.graph:
        raise file_problem("--set", f"changes the network of {run.directory}, which is trained; set train fields only")
    return dataclasses.replace(run, spec=spec)


def _check_together(opened: Sequence[Run]) -> None:
    first = opened[0]
    seen: set[Path] = set()
    for run in opened:
        if run.directory.resolve() in seen:
            raise file_problem(run.directory, "is named twice; an ensemble is of different runs")
        seen.add(run.directory.resolve())
        mine, theirs = run.about, first.about
        if mine.class_names != theirs.class_names:
            message = _differing_classes(mine.class_names, theirs.class_names, first.directory)
        elif (mine.name, mine.validation_count) != (theirs.name, theirs.validation_count) or (
            run.spec.graph.input.shape == first.spec.graph.input.shape and mine.fingerprint != theirs.fingerprint
        ):
            message = (
                f"was trained on {mine.name} ({mine.train_count:,} + {mine.validation_count:,} pictures), and "
                f"{first.directory} on {theirs.name} ({theirs.train_count:,} + {theirs.validation_count:,} pictures)"
                + ("; their fingerprints differ" if mine.name == theirs.name else "")
            )
        else:
            continue
        raise file_problem(run.directory, f"{message}; an ensemble's runs have the same data and classes")


def _differing_classes(mine: Sequence[str], theirs: Sequence[str], other: Path) -> str:
    if len(mine) != len(theirs):
        return f"tells {len(mine):,} classes apart, and {other} {len(theirs):,}"
    number = next(number for number, pair in enumerate(zip(mine, theirs, strict=True)) if pair[0] != pair[1])
    return f"has '{mine[number]}' as class {number}, and {other} '{theirs[number]}'"


def evaluate(
    opened: Sequence[Run],
    scheme: Scheme,
    out: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
) -> Evaluation:
    """Tests runs on their validation pictures, and says and writes how good they are.

    The directory gets `evaluation.json`, `classes.csv`, `confusion.csv` and `.png`, `pictures.csv` and `mistakes.png`:
    of the run, or of several the ensemble's mean.

    Args:
        opened: from `open_runs`.
        scheme: the views of each picture to average over.
        out: where files go; by default `evaluation/<scheme>/` in the directory of the run, and of several nowhere.
        data_dir: where TFDS keeps prepared data sets.
        say: takes the tables.

    Raises:
        SpecError: data that cannot be loaded or changed since, a damaged model, a scheme that does not fit the network,
            or files that cannot be written.
    """
    from builder.evaluation import files, report
    from builder.evaluation import metrics as numbers

    directory = files.directory_of(opened, scheme, out)
    loaded: dict[Any, Data] = {}
    scores: list[Scored] = []
    for run in opened:
        scores.append(_scored(run, _data(run, loaded, data_dir, say), scheme))
        if not (scores[-1].labels == scores[0].labels).all():
            raise file_problem(run.directory, f"has other validation pictures than {opened[0].directory}")
    recipes = [recipe_of(run) for run in opened]
    labels, members = scores[0].labels, [one.log_probabilities for one in scores]
    results = {
        str(run.directory): numbers.metrics(labels, member, recipe.label_smoothing)
        for run, member, recipe in zip(opened, members, recipes, strict=True)
    }
    data, names = next(iter(loaded.values())), opened[0].about.class_names
    mean, ensemble = members[0], {}
    if len(members) > 1:
        mean = numbers.mean_of(members)
        smoothing = recipes[0].label_smoothing if len({one.label_smoothing for one in recipes}) == 1 else 0.0
        voted = float((numbers.vote(members) == labels).mean())
        ensemble = {
            "mean of probabilities": numbers.metrics(labels, mean, smoothing),
            "majority vote": numbers.Metrics(len(labels), voted, None, None),
        }
    tested = described(scheme, data.shape, recipes[0].eval_resize)
    matrix = numbers.confusion(labels, mean.argmax(1), len(names))
    try:
        say(f"{data.name}: {counted(len(labels), 'validation picture')}, {len(names):,} classes, {tested}")
        say(report.result_table([*results.items(), *ensemble.items()]))
        for line in _gains(results, ensemble):
            say(line)
        say("\n" + report.class_table(numbers.by_class(matrix, names)))
    finally:  # also where a pipe takes no more lines
        if directory is not None:
            files.write(directory, opened, scheme, results, ensemble, labels, mean, data, recipes[0].eval_resize)
    if directory is None:
        say("\nfiles of an ensemble are written where --out says")
    else:
        say(f"\nsaved {directory}/: {' '.join(files.NAMES)}")
    return Evaluation(results, ensemble, labels, mean, directory)


def _gains(results: Mapping[str, Metrics], ensemble: Mapping[str, Metrics]) -> Iterator[str]:
    """What an ensemble gains over the best of its members, in words."""
    best = max(results, key=lambda name: results[name].top1)
    for name, one in ensemble.items():
        yield f"{name}: {100 * (one.top1 - results[best].top1):+.2f} points over the best single run, {best}"


def described(scheme: Scheme, shape: tuple[int, ...], resize: int | None) -> str:
    """A scheme in words: `ten crops of 224x224, shorter side 256`."""
    size = show(shape[:2])
    if scheme.is_validation:
        return f"centre crop of {size}"
    sides = ", ".join(map(str, scheme.sides(shape, resize)))
    words = {"centre": "centre crop", "ten": "ten crops", "grid": "5x5 crops", "dense": "dense evaluation"}[
        scheme.crops
    ]
    if scheme.crops == "grid" and scheme.mirrors:
        words = "5x5 crops and mirror images"
    if scheme.crops == "ten" and not scheme.mirrors:
        words = "five crops"
    if scheme.crops == "dense":
        return f"{words}{' and mirror images' if scheme.mirrors else ''}, shorter side {sides}"
    return f"{words} of {size}, shorter side {sides}"


def _data(run: Run, loaded: dict[Any, Data], data_dir: Any, say: Say) -> Data:
    """The data of a run, loaded once for all runs of the same; where --set chose others, those."""
    from archspec.spec.addresses import address
    from builder.data import load_data

    recipe, shape = recipe_of(run), run.spec.graph.input.shape
    key = recipe.data, shape
    if key not in loaded:
        if recipe.data == recipe_of(open_run(run.directory)).data:
            loaded[key] = run.data(data_dir, say)
        else:
            where = address(run.spec, "train", "data")
            loaded[key] = load_data(recipe.data, shape, data_dir, where, say)
            if loaded[key].class_names != run.about.class_names:
                message = _differing_classes(loaded[key].class_names, run.about.class_names, run.directory)
                raise SpecError([Problem(where, f"{loaded[key].name} {message}")])
    return loaded[key]


def recipe_of(run: Run) -> Train:
    """The `train` section, which every run has."""
    assert run.spec.train is not None
    return run.spec.train


def _scored(run: Run, data: Data, scheme: Scheme) -> Scored:
    """A run's result, its model freed afterwards."""
    import keras
    import tensorflow as tf

    from builder.data import unreadable
    from builder.evaluation.scoring import scored

    run = dataclasses.replace(run)  # its cached model goes with it
    try:
        return scored(run.model, run.spec.graph, run.about.normalisation, data, recipe_of(run), scheme)
    except tf.errors.OpError as problem:
        raise unreadable(data, problem) from None
    finally:
        keras.backend.clear_session()
