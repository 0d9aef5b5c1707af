"""Compares specs with specs, part by part and field by field: what was added, removed or changed.

python tools/compare.py specs/resnet34.yaml specs/resnet50.yaml
python tools/compare.py specs/resnet50.yaml mine.yaml yours.yaml --markdown
python tools/compare.py specs/digits.yaml --set width=32

Several specs are each compared with the first one. With --set, which changes all of them, one spec alone is compared
with itself as it was before. The exit status is 0 if all are equal, 1 if any differs, and 2 after a mistake.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import argparse
import json
import sys
from pathlib import Path

from archspec import cli
from archspec.errors import argument_problem


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("paths", nargs="+", metavar="SPEC", help="a spec, or its name")
    cli.add_set_argument(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: an object, or a list of them for several specs")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        runs = [path for path in args.paths if Path(path).is_dir()]
        if runs:
            raise argument_problem("SPEC", f"{runs[0]} is a directory; a run's spec is {Path(runs[0], 'spec.yaml')}")
        is_equal = compare_specs(args)
    sys.exit(0 if is_equal else 1)


def compare_specs(args: argparse.Namespace) -> bool:
    """Prints the comparisons; whether all specs are equal."""
    from archspec.comparison.comparison import with_first

    specs = cli.load_all(args.paths, args.set)
    if len(specs) == 1 and not args.set:
        raise argument_problem("SPEC", "expected two specs or more, got one; with --set, it is compared with itself")
    if len(specs) == 1:
        specs = [*cli.load_all(args.paths), *specs]
    found = with_first(specs, args.paths, args.set)
    if args.json:
        objects = [comparison.to_json() for comparison in found]
        print(json.dumps(objects if len(objects) > 1 else objects[0], indent=2))
    else:
        print("\n\n".join(comparison.to_markdown() if args.markdown else str(comparison) for comparison in found))
    return all(comparison.equal for comparison in found)


if __name__ == "__main__":
    main()
