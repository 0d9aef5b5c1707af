"""The package as others install it: a wheel is built, installed into a new environment and used from another folder.

The environment borrows the packages that ours needs from the one that runs the tests, so nothing is downloaded."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"archspec": "archspec", "builder": "builder", "tools": "convspec", "specs": "archspec/specs"}
"""What the wheel is made of, and where it stands there."""


def files(folder: Path) -> list[Path]:
    suffixes = (".yaml", ".json") if folder.name == "specs" else (".py",)
    return [path for path in folder.rglob("*") if path.suffix in suffixes]


def run(*command: str | Path, **options) -> str:
    """The output of a command that succeeds."""
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> dict[str, str]:
    """Environment variables without the path on which tests find the checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, as setuptools leaves its folders beside the sources and takes what it finds there."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder / "dist", folder)
    (path,) = (folder / "dist").iterdir()
    return path


@pytest.fixture(scope="module")
def convspec(wheel, outside, tmp_path_factory) -> Path:
    """The installed command."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, env=outside)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "convspec"


def test_the_wheel_holds_every_module_and_every_spec(wheel):
    expected = {
        f"{place}/{path.relative_to(ROOT / name)}" for name, place in FOLDERS.items() for path in files(ROOT / name)
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == expected


def test_a_shipped_spec_is_known_by_its_name(convspec, outside, tmp_path):
    shown = run(convspec, "summary", "resnet50", "--json", cwd=tmp_path, env=outside)
    assert shown == run(sys.executable, ROOT / "tools/summary.py", ROOT / "specs/resnet50.yaml", "--json")
    mistake = subprocess.run(
        [convspec, "summary", "resnt50"], cwd=tmp_path, env=outside, capture_output=True, text=True
    )
    assert mistake.returncode == 2
    assert mistake.stderr == "resnt50: no such file; did you mean the shipped spec 'resnet50'?\n"


def test_the_help_of_an_installed_command_shows_what_to_type(convspec, outside, tmp_path):
    shown = run(convspec, "train", "--help", cwd=tmp_path, env=outside)
    assert "usage: convspec train [-h]" in shown
    assert "\nconvspec train --resume runs/small\n" in shown
    assert "tools/" not in shown


@pytest.mark.slow
def test_a_network_is_trained_and_exported_outside_of_the_repository(convspec, outside, tmp_path):
    small = ("--set", "train.epochs=1", "--set", "n=1", "--run-dir", "run")
    trained = run(convspec, "train", "digits", *small, cwd=tmp_path, env=outside)
    assert trained.endswith("  convspec predict run PICTURES\n  convspec export run\n")
    exported = run(convspec, "export", "run", cwd=tmp_path, env=outside)
    assert exported.endswith("saved exports/digits/1\n")
    assert (tmp_path / "exports/digits/1/saved_model.pb").is_file()
