"""The directory of a search: one search in each, and resumed with the same spec only."""

import pytest

import archspec
import builder
from archspec.errors import FileError
from builder.runs.directory import locked


def test_one_search_in_a_directory(finished, tmp_path):
    spec, directory, _, _ = finished
    with locked(directory), pytest.raises(FileError, match="is in use"):
        builder.tune(archspec.load(spec), directory, resume=True)
    with pytest.raises(FileError, match="is not empty, and a search never overwrites another"):
        builder.tune(archspec.load(spec), directory)
    other = archspec.load(spec, {"search.budget.trainable_parameters": 1400})
    with pytest.raises(FileError, match=r"search\.budget\.trainable_parameters was 1500, is 1400"):
        builder.tune(other, directory, resume=True)
    bayesian = archspec.load(spec, {"search.tuner": "bayesian"})
    with pytest.raises(FileError, match="is a search with another tuner: it was random_search, is bayesian"):
        builder.tune(bayesian, directory, resume=True)
    with pytest.raises(archspec.SpecError, match="no training gives 'val_acuracy'; did you mean 'val_accuracy'"):
        builder.tune(archspec.load(spec, {"search.objective": {"name": "val_acuracy", "direction": "max"}}), tmp_path)
