"""20,000 specs with mistakes that nobody would make: each is analysed or refused, in two seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archspec.fuzzer import CHANGES, failures

INPUTS, PARTS = 20_000, 4
"""They take about 30 seconds of processor time together."""


@pytest.mark.parametrize("part", range(PARTS))
def test_no_input_ends_in_an_exception(part: int, tmp_path: Path) -> None:
    counts, failed = failures(part, INPUTS // PARTS, tmp_path / "spec.yaml")
    assert not failed, f"seed {part}: {len(failed)} failed; the first is {failed[0][0]}\n{failed[0][1]}"
    for kind in (*CHANGES, "overrides"):  # else the inputs would say nothing
        assert counts[f"{kind}, analysed"] and counts[f"{kind}, refused"]
