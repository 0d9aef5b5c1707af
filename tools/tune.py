"""Says what a search over networks would do: its space, how much of it is inside the budget, and what it costs.

python tools/tune.py specs/digits.yaml --dry-run
python tools/tune.py specs/resnet20_cifar.yaml --dry-run --set search.budget.macs=50e6 --gflops 300
"""

import argparse
import json

from archspec import cli
from archspec.search import report
from archspec.search.survey import SAMPLES, survey


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", metavar="SPEC", help="a spec with a 'search' section")
    cli.add_set_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="train nothing; say what would be")
    parser.add_argument("--json", action="store_true", help="print the dry run as JSON")
    parser.add_argument("--pictures", type=cli.positive, metavar="N", help="training pictures, for the cost")
    parser.add_argument("--gflops", type=cli.positive, metavar="N", help="the machine's training rate, for the time")
    parser.add_argument(
        "--samples", type=cli.positive, metavar="N", default=SAMPLES, help="candidates drawn where there are many"
    )
    args = parser.parse_args()
    with cli.exit_on_user_error():
        (spec,) = cli.load_all([args.spec], args.set)
        if not args.dry_run:
            cli.fail("only --dry-run is there yet: it checks the search and says what it would do")
        found = survey(spec, args.pictures, args.samples)
        if args.json:
            print(json.dumps(report.to_json(found, args.gflops), indent=2))
        else:
            print(report.to_text(found, args.gflops))


if __name__ == "__main__":
    main()
