"""How command lines end, and how they load specs."""

import errno

import pytest

from archspec import cli
from archspec.errors import Problem, SpecError, Where

SPEC = "{name: %s, params: {n: 1}, model: {input: [4, 4, 1], layers: [flatten, {dense: '${n}'}]}}"


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (SpecError([Problem(Where("model"), "is wrong")]), 2, "model: is wrong\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (PermissionError(errno.EACCES, "Permission denied", "locked/run"), 2, "locked/run: Permission denied\n"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "aaa"), 2, "aaa: File name too long\n"),
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), 1, "cannot write x.csv: No space left on device\n"),
    ],
)
def test_user_errors_end_without_a_traceback(error, status, text, capsys):
    with pytest.raises(SystemExit) as exit, cli.exit_on_user_error():
        raise error
    assert exit.value.code == status
    assert capsys.readouterr().err == text


@pytest.mark.parametrize("error", [ZeroDivisionError, PermissionError])
def test_internal_errors_are_not_hidden(error):
    with pytest.raises(error), cli.exit_on_user_error():
        raise error


def test_all_specs_get_the_same_assignments(tmp_path):
    paths = [tmp_path / f"{name}.yaml" for name in "ab"]
    for path in paths:
        path.write_text(SPEC % path.stem)
    specs = cli.load_all([str(path) for path in paths], ["n=3"])
    assert [spec.name for spec in specs] == ["a", "b"]
    assert [spec.params["n"] for spec in specs] == [3, 3]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--epochs", "3"], "did you mean '--set train.epochs=3'?"),
        (["--epochs=3"], "did you mean '--set train.epochs=3'?"),
        (["--lr", "0.1"], "did you mean '--set train.learning_rate=0.1'?"),
        (["--batch_size", "8"], "did you mean '--set train.batch_size=8'?"),
        (["--mixed-precision"], "did you mean '--set train.precision=...'?"),
        (["--run_dir", "x"], "did you mean '--run-dir'?"),
        (["--set", "a=1", "b=2"], "write --set before each assignment: --set b=2"),
        (["--run", "x"], "did you mean '--run-dir'?"),
        (["--format", "tflite"], "did you mean 'litert'?"),
    ],
)
def test_an_unknown_option_is_answered_by_its_meaning(arguments, hint, capsys):
    parser = cli.parser("Does something.")
    parser.add_argument("spec")
    parser.add_argument("--run-dir")
    parser.add_argument("--format", choices=["litert", "keras"])
    cli.add_set_argument(parser)
    with pytest.raises(SystemExit) as exit:
        parser.parse_args(["digits", *arguments])
    assert exit.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(f"; {hint}")


def test_an_assignment_that_stands_among_the_specs_is_no_file(capsys):
    with pytest.raises(SystemExit):
        cli.load_all(["b=2"])
    assert capsys.readouterr().err == "b=2: no such file; write --set before each assignment: --set b=2\n"


def test_a_mistake_in_an_assignment_is_reported_once(tmp_path, capsys):
    paths = [tmp_path / f"{name}.yaml" for name in "ab"]
    for path in paths:
        path.write_text(SPEC % path.stem)
    with pytest.raises(SystemExit) as exit:
        cli.load_all([str(path) for path in paths], ["m=3"])
    assert exit.value.code == 2
    assert capsys.readouterr().err.count("m=3") == 1
