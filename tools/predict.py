"""Predicts what pictures show, by a trained run or an exported SavedModel.

python tools/predict.py runs/digits/20260101-120000 picture.png
python tools/predict.py exports/digits folder/ --top 3 --csv > classes.csv
python tools/predict.py runs/digits/20260101-120000 folder/ --explain maps

The exit status is 0; 1 if a picture could not be read, although the others were; 2 for a mistake in the arguments.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import sys

from archspec import cli
from builder.explanation.explainer import open_explainer
from builder.prediction.finding import find
from builder.prediction.opening import open_predictor


def say_aside(line: str) -> None:
    """Says a line beside the answers, which alone go to stdout."""
    print(line, file=sys.stderr)


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("source", metavar="RUN_OR_EXPORT", help="the directory of a run, a search or a SavedModel")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a picture, or a folder of them")
    parser.add_argument(
        "--top", type=cli.positive, default=5, metavar="N", help="classes shown for each picture (default: 5)"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print a JSON list with an object for each picture")
    output.add_argument("--csv", action="store_true", help="print CSV with a row for each picture and class")
    parser.add_argument(
        "--explain", metavar="DIR", help="draw which parts of each picture speak for its class, into this folder"
    )
    args = parser.parse_args()
    with cli.exit_on_user_error():
        if args.explain is not None:
            predicted = open_explainer(args.source, args.explain, say_aside)
        else:
            predicted = open_predictor(args.source, say_aside)
        files = find(args.pictures)
        from builder.system.tensorflow_start import import_tensorflow

        import_tensorflow()  # it takes seconds, so mistakes are reported first
        from builder.prediction.output import OutputFormat, write

        output_format: OutputFormat = "json" if args.json else "csv" if args.csv else "text"
        failed = write(predicted(files, args.top, say_aside), sys.stdout, sys.stderr, output_format)
    if failed:
        print(f"{failed:,} could not be read", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
