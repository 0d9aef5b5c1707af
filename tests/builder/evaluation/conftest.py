"""What is remembered about files is kept away from the user's."""

import pytest


@pytest.fixture(autouse=True)
def cache(session_cache):
    """The session's own, for every test here."""
