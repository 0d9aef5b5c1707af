"""A search that tests of several folders look at."""

import pytest

import archspec
import builder
from tests.builder.sweep.searches import write


@pytest.fixture(scope="session")
def finished(tmp_path_factory, forked_servers):
    """A search that ran to its end undisturbed: its spec, directory, results and lines of progress."""
    folder = tmp_path_factory.mktemp("finished")
    spec, said = write(folder), []
    found = builder.tune(archspec.load(spec), folder / "search", say=said.append)
    return spec, folder / "search", found, said
