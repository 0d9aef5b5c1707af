"""The range of pixels that a network was trained on, and what is far from it."""

import pytest

from builder.pictures.pixel_range import PixelRange, Ranges, is_far


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


def test_each_picture_is_judged_and_the_first_are_named():
    ranges = Ranges(PixelRange(100, 110))
    for number in range(50):
        ranges.add(f"{number}.png", PixelRange(100, 110))
        if number < 5:
            ranges.add(f"bright {number}", PixelRange(0, 201 + number))
    ranges.add("dim\n", PixelRange(100, 101))
    rest = "and the network was trained on pixels from 100 to 110; scale them alike, or what it predicts means little"
    assert list(ranges.warnings()) == [
        f"the pixels of 5 of 56 pictures (bright 0, bright 1, bright 2, and 2 more) are from 0 to 205, {rest}",
        f"the pixels of 1 of 56 pictures (dim\\n) are from 100 to 101, {rest}",
    ]
    assert not list(Ranges(PixelRange(0, 255)).warnings())
