"""Compares trained runs, or searches, which stand for the runs of their trials: learning curves, results by groups of
seeds, what differs, what it costs, and where two networks disagree on pictures.

python tools/compare.py runs/digits/1 runs/digits/2 runs/wide/1 runs/wide/2
python tools/compare.py runs/digits/search-20261124-095041 -o search-report
python tools/compare.py runs/digits/1 runs/digits/2 --csv

Prints a summary, and writes a report that needs no network to comparison/report.html. Nothing is trained or evaluated:
what was not measured is named with the command that measures it.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import argparse
import json
import sys
from pathlib import Path

from archspec import cli
from archspec.errors import argument_problem
from builder.comparison.finding import are_runs


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("paths", nargs="+", metavar="RUN", help="a run, or a search, which stands for its trials")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON; a report is written only with -o")
    form.add_argument("--csv", action="store_true", help="print a row for each run; a report is written only with -o")
    parser.add_argument("-o", "--out", metavar="DIR", help="where the report goes (default: comparison/)")
    parser.add_argument("--all", action="store_true", help="list the fields that are equal in all runs too")
    parser.add_argument("--exports", metavar="DIR", help="exports, which hold measured times (default: exports/)")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        if not are_runs(args.paths):
            raise argument_problem("RUN", f"{args.paths[0]} is no run; name the directories of runs or of searches")
        compare_runs(args)


def compare_runs(args: argparse.Namespace) -> None:
    from builder.comparison.comparison import compare
    from builder.comparison.files import DEFAULT, check_directory, csv_text

    is_data = args.json or args.csv
    out = Path(args.out) if args.out else None if is_data else Path(DEFAULT)
    if out is not None:
        check_directory(out)
    comparison = compare(args.paths, args.exports or "exports")
    if is_data:
        print(csv_text(comparison).rstrip() if args.csv else json.dumps(comparison.to_json(args.all), indent=2))
    else:
        print(comparison)
    if out is not None:
        names = " ".join(path.name for path in comparison.save(out, args.all))
        print(f"\nsaved {out}/: {names}", file=sys.stderr if is_data else sys.stdout, flush=True)


if __name__ == "__main__":
    main()
