"""The range of pixels that a network was trained on, and what is far from it."""

import pytest

from builder.pictures.pixel_range import PixelRange, is_far


@pytest.mark.parametrize(
    ("seen", "trained", "expected"),
    [
        ((0, 255), (0, 255), False),
        ((0, 255), (12, 240), False),
        ((60, 90), (0, 255), False),  # a picture of little contrast
        ((0, 0), (0, 255), False),  # a blank one
        ((0, 1), (0, 255), True),  # scaled to 0 to 1
        ((0, 16), (0, 255), True),  # scikit-learn's digits
        ((0, 255), (0, 16), True),
        ((0, 200), (0, 1), True),
        ((0, 40), (200, 250), True),
        ((0, 60), (0, 40), False),
    ],
)
def test_what_is_outside_by_more_than_the_width_or_at_the_dark_end_alone_is_far(seen, trained, expected):
    assert is_far(PixelRange(*seen), PixelRange(*trained)) == expected
