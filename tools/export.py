"""Exports a run's best model to other formats, and proves that every file predicts the same.

python tools/export.py runs/digits/20261124-095041
python tools/export.py runs/digits/20261124-095041 --format saved_model onnx litert --out models/digits

Every file is loaded in a process of its own, by its own runtime, and compared with the run's model on validation
pictures. An export is a numbered folder, as TensorFlow Serving expects it: exports/<name>/1, then 2. The exit status is
0; 1 if a format failed, although the others were exported; or 2 after a mistake. Then, and after Ctrl-C or SIGTERM,
nothing is exported.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import os

from archspec import cli
from builder.exports.exporter import export
from builder.exports.formats import CHOICES
from builder.system.endings import ExportFailed
from builder.system.signals import exit_on_sigterm


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("run", metavar="RUN", help="the directory of a run or of a search, runs/<name>/<time>")
    parser.add_argument(
        "--format",
        nargs="+",
        default=["saved_model"],
        choices=CHOICES,
        metavar="FORMAT",
        help=f"one or more of {', '.join(CHOICES)} (default: saved_model); litert selects all of its precisions",
    )
    parser.add_argument("--out", metavar="DIR", help="the folder of the network's exports (default: exports/<name>)")
    parser.add_argument("--data", metavar="PATH", help="pictures for the check: a folder of classes, or .npz")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (default: that of TFDS)")
    args = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # what is written must not depend on the machine's devices
    exit_on_sigterm()
    with cli.exit_on_user_error():
        try:
            export(args.run, args.format, args.out, args.data_dir, data=args.data)
        except ExportFailed as error:
            cli.fail(str(error), 1)


if __name__ == "__main__":
    main()
