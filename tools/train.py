"""Trains a network as the `train` section of its spec says, into a run directory of its own.

python tools/train.py specs/digits.yaml
python tools/train.py specs/digits.yaml --set n=1 --set train.epochs=5 --run-dir runs/small
python tools/train.py --resume runs/small
python tools/train.py --resume runs/small --set train.epochs=8 --extend
python tools/train.py specs/digits.yaml --workers 2

Ends with status 0; 2 for a mistake; 1 for a loss that is not finite, or a worker that died; 130 for Ctrl-C and 143 for
SIGTERM, which save the state: --resume continues from there. A run has its spec with it, so that SPEC may be left out.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import sys

from archspec import cli
from builder.distribution.launcher import launch, without_option
from builder.runs.directory import check_can_train, find_spec, to_resume
from builder.system.tensorflow_start import import_tensorflow
from builder.training.downloads import download, reason_to_stay_online


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("spec", metavar="SPEC", nargs="?", help="a spec with a 'train' section, or a run to resume")
    cli.add_set_argument(parser)
    parser.add_argument("--run-dir", metavar="DIR", help="the run's own directory (default: runs/<name>/<time>/)")
    parser.add_argument("--data-dir", metavar="DIR", help="the folder of prepared data sets (default: that of TFDS)")
    resumed = "resume a run (default: that of --run-dir, or the newest)"
    parser.add_argument("--resume", metavar="RUN", nargs="?", const="", help=resumed)
    extend = "let a longer train.epochs change the learning rate's curve in a resumed run"
    parser.add_argument("--extend", action="store_true", help=extend)
    parser.add_argument("--workers", metavar="N", type=cli.positive, help="train with N processes on this machine")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        path, run_dir = find_spec(args.spec, args.resume, args.run_dir)
        (spec,) = cli.load_all([path], args.set)
        if args.resume is not None:
            run_dir = str(to_resume(spec.name, run_dir if args.resume else None, run_dir))
        check_can_train(spec, run_dir, args.resume is not None, args.extend)
        if args.workers:
            command = [sys.executable, *without_option(sys.orig_argv[1:], "--workers")]
            needs = reason_to_stay_online(spec, args.data_dir)
            sys.exit(launch(command, args.workers, download(spec, args.data_dir), needs))
        import_tensorflow()  # it takes seconds, so mistakes in the spec are reported first
        from builder.system.endings import Diverged, Interrupted, WorkerLost
        from builder.training.trainer import train

        try:
            train(spec, run_dir, args.data_dir, resume=args.resume is not None, extend=args.extend)
        except (Diverged, WorkerLost):
            sys.exit(1)  # train has reported it
        except Interrupted as stop:
            sys.exit(stop.status)


if __name__ == "__main__":
    main()
