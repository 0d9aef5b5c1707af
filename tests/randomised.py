"""How tests with random inputs run: with the same inputs every time in `make test`, with new ones in `make fuzz`.

An input that `make fuzz` finds to fail is pinned to its test with `@example`, so that `make test` keeps it.
"""

import os

from hypothesis import HealthCheck, settings

FUZZ = int(os.environ.get("FUZZ", "0"))
"""How many times as many inputs as in `make test` to try, new ones in each run; 0 for those of `make test`."""

settings.register_profile(
    "convspec",
    derandomize=not FUZZ,
    database=settings.default.database if FUZZ else None,  # failures found before would come first
    deadline=None,  # machines differ in speed
    print_blob=bool(FUZZ),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("convspec")


def examples(count: int) -> settings:
    """Settings of a test that tries `count` inputs in `make test`."""
    return settings(max_examples=count * max(FUZZ, 1))
