"""The public names of `builder`: all there, documented, and imported only when they are used."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
import builder
from archspec import commands
from archspec.errors import argument_problem
from builder.exports.formats import chosen_formats
from builder.system.public_calls import in_python, public, warn
from builder.system.terminal import is_live

PUBLIC = """
Comparison Diverged Evaluation Explanation ExportFailed Interrupted Result Results Run TrialsFailed VerificationError
WorkerLost
build compare evaluate explain export hypermodel load_data open_run predict preview train tune verify weights
"""


def test_the_public_names_are_sorted_and_complete():
    assert PUBLIC.split() == builder.__all__ == sorted(builder.__all__)
    assert dir(builder) == builder.__all__


def test_type_checkers_and_python_import_the_same():
    tree = ast.parse(Path(builder.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    imported = {
        alias.name: node.module.removeprefix("builder.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == builder.MODULES
    assert {*builder.MODULES, "weights"} == set(builder.__all__)


@pytest.mark.parametrize("name", PUBLIC.split())
def test_a_public_name_is_documented(name):
    found = getattr(builder, name)
    assert len(inspect.getdoc(found).splitlines()) > 1 or issubclass(found, Exception)
    if inspect.isfunction(found):
        assert "Args:" in found.__doc__ or "Raises:" in found.__doc__
        assert inspect.signature(found).return_annotation is not inspect.Signature.empty


def test_importing_the_package_imports_no_framework():
    code = "import builder, sys; print({'tensorflow', 'keras', 'numpy', 'archspec'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_every_name_can_be_the_first_one_used():
    """In a process of its own: `builder.weights` is there without having been imported elsewhere."""
    code = "import builder; print(builder.weights.match.__name__, builder.train.__name__, builder.export.__name__)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "match train export\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("evalute", "; did you mean 'evaluate'?"), ("result", "; did you mean 'Result'?"), ("xyz", "")],
)
def test_an_unknown_name_is_an_attribute_error_with_a_hint(name, hint):
    with pytest.raises(AttributeError) as caught:
        getattr(builder, name)
    assert str(caught.value) == f"module 'builder' has no attribute '{name}'{hint}"


@pytest.mark.parametrize("argument", ["say", "on_epoch"])
def test_functions_that_cannot_be_called_are_refused_before_anything_is_made(argument, tmp_path):
    with pytest.raises(TypeError, match=f"expected {argument} to be a function, got an object of type int"):
        builder.train("digits", run_dir=tmp_path / "run", **{argument: 3})
    assert not (tmp_path / "run").exists()


def test_an_ensemble_of_no_runs_is_refused():
    with pytest.raises(archspec.UserError, match="runs: is empty; name the directory of at least one run"):
        builder.evaluate([])


@pytest.mark.parametrize("top", [0, -1, "x", True])
def test_a_prediction_has_at_least_one_class(top, run_dir):
    with pytest.raises(archspec.UserError, match=f"top: expected a whole number of at least 1, got {top!r}"):
        builder.predict(run_dir, [], top=top)


def test_a_resumption_without_a_run_says_that_it_starts_one(tmp_path):
    lines = []
    spec = archspec.load("digits", {"n": 1, "width": 4, "train.epochs": 1})
    builder.train(spec, run_dir=tmp_path / "run", resume=True, say=lines.append)
    assert f"there is no run to resume in {tmp_path / 'run'}, so this is a new one" in lines


# -- wrong arguments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: builder.evaluate(3), "expected the directory of a run, got an object of type int"),
        (lambda: builder.open_run(None), "expected the directory of a run, got an object of type NoneType"),
        (lambda: builder.predict(3, "x.png"), "expected the directory of a run, or of an export, got an object of "),
        (lambda: builder.train("digits", run_dir=3), "expected run_dir to be a path, got an object of type int"),
        (lambda: builder.evaluate("run", data=3), "expected data to be a path, got an object of type int"),
        (lambda: builder.tune("digits", data_dir=3), "expected data_dir to be a path, got an object of type int"),
        (lambda: builder.verify(3, "digits"), "expected a Keras model, as build returns it, got an object of type int"),
        (
            lambda: builder.build(3),
            "expected the path of a spec, a mapping, a Spec or a Graph, got an object of type int",
        ),
        (
            lambda: builder.weights.read(3),
            "expected the path of weights, a run's directory, or keras:NAME, got an object",
        ),
        (lambda: builder.train(), r"missing 1 required positional argument: 'spec'"),
    ],
)
def test_values_of_wrong_types_are_type_errors_in_words(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_what_is_no_picture_is_refused(run_dir):
    with pytest.raises(TypeError, match=r"expected a picture as a path, .*, got an object of type int"):
        builder.predict(run_dir, 3)


@pytest.mark.parametrize("call", [builder.open_run, builder.evaluate, builder.export, builder.weights.read])
def test_an_empty_path_is_reported_as_one(call):
    with pytest.raises(archspec.UserError, match=r"^the path is empty; expected the "):
        call("")


def test_all_pictures_that_are_missing_are_reported(run_dir, tmp_path):
    with pytest.raises(archspec.UserError) as caught:
        builder.predict(run_dir, [str(tmp_path / "a.png"), str(tmp_path / "b.png"), ""])
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'a.png'}: no such file or folder",
        f"{tmp_path / 'b.png'}: no such file or folder",
        "the path of a picture is empty",
    ]


def test_messages_of_calls_name_arguments(tmp_path):
    (tmp_path / "other.txt").write_text("")
    with pytest.raises(archspec.UserError, match=r"; name a new directory with run_dir$"):
        builder.train("digits", run_dir=tmp_path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("name a new directory with --run-dir", "name a new directory with run_dir"),
        ("name some with --data, or --data-dir", "name some with data, or data_dir"),
        ("--format tflite: there is none", "formats tflite: there is none"),
        ("resume it with --resume", "resume it with resume=True"),
        ("name one with --resume RUN", "name one with run_dir=RUN, resume=True"),
        ("say which with --pair b2=left", "say which with pairs={'b2': 'left'}"),
        ("--prefix model_ema", "prefix='model_ema'"),
        ("0 to 9; --classes FILE names them", "0 to 9; class_names names them"),
        ("or several with --workers N", "or several with workers=N"),
        ("do python tools/train.py a --resume b", "do python tools/train.py a --resume b"),
        ("give --out; tools/export.py --format keras", "give out; tools/export.py --format keras"),
    ],
)
def test_arguments_stand_for_options(text, shown):
    assert in_python(text) == shown


OF_COMMANDS = {"--set", "--extend", "--follow", "--to", "--trials", "--porcelain", "--untracked-files"}
"""Options that no argument stands for, or whose messages name the argument too; and two of git's."""


def test_every_option_that_a_message_names_has_its_argument():
    for path in Path(builder.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        expressions = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in expressions:
                said = "" if path.name == "public_calls.py" else in_python(node.value).split("tools/")[0]
                said = re.sub(r"var\(--\w+\)", "", said)  # the colours of pages
                assert set(re.findall(r"--[a-z][a-z-]+", said)) <= OF_COMMANDS, f"{path}:{node.lineno}"


def test_options_have_the_names_that_a_function_gives_to_arguments():
    for parameters, name in ((["run", "out"], "out"), (["path"], "path"), (["spec", "directory"], "directory")):
        assert in_python("name another with --out", parameters) == f"name another with {name}"


@public
def failing(say=print):
    """A public function that says one thing in every way."""
    say("name some with --data")
    warn("name some with --data")
    raise builder.ExportFailed("name some with --data", Path("folder"))


def test_lines_warnings_and_failures_of_calls_name_arguments(capsys):
    lines = []
    with pytest.warns(UserWarning, match="with data$") as caught, pytest.raises(builder.ExportFailed) as error:
        failing(say=lines.append)
    said = "name some with data"
    assert lines == [said] and str(caught[0].message) == said and str(error.value) == said
    assert error.value.folder == Path("folder") and caught[0].filename == __file__
    with pytest.warns(UserWarning, match="with data$"), pytest.raises(builder.ExportFailed):
        failing()
    assert capsys.readouterr().out == f"{said}\n"


def test_a_live_line_is_for_print_alone(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    found = []
    public(lambda say=print: found.append(is_live(say)))()
    public(lambda say=print: found.append(is_live(say)))(say=found.append)
    assert found == [True, False]


def test_an_installed_package_names_its_command(monkeypatch):
    monkeypatch.setattr(commands, "IS_INSTALLED", True)
    error = argument_problem("x", in_python("resume it with python tools/train.py a --resume b"))
    assert str(error) == "x: resume it with convspec train a --resume b"


def test_one_format_needs_no_list():
    assert list(chosen_formats("keras")) == ["keras"]


def test_a_precision_is_suggested():
    for asked, meant in (("float8", "float32"), ("bf16", "mixed_bfloat16"), ("fp16", "mixed_float16")):
        with pytest.raises(ValueError, match=f"got '{asked}'; did you mean '{meant}'"):
            builder.build("digits", precision=asked)
