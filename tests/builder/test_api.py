"""The public names of `builder`: all there, documented, and imported only when they are used."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
import builder

PUBLIC = """
Diverged Evaluation ExportFailed Interrupted Result Results Run TrialsFailed VerificationError WorkerLost
build evaluate export hypermodel load_data open_run predict preview train tune verify weights
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
