"""The cache of facts about files is kept away from the user's own."""

import pytest


@pytest.fixture(autouse=True)
def cache(session_cache):
    """The cache of the session, for every test here."""
