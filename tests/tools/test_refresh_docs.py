"""`refresh_docs` updates the figures of the pages, and nothing else."""

import pytest

from tests.tools.refresh_docs import excerpt, main

FOUND = "digits: 2 pictures\nepoch  loss\n  1/3  0.91 *\n  2/3  0.52\n  3/3  0.37 *\nsaved it\n"


def test_only_what_is_shown_is_taken():
    shown = "digits: 1 pictures\nepoch  loss\n  1/9  1.0\n...\n  9/9  0.11\nsaved it\n"
    assert excerpt(shown, FOUND, "train") == (
        "digits: 2 pictures\nepoch  loss\n  1/3  0.91 *\n...\n  3/3  0.37 *\nsaved it\n"
    )


def test_lines_may_be_left_out_at_both_ends():
    assert excerpt("...\nepoch  loss\n  1/9  0.11\n...\n", FOUND, "train") == "...\nepoch  loss\n  1/3  0.91 *\n...\n"


def test_another_text_is_refused():
    with pytest.raises(SystemExit) as caught:
        excerpt("digits: 1 pictures\n...\nsaved in DIR\n", FOUND, "train")
    assert str(caught.value) == f"$ train\n{FOUND}\n--- has not what is shown:\nsaved in DIR\n"


@pytest.mark.parametrize("shown", ["digits: 1 pictures\n", ""])
def test_lines_that_are_not_shown_are_refused(shown):
    with pytest.raises(SystemExit, match=r"--- has more than is shown:\n(.*\n)?epoch  loss"):
        excerpt(shown, FOUND, "train")


def test_a_page_that_does_not_exist_is_refused():
    with pytest.raises(SystemExit, match=r"no such page, or one that is tested elsewhere: nothing\.md"):
        main(["docs/nothing.md"])
