"""What is said of work that takes long: a line that is written over on a terminal, plain lines elsewhere."""

import sys

import pytest

from builder.system import terminal
from builder.system.terminal import watched


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances by three seconds whenever it is read."""
    times = iter(range(0, 1000, 3))
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(times))


BATCHES = [(range(256),)] * 9 + [(range(30),)]


def test_elsewhere_a_line_comes_from_time_to_time(clock):
    lines = []
    assert list(watched(BATCHES, 2334, "decoding", lines.append)) == BATCHES
    assert lines == ["decoding: 1,024 of 2,334", "decoding: 2,048 of 2,334"]


def test_on_a_terminal_a_line_is_written_over_and_goes(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert list(watched(BATCHES, 2334, "decoding", print)) == BATCHES
    *shown, blank, end = capsys.readouterr().out.split("\r")
    assert [text.strip() for text in shown][:3] == ["", "decoding: 256 of 2,334", "decoding: 512 of 2,334"]
    assert not blank.strip() and not end
