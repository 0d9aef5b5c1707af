"""The table of formats is complete, and agrees with the runtimes that check files."""

import pytest

from archspec import UserError
from archspec.vocabulary.suggestions import rows
from builder.exports import formats
from builder.exports.formats import CHOICES, FORMATS, PACKAGES, chosen_formats
from builder.exports.runtimes import RUNTIMES

LITERT = ["litert-float32", "litert-float16", "litert-dynamic", "litert-int8"]


def test_every_format_has_a_runtime_and_every_runtime_a_format():
    assert {output_format.runtime for output_format in FORMATS.values()} == RUNTIMES.keys()


def test_choices_and_packages_follow_from_the_table():
    assert ("saved_model", "saved_model-bfloat16", "keras", "onnx", "litert", *LITERT) == CHOICES
    assert PACKAGES == ("tensorflow", "keras", "onnx", "tf2onnx", "onnxruntime", "ai-edge-litert")
    assert [name for name, output_format in FORMATS.items() if output_format.calibrates] == ["litert-int8"]


def test_files_of_formats_do_not_collide():
    files = [output_format.file for output_format in FORMATS.values()]
    assert len(set(files)) == len(files)


def test_a_group_selects_its_formats_and_each_format_once():
    assert list(chosen_formats(["onnx", "litert", "litert-int8", "onnx"])) == ["onnx", *LITERT]


def test_an_unknown_format_is_refused_with_the_choices():
    with pytest.raises(
        UserError, match=r"^--format pickle: there is no such format; choose from saved_model, saved_model-bfloat16, "
    ):
        chosen_formats(["pickle"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [("tflite", "litert"), ("savedmodel", "saved_model"), ("saved-model", "saved_model"), ("h5", "keras")],
)
def test_a_format_is_known_by_its_other_names(name, meant):
    with pytest.raises(UserError, match=rf"^--format {name}: there is no such format; did you mean '{meant}'\?$"):
        chosen_formats([name])


def test_formats_that_other_words_stand_for_exist():
    answers = [answer for places, _, answer in rows("kinds") if places == ["--format"]]
    assert {name for answer in answers for name in answer.names} <= {*formats.CHOICES}


def test_packages_that_are_missing_are_named_as_they_are_installed(monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^--format litert-float32: needs ai-edge-litert: install with pip install "):
        chosen_formats(["litert"])
