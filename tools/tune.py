"""Searches over networks and recipes as the `search` section of a spec says, and writes the best candidate as a spec.

python tools/tune.py specs/digits.yaml
python tools/tune.py specs/digits.yaml --workers 2 --trials 40 --run-dir runs/search
python tools/tune.py --resume runs/search
python tools/tune.py specs/resnet20_cifar.yaml --dry-run --set search.budget.macs=50e6 --gflops 300

Ends with status 0; 2 for a mistake; 1 when too many trials in a row failed; 130 for Ctrl-C and 143 for SIGTERM: running
trials save their state, and --resume resumes the search, which has its spec with it, so that SPEC may be left out.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import json
import sys

from archspec import cli
from archspec.candidates import report
from archspec.candidates.survey import SAMPLES, survey
from builder.runs.directory import find_spec
from builder.sweep.run import tune
from builder.sweep.start import with_trials
from builder.system.endings import Interrupted, TrialsFailed


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("spec", metavar="SPEC", nargs="?", help="a spec with a 'search' section, or a search to resume")
    cli.add_set_argument(parser)
    parser.add_argument("--run-dir", metavar="DIR", help="search directory (default: runs/<name>/search-<time>/)")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (default: that of TFDS)")
    parser.add_argument("--workers", type=cli.positive, metavar="N", default=1, help="train N trials at once")
    parser.add_argument("--resume", metavar="RUN", nargs="?", const="", help="resume a search (default: the newest)")
    parser.add_argument("--trials", type=cli.positive, metavar="N", help="try at most N candidates")
    dry = parser.add_argument_group("dry run")
    dry.add_argument("--dry-run", action="store_true", help="train nothing; show what the search would do")
    dry.add_argument("--json", action="store_true", help="print the dry run as JSON")
    dry.add_argument("--pictures", type=cli.positive, metavar="N", help="training pictures, for the cost")
    dry.add_argument("--gflops", type=cli.positive, metavar="N", help="the machine's training rate, for the time")
    dry.add_argument("--samples", type=cli.positive, metavar="N", default=SAMPLES, help="candidates to sample")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        path, run_dir = find_spec(args.spec, args.resume, args.run_dir)
        (spec,) = cli.load_all([path], args.set)
        cli.note_searched(spec, args.set)
        spec = with_trials(spec, args.trials) if args.trials else spec
        if args.dry_run:
            found = survey(spec, args.pictures, args.samples)
            text = report.to_text(found, args.gflops)
            print(json.dumps(report.to_json(found, args.gflops), indent=2) if args.json else text)
            return
        try:
            tune(spec, run_dir, args.data_dir, args.workers, args.resume is not None)
        except TrialsFailed as error:
            cli.fail(str(error), 1)
        except Interrupted as stop:
            sys.exit(stop.status)


if __name__ == "__main__":
    main()
