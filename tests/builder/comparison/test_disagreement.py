"""Pictures on which two runs disagree, and evaluations that cannot be compared."""

import os

import pytest

from builder.comparison.comparison import compare
from tests.builder.comparison.made import evaluate, make


@pytest.fixture
def pair(tmp_path):
    return make(tmp_path / "a"), make(tmp_path / "b", values={"width": 5})


def test_counts_and_pictures(pair):
    first, second = pair
    evaluate(first, wrong=[1, 2])
    evaluate(second, wrong=[2, 5, 6, 7, 8, 9, 10, 11, 12])
    (found,) = compare(pair).disagreements
    # Only the first is right on eight pictures, only the second on one: 2 * (1 + 9) / 2**9.
    assert (found.both, found.first_alone, found.second_alone, found.neither) == (30, 8, 1, 1)
    assert found.pictures == 40 and found.p == pytest.approx(20 / 512) and found.better is found.first
    assert found.pictures_of(is_first=True) == [
        12,
        11,
        10,
        9,
        8,
        7,
        6,
        5,
    ]  # the second is the surer, the later they are
    assert found.pictures_of(is_first=False) == [1]
    row = ["a,", "b", "40", "8", "1", "0.039", "a"]
    assert row in [line.split() for line in str(compare(pair)).splitlines()]


def test_few_disagreements_show_nothing(pair):
    evaluate(pair[0], wrong=[1, 2])
    evaluate(pair[1], wrong=[2, 3, 4])
    (found,) = compare(pair).disagreements
    assert (found.p, found.better) == (1.0, None)
    assert ["a,", "b", "40", "2", "1", "1.000", "not", "shown"] in map(str.split, str(compare(pair)).splitlines())


def test_the_same_crops_are_compared(pair):
    evaluate(pair[0], [1], scheme="centre")
    evaluate(pair[0], [1, 2], scheme="ten")
    evaluate(pair[1], [3], scheme="ten")
    (found,) = compare(pair).disagreements
    assert [one.scheme for one in found.tested] == ["ten", "ten"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"fingerprint": "e" * 64},
            "a and b were evaluated on different pictures: digits and digits, whose fingerprints differ",
        ),
        ({"scheme": "ten"}, "a was tested as centre and b as ten: evaluate both with the same --crops"),
        ({"count": 39}, "a and b were evaluated on different pictures"),
    ],
)
def test_other_pictures_are_not_compared(pair, other, message):
    evaluate(pair[0], [1])
    evaluate(pair[1], [2], **other)
    found = compare(pair)
    assert not found.disagreements and any(message in note for note in found.notes())


def test_a_run_without_an_evaluation_is_named_with_the_command(pair):
    evaluate(pair[0], [1])
    assert any(
        note.startswith("b has no evaluation") and note.endswith(f"python tools/evaluate.py {pair[1]} tests one")
        for note in compare(pair).notes()
    )


def test_an_evaluation_of_an_older_model_is_left_out(pair):
    for run in pair:
        evaluate(run, [1])
    path = pair[1] / "evaluation" / "centre" / "evaluation.json"
    os.utime(path, (1, 1))
    found = compare(pair)
    assert not found.disagreements
    assert (
        f"{path} is older than model.keras, so it is left out; python tools/evaluate.py {pair[1]} writes it again"
        in (list(found.notes()))
    )


def test_an_evaluation_of_another_epoch_is_left_out_however_new_it_is(pair):
    """Copying a run changes the times of its files; the epoch that was evaluated says what the figures are of."""
    for run, epoch in zip(pair, (3, 2), strict=True):  # the third is the best
        evaluate(run, [1], epoch=epoch)
    os.utime(pair[0] / "evaluation" / "centre" / "evaluation.json", (1, 1))
    first, second = compare(pair).records
    assert len(first.tested) == 1 and not first.notes and not second.tested
    path = pair[1] / "evaluation" / "centre" / "evaluation.json"
    assert second.notes == (
        f"{path} is of epoch 2, and the best one is now 3, so it is left out; python tools/evaluate.py {pair[1]} "
        "writes it again",
    )


@pytest.mark.parametrize("content", ["{", "[]", '{"data": 1, "runs": {"a": 2}}'])
def test_a_damaged_evaluation_is_said_and_left_out(pair, content):
    for run in pair:
        evaluate(run, [1])
    path = pair[1] / "evaluation" / "centre" / "evaluation.json"
    path.write_text(content)
    found = compare(pair)
    assert not found.disagreements and any(note.startswith(f"{path} is damaged: ") for note in found.notes())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "pictures.csv: cannot be read: No such file or directory"),
        ("picture,class,predicted,probability\n0,1,1,0.5\n", "is damaged: it has 1 pictures, and evaluation.json 40"),
        ("picture,class\n" + 40 * "0,1\n", "is damaged: 'predicted'"),
    ],
)
def test_damaged_predictions_are_said_and_left_out(pair, content, message):
    for run in pair:
        evaluate(run, [1])
    path = pair[1] / "evaluation" / "centre" / "pictures.csv"
    path.unlink() if content is None else path.write_text(content)
    found = compare(pair)
    assert not found.disagreements and any(message in note for note in found.notes())


def test_an_ensemble_is_no_evaluation_of_a_run(pair):
    evaluate(pair[0], [1])
    path = pair[0] / "evaluation" / "centre" / "evaluation.json"
    path.write_text(path.read_text().replace('"runs": {"a":', '"runs": {"b": {}, "a":'))
    assert compare(pair).records[0].tested == ()
