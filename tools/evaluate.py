"""Tests trained runs on their validation pictures: top-1, top-5, loss, classes, confusions and mistakes. Several runs
form an ensemble.

python tools/evaluate.py runs/digits/20260101-120000
python tools/evaluate.py RUN --crops ten
python tools/evaluate.py RUN --crops dense --scales 256 384 512
python tools/evaluate.py RUN RUN RUN --out ensemble
python tools/evaluate.py RUN --explain
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)

from archspec import cli
from builder.evaluation.evaluator import evaluate, open_runs
from builder.evaluation.scheme import CROPS, Scheme


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run or search; several form an ensemble")
    cli.add_set_argument(parser)
    parser.add_argument(
        "--crops", choices=CROPS, default="centre", help="views of each picture to average over (default: centre)"
    )
    parser.add_argument(
        "--scales",
        nargs="+",
        type=cli.positive,
        default=[],
        metavar="N",
        help="lengths of the shorter side to average over (default: the one of validation)",
    )
    parser.add_argument("--no-flip", action="store_true", help="leave out mirror images, if they mean something else")
    parser.add_argument("--out", metavar="DIR", help="where files go (default: evaluation/ in the run's directory)")
    parser.add_argument("--data", metavar="PATH", help="other pictures: a folder with a sub-folder a class, or .npz")
    corrupt = "what pictures of --data that cannot be decoded are: an error, or left out (default: error)"
    parser.add_argument("--on-corrupt", choices=("error", "skip"), default="error", help=corrupt)
    parser.add_argument("--explain", action="store_true", help="also draw what spoke for the wrong class")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (default: that of TFDS)")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        opened = open_runs(args.runs, args.set)
        from builder.system.tensorflow_start import import_tensorflow

        import_tensorflow()  # it takes seconds, so mistakes are reported first
        scheme = Scheme(args.crops, tuple(args.scales), not args.no_flip)
        options = {"data": args.data, "on_corrupt": args.on_corrupt, "explain": args.explain}
        evaluate(opened, scheme, args.out, args.data_dir, **options)


if __name__ == "__main__":
    main()
