"""What editors, word processors and other keyboards put into a YAML file: the message names the character or the value,
where it stands, and what to write instead."""

from __future__ import annotations

import pytest

import archspec
from archspec.characters import in_plain, named, plain

HEAD = "name: demo\nmodel:\n  input: [8, 8, 3]\n"
LAYERS = "  layers:\n    - global_avg_pool\n    - dense: 10\n"
TRAIN = f"{HEAD}{LAYERS}train:\n  data: digits\n"
NBSP, ZERO_WIDTH, BOM = "\u00a0", "\u200b", "\ufeff"
COLON, COMMA, THREE, BRACKETS = "\uff1a", "\uff0c", "\uff13", "\uff3b\uff3d"
LEFT, RIGHT = "\u201c", "\u201d"
EN_DASH, EM_DASH, BULLET, MINUS = "\u2013", "\u2014", "\u2022", "\u2212"
RATE = "expected a number above 0, or a schedule: a name, or a one-key mapping from a name to its fields, got the text"
EMPTY_LINE = "YAML syntax: a tab stands on this empty line; remove it"
INDENT = "YAML syntax: a tab cannot indent; use spaces"
ITEM = "YAML syntax: the '-' of a list needs a space after it"
NO_COLON = "YAML syntax: this key has no ':' after it"

CASES = {
    "a tab on an empty line": (f"{HEAD}\t\n{LAYERS}", "4:1", EMPTY_LINE),
    "a tab on the last line": (f"{HEAD}{LAYERS}\t\n", "7:1", EMPTY_LINE),
    "a tab after spaces and an empty line": (f"{TRAIN}   \n\n\t\n", "11:1", EMPTY_LINE),
    "a tab before a comment": (f"{HEAD}\t# a comment\n{LAYERS}", "4:1", INDENT),
    "tabs for indentation": (f"{HEAD}\tlayers:\n\t\t- flatten\n", "4:1", INDENT),
    "a tab after spaces": (f"{HEAD}  \tlayers: [flatten]\n", "4:3", INDENT),
    "a tab after a dash": (
        f"{HEAD}  layers:\n    -\tglobal_avg_pool\n    -\tdense: 10\n",
        "5:6",
        "YAML syntax: a tab cannot stand here; use a space",
    ),
    "a path of Windows in double quotes": (
        HEAD + LAYERS + 'train:\n  data: {folder: {path: "C:\\Users\\me\\new\\train"}}\n',
        "8:25",
        r"YAML syntax: a '\' in double quotes begins an escape; write 'C:\Users\me\new\train' in single quotes, "
        "or C:/Users/me/new/train",
    ),
    "a path of Windows whose escapes exist": (
        HEAD + LAYERS + 'train:\n  data: {folder: {path: "C:\\temp\\new"}}\n',
        "8:25",
        r"YAML syntax: a '\' in double quotes begins an escape; write 'C:\temp\new' in single quotes, or C:/temp/new",
    ),
    "no-break spaces for indentation": (
        f"{HEAD}{NBSP}{NBSP}layers:\n    - flatten\n",
        "4:1",
        "a no-break space (U+00A0) stands here; write a space",
    ),
    "a no-break space after a dash": (
        f"{HEAD}  layers:\n    -{NBSP}global_avg_pool\n    - dense: 10\n",
        "5:6",
        "YAML syntax: a no-break space (U+00A0) stands here; write a space",
    ),
    "a no-break space after a colon": (
        f"{HEAD}{LAYERS}train:\n  data:{NBSP}digits\n",
        "8:8",
        "a no-break space (U+00A0) stands here; write a space",
    ),
    "a no-break space after a value": (
        f"{TRAIN}  epochs: 3{NBSP}\n",
        "9:12",
        "a no-break space (U+00A0) stands here; write a space",
    ),
    "a no-break space after a key": (
        f"{TRAIN}  epochs{NBSP}: 3\n",
        "9:9",
        "a no-break space (U+00A0) stands here; write a space",
    ),
    "a zero-width space": (
        f"{TRAIN}  {ZERO_WIDTH}epochs: 3\n",
        "9:3",
        "a zero width space (U+200B) stands here; remove it",
    ),
    "a BOM inside": (
        f"{TRAIN}  {BOM}epochs: 3\n",
        "9:3",
        "a zero width no-break space (U+FEFF) stands here; remove it",
    ),
    "a full-width colon": (
        f"{TRAIN}  epochs{COLON}3\n",
        "9:9",
        "YAML syntax: a full-width colon (U+FF1A) stands here; write :",
    ),
    "a full-width comma": (
        f"name: demo\nmodel:\n  input: [8{COMMA}8{COMMA}3]\n{LAYERS}",
        "3:11",
        f"model.input[0]: expected a whole number from 1 to 100000, got the text '8{COMMA}8{COMMA}3'; "
        "it holds a full-width comma (U+FF0C): write ,",
    ),
    "a full-width digit": (
        f"{TRAIN}  epochs: {THREE}\n",
        "9:11",
        f"train.epochs: expected a whole number from 1 to 1000000, got the text '{THREE}'; write 3",
    ),
    "a minus sign": (
        f"{TRAIN}  learning_rate: 1e{MINUS}4\n",
        "9:18",
        f"train.learning_rate: {RATE} '1e{MINUS}4'; write 1e-4",
    ),
    "quotes of a word processor": (
        f"{HEAD}{LAYERS}train:\n  data: {{folder: {{path: {LEFT}x y{RIGHT}}}}}\n",
        "8:25",
        'a left double quotation mark (U+201C) stands here; write "',
    ),
    "quotes of a word processor around an expression": (
        f"{HEAD}  layers:\n    - conv: {{filters: {LEFT}${{w}}{RIGHT}, kernel: 3}}\n",
        "5:23",
        'YAML syntax: a left double quotation mark (U+201C) stands here; write "',
    ),
    "quotes of a word processor around a key": (
        f"{HEAD}{LAYERS}train:\n  {LEFT}data{RIGHT}: digits\n",
        "8:3",
        'a left double quotation mark (U+201C) stands here; write "',
    ),
    "en dashes for a list": (
        f"{HEAD}  layers:\n    {EN_DASH} global_avg_pool\n    {EN_DASH} dense: 10\n",
        "5:5",
        "YAML syntax: an en dash (U+2013) stands here; write -",
    ),
    "an em dash for a list": (
        f"{HEAD}  layers:\n    {EM_DASH} global_avg_pool\n",
        "5:5",
        "an em dash (U+2014) stands here; write -",
    ),
    "bullets": (
        f"{HEAD}  layers:\n    {BULLET} global_avg_pool\n    {BULLET} dense: 10\n",
        "5:5",
        "YAML syntax: a bullet (U+2022) stands here; write -",
    ),
    "no space after a colon": (f"{TRAIN}  epochs:3\n", "9:3", "YAML syntax: 'epochs:' needs a space after it"),
    "no space after the first colon": (
        f"name:demo\n{HEAD.partition(chr(10))[2]}{LAYERS}",
        "1:1",
        "YAML syntax: 'name:' needs a space after it",
    ),
    "no space before a list": (
        f"{HEAD.replace('input: ', 'input:')}{LAYERS}",
        "3:3",
        "YAML syntax: 'input:' needs a space after it",
    ),
    "no space after colons in brackets": (
        f"{HEAD}  layers:\n    - max_pool: {{size:3}}\n",
        "5:18",
        "model.layers[0].max_pool: unknown field 'size:3' of max_pool; write 'size: 3', with a space after the colon",
    ),
    "no colon after a section": (f"{HEAD}{LAYERS}train\n  data: digits\n", "7:1", NO_COLON),
    "no colon between two fields": (f"{HEAD}{LAYERS}train:\n  data digits\n  epochs: 3\n", "8:3", NO_COLON),
    "no colon in the last line": (f"{TRAIN}  epochs 3\n", "9:3", NO_COLON),
    "an equals sign": (f"{TRAIN}  epochs = 3\n", "9:3", NO_COLON),
    "no space after dashes": (f"{HEAD}  layers:\n    -global_avg_pool\n    -dense: 10\n", "5:5", ITEM),
    "a rate in quotes": (
        f'{TRAIN}  learning_rate: "1e-4"\n',
        "9:18",
        f"train.learning_rate: {RATE} '1e-4'; write 1e-4 without quotes",
    ),
    "a decimal comma": (
        f"{TRAIN}  learning_rate: 0,001\n",
        "9:18",
        f"train.learning_rate: {RATE} '0,001'; write 0.001",
    ),
    "a fraction": (f"{TRAIN}  learning_rate: 1/3\n", "9:18", f"train.learning_rate: {RATE} '1/3'; write \"${{1/3}}\""),
    "a power": (f"{TRAIN}  learning_rate: 10^-4\n", "9:18", f"train.learning_rate: {RATE} '10^-4'; write 1e-4"),
    "a percentage": (
        f"{TRAIN}  label_smoothing: 10%\n",
        "9:20",
        "train.label_smoothing: expected a number of at least 0 and below 1, got the text '10%'; write 0.1",
    ),
    "a comma after a number": (
        f"{TRAIN}  epochs: 3,\n",
        "9:11",
        "train.epochs: expected a whole number from 1 to 1000000, got the text '3,'; write 3",
    ),
    "round brackets": (
        f"name: demo\nmodel:\n  input: (8, 8, 3)\n{LAYERS}",
        "3:10",
        "model.input: expected a list [height, width, channels], got the text '(8, 8, 3)'; "
        "a list stands in square brackets: [8, 8, 3]",
    ),
    "a slice in brackets": (
        f"{HEAD}{LAYERS}train:\n  data: {{tfds: {{name: x, train: train[:90%]}}}}\n",
        "8:38",
        "YAML syntax: expected ',' or '}' here; put a text that holds brackets in quotes",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_habit_is_named_where_it_stands(case: str):
    text, position, message = CASES[case]
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(text)
    assert str(caught.value).splitlines()[0] == f"<text>:{position}: {message}"
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "text",
    [
        (HEAD + LAYERS).replace("\n", "\r\n"),
        (HEAD + LAYERS).replace("\n", "\r"),
        f"{HEAD}  layers:\t[global_avg_pool, dense: 10]\t# tabs between values\n",
        f"{HEAD}{LAYERS}description: Plain {EN_DASH} {LEFT}text{RIGHT}{COLON} what one likes{NBSP}here\n",
        f'{HEAD}{LAYERS}description: "{LEFT}in quotes{RIGHT}"\n',
        f"# {LEFT}a comment{RIGHT}{NBSP}{EN_DASH}\n{HEAD}{LAYERS}",
    ],
)
def test_what_is_good_yaml_stays_good(text: str):
    assert archspec.loads(text).name == "demo"


def test_a_file_may_begin_with_a_bom(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD + LAYERS, encoding="utf-8-sig")
    assert archspec.load(path).name == "demo"


def test_windows_line_ends_leave_positions_as_they_are():
    with pytest.raises(archspec.SpecError, match=r"^<text>:9:11: train\.epochs: "):
        archspec.loads(f"{TRAIN}  epochs: many\n".replace("\n", "\r\n"))


def test_all_such_characters_are_reported_at_once():
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(f"{TRAIN}  epochs{NBSP}: 3\n  seed{NBSP}: 3\n")
    assert len(caught.value.problems) == 2


def test_characters_by_name():
    assert in_plain(f"{LEFT}1{MINUS}{THREE}{RIGHT}{ZERO_WIDTH}") == '"1-3"'
    assert [plain(char) for char in (NBSP, BOM, COLON, "\u00e4", "\u6df1")] == [" ", "", ":", None, None]
    assert named("\u3000") == "an ideographic space (U+3000)"
