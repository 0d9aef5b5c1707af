"""The lines of a search fit into a terminal of 80 columns."""

from hypothesis import given
from hypothesis import strategies as st

from builder.sweep.console import WIDTH, in_lines


def test_a_line_that_is_too_long_goes_on_in_the_next():
    parts = [
        "120 of 200 trials done",
        "3 failed",
        "16 running",
        "best val_top5_accuracy 0.9806 (0113)",
        "ETA 2 d 04:00",
    ]
    assert in_lines(parts[:1]) == parts[0]
    assert in_lines(parts) == (
        "120 of 200 trials done  3 failed  16 running\n  best val_top5_accuracy 0.9806 (0113)  ETA 2 d 04:00"
    )


@given(st.lists(st.text("ab ", min_size=1, max_size=70), min_size=1))
def test_no_line_fills_the_terminal(parts):
    lines = in_lines(parts).split("\n")
    assert max(map(len, lines)) <= WIDTH
    assert "".join(lines).replace(" ", "") == "".join(parts).replace(" ", "")
