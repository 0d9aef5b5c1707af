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


REST = "and the network was trained on pixels from 100 to 110; scale them alike, or what it predicts means little"


def test_each_picture_is_judged_and_the_first_are_named():
    ranges = Ranges(PixelRange(100, 110), 105)
    for number in range(50):
        ranges.add(f"{number}.png", PixelRange(100, 110))
        if number < 5:
            ranges.add(f"bright\n{number}", PixelRange(0, 201 + number))
    assert list(ranges.warnings()) == [
        "the pixels of 5 of 55 pictures (bright\\n0, bright\\n1, bright\\n2, and 2 more) are from 0 to 205, " + REST
    ]
    assert not list(Ranges(PixelRange(0, 255)).warnings())


@pytest.mark.parametrize(("darkest", "is_said"), [(0, False), (40, False), (63, False), (64, True), (255, True)])
def test_a_dark_picture_is_far_only_from_pictures_none_of_which_is_nearly_as_dark(darkest, is_said):
    ranges = Ranges(PixelRange(0, 255), darkest)
    ranges.add("usual", PixelRange(0, 255))
    ranges.add("dim", PixelRange(0, 16))
    found = list(ranges.warnings())
    assert [line.partition(" are ")[0] for line in found] == ["the pixels of 1 of 2 pictures (dim)"] * is_said


def test_pictures_all_of_which_are_dark_are_pointed_out_together():
    ranges = Ranges(PixelRange(0, 255))
    for name in ("a", "b"):
        ranges.add(name, PixelRange(0, 16))
    (line,) = ranges.warnings()
    assert line.startswith("the pixels of all pictures together are from 0 to 16, ")
