"""Evaluating runs: the result of each, the ensemble of several, and files with the details.

Opening runs imports no TensorFlow, so that a mistake in their names is reported at once.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archspec import Problem, load
from archspec.errors import UserError, argument_problem, file_problem, problem_at
from archspec.recipe.data import OnCorrupt
from archspec.spec.addresses import address
from archspec.spec.overrides import parse_assignments
from builder.evaluation.scheme import Crops, Scheme
from builder.runs.names import SPEC
from builder.runs.run import Run, open_run
from builder.system.terminal import Say

if TYPE_CHECKING:
    from builder.data import Data
    from builder.evaluation.result import Evaluation
    from builder.evaluation.scoring import Scores

RunOrPath = str | os.PathLike[str] | Run


def evaluate(
    runs: RunOrPath | Sequence[RunOrPath],
    scheme: Scheme | Crops = "centre",
    out: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
    data: str | os.PathLike[str] | None = None,
    on_corrupt: OnCorrupt = "error",
    explain: bool = False,
) -> Evaluation:
    """Tests runs on the validation pictures of their data; several runs are an ensemble.

    The files are `evaluation.json`, `classes.csv`, `confusion.csv` and `.png`, `pictures.csv` and `mistakes.png`. For
    several runs they describe the mean of the class probabilities.

    Args:
        runs: a run or its directory, or several of them with the same data and classes. Of a search, it is the best
            trial.
        scheme: the views of each picture whose probabilities are averaged: `centre`, `ten`, `grid` or `dense` crops, or
            a `Scheme`, which also has scales.
        out: where files go, by default `evaluation/<scheme>/` in the directory of the run. For several runs no files
            are written by default.
        data_dir: where TFDS keeps prepared data sets.
        say: called with the tables.
        data: a folder or `.npz` file with other pictures of the same classes, instead of the run's own; needed for a
            run of imported weights, which has none. Of data without parts, all are tested on.
        on_corrupt: with `data`, whether pictures of a folder that cannot be decoded are an error, or left out (`skip`).
        explain: whether to draw `mistakes_explained.png` too: which parts of a picture spoke for the wrong class. For
            one run only.

    Raises:
        UserError: a directory that is not a finished run, data that cannot be loaded or have changed since the
            training, runs that differ in data or classes, a scheme that does not fit the network, or files that cannot
            be written.
    """
    opened = open_runs(runs)
    if on_corrupt == "skip" and data is None:
        raise argument_problem(
            "--on-corrupt", "is for pictures that --data names; the spec of a run has on_corrupt for its own"
        )
    scheme = scheme if isinstance(scheme, Scheme) else Scheme(scheme)
    from builder.evaluation import explained, report

    directory = report.directory_of(opened, scheme, out)
    target = explained.target_of_runs(opened, directory) if explain else None
    for run in opened:
        if run.note:
            say(run.note)
    scores, tested = _all_scores(opened, scheme, _Other(data, on_corrupt), data_dir, say)
    evaluation = _evaluation(opened, scores, directory)
    resizing = opened[0].recipe.resizing
    try:
        say(report.headline(evaluation, tested, scheme, resizing))
        say(report.result_table([*evaluation.members.items(), *evaluation.ensemble.items()]))
        for line in report.gains(evaluation):
            say(line)
        say(report.macro_line(evaluation.macro))
        say("\n" + report.class_table(evaluation.classes))
    finally:  # the files are written even if a pipe takes no more lines
        if directory is not None:
            report.write(directory, evaluation, opened, scheme, tested, resizing)
    if directory is None:
        say("\nno files were written: name a directory for them with --out")
        return evaluation
    files = list(report.FILES)
    if target is not None and explained.draw(directory, evaluation, opened[0], target, tested, resizing):
        files.append(explained.FILE)
    say(f"\nsaved {directory}/: {' '.join(files)}")
    return evaluation


# -- runs that can be evaluated together -----------------------------------------------------------------------------


def open_runs(runs: RunOrPath | Sequence[RunOrPath], assignments: Sequence[str] = ()) -> list[Run]:
    """Opens runs that can be evaluated together, with `--set` arguments applied to their specs.

    Raises:
        UserError: a directory that is not a finished run or is named twice, data or classes that differ, or an
            assignment that changes the network.
    """
    overrides = parse_assignments(assignments)
    opened: list[Run] = []
    problems: list[Problem] = []
    for one in runs if isinstance(runs, Sequence) and not isinstance(runs, str) else [runs]:
        try:
            run = one if isinstance(one, Run) else open_run(one)
            opened.append(_changed(run, overrides) if overrides else run)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    if not opened:
        raise argument_problem("runs", "is empty; name the directory of at least one run")
    _check_together(opened)
    return opened


def _changed(run: Run, overrides: Mapping[str, Any]) -> Run:
    """The run with another spec of the same network."""
    spec = load(run.directory / SPEC, overrides)
    if spec.graph != run.spec.graph:
        raise argument_problem(
            "--set", f"changes the network of {run.directory}, which is trained; set train fields only"
        )
    return dataclasses.replace(run, spec=spec)


def _check_together(opened: Sequence[Run]) -> None:
    first = opened[0]
    seen: set[Path] = set()
    for run in opened:
        if run.directory.resolve() in seen:
            raise file_problem(run.directory, "is named twice; an ensemble consists of different runs")
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
        raise file_problem(run.directory, f"{message}; the runs of an ensemble need the same data and classes")


def _differing_classes(mine: Sequence[str], theirs: Sequence[str], other: Path) -> str:
    if len(mine) != len(theirs):
        return f"has {len(mine):,} classes, and {other} has {len(theirs):,}"
    number = next(number for number, pair in enumerate(zip(mine, theirs, strict=True)) if pair[0] != pair[1])
    return f"has '{mine[number]}' as class {number}, and {other} has '{theirs[number]}'"


# -- probabilities and metrics -----------------------------------------------------------------------------------------


class _Other(NamedTuple):
    """The data that a call names instead of the runs' own.

    Attributes:
        path: a folder or file; None for the runs' own.
        on_corrupt: see `data_to_test`.
    """

    path: str | os.PathLike[str] | None
    on_corrupt: OnCorrupt


def _all_scores(
    opened: Sequence[Run], scheme: Scheme, other: _Other, data_dir: Any, say: Say
) -> tuple[list[Scores], Data]:
    """The scores of every run on the same validation pictures, and the data of the first."""
    loaded: dict[Any, Data] = {}
    scores: list[Scores] = []
    for run in opened:
        scores.append(_scores(run, _data(run, loaded, other, data_dir, say), scheme))
        if not (scores[-1].labels == scores[0].labels).all():
            raise file_problem(run.directory, f"has other validation pictures than {opened[0].directory}")
    return scores, next(iter(loaded.values()))


def _data(run: Run, loaded: dict[Any, Data], other: _Other, data_dir: Any, say: Say) -> Data:
    """The data of a run, loaded once for all runs that share them. If a path or `--set` names other data, those are
    loaded."""
    from builder.data import load_data
    from builder.data.testing import data_to_test
    from builder.pictures.pixel_range import is_far, warning

    recipe, shape = run.recipe, run.spec.graph.input.shape
    key = recipe.data, shape
    if key not in loaded:
        if other.path is not None:
            data = data_to_test(other.path, shape, run.about.class_names, say, other.on_corrupt)
        elif recipe.data == open_run(run.directory).recipe.data:
            data = run.data(data_dir, say)
        else:
            where = address(run.spec, "train", "data")
            data = load_data(recipe.data, shape, data_dir, where, say)
            if data.class_names != run.about.class_names:
                message = _differing_classes(data.class_names, run.about.class_names, run.directory)
                raise problem_at(where, f"{data.name} {message}")
        if is_far(data.pixel_range, run.about.pixel_range):
            say(warning(data.name, data.pixel_range, run.about.pixel_range))
        loaded[key] = data
    return loaded[key]


def _scores(run: Run, data: Data, scheme: Scheme) -> Scores:
    """The scores of a run, whose model is released afterwards."""
    import keras
    import tensorflow as tf

    from builder.data import unreadable
    from builder.evaluation.scoring import score

    run = dataclasses.replace(run)  # a copy, so that the cached model is released with it
    try:
        return score(run.model, run.spec.graph, run.about.normalisation, data, run.recipe, scheme)
    except tf.errors.OpError as problem:
        raise unreadable(data, problem) from problem
    finally:
        keras.backend.clear_session()


def _evaluation(opened: Sequence[Run], scores: Sequence[Scores], directory: Path | None) -> Evaluation:
    from builder.evaluation.metrics import Metrics, mean_of, metrics, vote
    from builder.evaluation.result import Evaluation

    labels, members = scores[0].labels, [one.log_probabilities for one in scores]
    smoothings = [run.recipe.label_smoothing for run in opened]
    results = {
        str(run.directory): metrics(labels, member, smoothing)
        for run, member, smoothing in zip(opened, members, smoothings, strict=True)
    }
    mean, ensemble = members[0], {}
    if len(members) > 1:
        mean = mean_of(members)
        ensemble = {
            "mean of probabilities": metrics(labels, mean, smoothings[0] if len(set(smoothings)) == 1 else 0.0),
            "majority vote": Metrics(len(labels), float((vote(members) == labels).mean()), None, None),
        }
    return Evaluation(results, ensemble, labels, mean, opened[0].about.class_names, directory)
