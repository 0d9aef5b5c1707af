"""Compares specs with specs, part by part and field by field, and runs with runs: results by groups of seeds, what they
cost, and where two networks disagree on pictures. A search stands for the runs of its trials.

python tools/compare.py specs/resnet34.yaml specs/resnet50.yaml
python tools/compare.py specs/digits.yaml --set width=32
python tools/compare.py runs/digits/1 runs/digits/2 runs/wide/1 runs/wide/2 -o report

Several specs are each compared with the first one. With --set, which changes all of them, one spec alone is compared
with itself as it was before. The exit status is 0 if all are equal, 1 if any differs, and 2 after a mistake.

Runs are summarised, with a report that needs no network in comparison/report.html. Nothing is trained or evaluated:
what was not measured is named with the command that measures it.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import sys

from archspec import cli
from builder.comparison.kinds import are_runs, check_options


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="specs, or their names; or runs and searches")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="specs: print Markdown")
    form.add_argument("--csv", action="store_true", help="runs: print a row for each")
    cli.add_set_argument(parser)
    parser.add_argument("-o", "--out", metavar="DIR", help="runs: where the report goes (default: comparison/)")
    parser.add_argument("--all", action="store_true", help="runs: list the fields that are equal in all of them too")
    parser.add_argument("--exports", metavar="DIR", help="runs: exports, with measured times (default: exports/)")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        form_name = "json" if args.json else "markdown" if args.markdown else "csv" if args.csv else "text"
        is_of_runs = are_runs(args.paths)
        check_options(vars(args), is_of_runs)
        if is_of_runs:
            from builder.comparison.output import show as show_runs

            show_runs(args.paths, form_name, args.out, args.exports, args.all)
            return
        from archspec.comparison.output import show

        specs = cli.load_to_compare(args.paths, args.set)
        is_equal = show(specs, args.paths, args.set, form_name)
    sys.exit(0 if is_equal else 1)


if __name__ == "__main__":
    main()
