"""Convolutional networks as text: analysed in milliseconds, compiled to Keras, trained, searched and exported.

convspec summary resnet50
convspec train digits --set train.epochs=3
convspec COMMAND --help
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import ast
import re
import sys
from importlib import import_module
from pathlib import Path

from archspec import cli
from archspec.vocabulary.suggestions import suggestion

FOLDER = Path(__file__).parent


def main() -> None:
    """Runs the command that the first argument names, with the other arguments, as if its file had been started."""
    name, *arguments = sys.argv[1:] or [""]
    if name in ("-h", "--help"):
        print(usage())
    elif name == "--version":
        from importlib.metadata import version

        print(f"{cli.INSTALLED} {version(cli.INSTALLED)}")
    elif name in cli.COMMANDS:
        sys.argv = [f"{cli.INSTALLED} {name}", *arguments]
        file = cli.COMMANDS[name]
        import_module(f"{__package__}.{file}" if __package__ else file).main()
    elif name:
        cli.fail(f"{cli.INSTALLED}: unknown command '{name}'{suggestion('kinds', 'command', name, cli.COMMANDS)}")
    else:
        cli.fail(usage())


def usage() -> str:
    """The help: the commands, each with the beginning of its file's docstring."""
    lines = [f"usage: {cli.INSTALLED} COMMAND ...", "", (__doc__ or "").strip(), "", "commands:"]
    for name, file in cli.COMMANDS.items():
        text = ast.get_docstring(ast.parse((FOLDER / f"{file}.py").read_text(encoding="utf-8"))) or ""
        lines.append(f"  {name:10}{re.split('[.,:;]', text)[0]}")
    return "\n".join([*lines, "", "options:", "  --version  print the version and exit"])


if __name__ == "__main__":
    main()
