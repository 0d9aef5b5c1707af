"""Properties of every tool: few lines, a clean end on Ctrl-C during start-up, and its name in `convspec`."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archspec import cli

ROOT = Path(__file__).parents[2]
TOOLS = sorted(path.name for path in (ROOT / "tools").glob("[!_]*.py"))


@pytest.mark.parametrize("tool", [*TOOLS, "__main__.py"])
def test_a_tool_is_arguments_and_dispatch(tool):
    assert len((ROOT / "tools" / tool).read_text().splitlines()) <= 60


def interrupted(path, *command):
    """How a tool ends if Ctrl-C arrives while it imports a stand-in module, which waits."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


WAITING = "print('importing', flush=True)\nimport time\ntime.sleep(60)\n"


@pytest.mark.parametrize("tool", [*TOOLS, "__main__.py"])
def test_ctrl_c_while_it_imports_ends_with_a_line(tool, tmp_path):
    (tmp_path / "archspec").mkdir()
    (tmp_path / "archspec" / "__init__.py").write_text(WAITING)
    assert interrupted(tmp_path, ROOT / "tools" / tool) == (130, "interrupted\n")


def test_mistakes_are_reported_before_tensorflow_is_imported():
    """Its import takes seconds, and writes lines of its own unless `import_tensorflow` does it."""
    names = [f"tools.{tool.removesuffix('.py')}" for tool in TOOLS]
    code = f"import {', '.join(names)}, sys; print({{'tensorflow', 'keras'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_ctrl_c_while_tensorflow_is_imported_ends_with_a_line(tmp_path):
    (tmp_path / "keras.py").write_text(WAITING)
    command = ROOT / "tools" / "preview.py", ROOT / "specs" / "digits.yaml"
    assert interrupted(tmp_path, *command) == (130, "interrupted\n")


def convspec(*arguments, status=0):
    """What the installed command writes, started from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    command = [sys.executable, ROOT / "tools", *arguments]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_every_tool_for_users_is_a_command():
    assert {f"{file}.py" for file in cli.COMMANDS.values()} == set(TOOLS) - {"fashion_mnist.py"}


def test_the_help_has_a_line_for_each_command():
    shown = re.findall(r"^  (\w+) +(.{15,90})$", convspec("--help").split("commands:")[1], re.MULTILINE)
    assert [name for name, _ in shown] == list(cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_help_of_a_command_names_it_as_it_was_started(name):
    shown = convspec(name, "--help")
    assert shown.startswith(f"usage: convspec {name} [-h]")
    assert f"\nconvspec {name} " in shown and "tools/" not in shown


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("convspec export", "was stopped; resume it with convspec train run/spec.yaml, or convspec weights"),
        (
            "tools/export.py",
            "was stopped; resume it with python tools/train.py run/spec.yaml, or tools/convert_weights.py",
        ),
    ],
)
def test_messages_name_commands_as_they_were_started(program, shown, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [program])
    message = "was stopped; resume it with python tools/train.py run/spec.yaml, or tools/convert_weights.py"
    with pytest.raises(SystemExit) as caught:
        cli.fail(message)
    assert (caught.value.code, capsys.readouterr().err) == (2, f"{shown}\n")


def test_the_version_is_that_of_the_package():
    assert re.fullmatch(r"convspec \d+\.\d+\.\d+\n", convspec("--version"))


def test_a_command_does_as_its_tool_does():
    arguments = ROOT / "specs" / "digits.yaml", "--json"
    tool = subprocess.run([sys.executable, ROOT / "tools" / "summary.py", *arguments], capture_output=True, text=True)
    assert convspec("summary", *arguments) == convspec("summary", "digits", "--json") == tool.stdout
    assert convspec("summary", "digts", status=2) == "digts: no such file; did you mean the shipped spec 'digits'?\n"
    assert "convspec summary: error: unrecognized arguments: --deep" in convspec("summary", "x", "--deep", status=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sumary"], "convspec: unknown command 'sumary'; did you mean 'summary'?\n"),
        (["qqqq"], "convspec: unknown command 'qqqq'; known: compare, draw, evaluate, "),
        ([], "usage: convspec COMMAND ..."),
    ],
)
def test_an_unknown_command_is_a_mistake(arguments, message):
    assert convspec(*arguments, status=2).startswith(message)
