"""Exports the best model of a run for other systems, and proves that it predicts the same.

python tools/export.py runs/digits/20261124-095041
python tools/export.py runs/digits/20261124-095041 --format saved_model onnx litert --out models/digits

Every file is loaded in a process of its own, by its own runtime, and compared with the run's model on validation
pictures. An export is a numbered folder, as TensorFlow Serving takes it: exports/<name>/1, then 2. Ends with status 0,
or with 2 for a mistake or a check that failed; then, and after Ctrl-C or SIGTERM, nothing is exported.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import os
import signal
import sys

from archspec import cli


def main() -> None:
    from builder.exports.formats import CHOICES

    parser = cli.parser(__doc__)
    parser.add_argument("run", metavar="RUN", help="the directory of a run, runs/<name>/<time>")
    parser.add_argument(
        "--format",
        nargs="+",
        default=["saved_model"],
        choices=CHOICES,
        metavar="FORMAT",
        help=f"one or more of {', '.join(CHOICES)} (default: saved_model); litert is all of its kinds",
    )
    parser.add_argument("--out", metavar="DIR", help="the folder of the network's exports (default: exports/<name>)")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (default: that of TFDS)")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        from builder.exports.exporter import check_before, export

        check_before(args.run, args.format, args.out)
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # what is written depends on the devices, and should not
        from builder.system.tensorflow_start import import_tensorflow

        import_tensorflow()  # it takes seconds, and is for runs that can be opened only
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what is half-written goes first
        export(args.run, args.format, args.out, args.data_dir)


if __name__ == "__main__":
    main()
