"""Trains a network as the `train` section of its spec says, into a run directory of its own.

python tools/train.py specs/digits.yaml
python tools/train.py specs/digits.yaml --set n=1 --set train.epochs=5 --run-dir runs/small
"""

import argparse
import os
import sys

from archspec import cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", metavar="SPEC", help="a spec with a 'train' section")
    cli.add_set_argument(parser)
    parser.add_argument("--run-dir", metavar="DIR", help="the run's own directory (default: runs/<name>/<time>/)")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (default: that of TFDS)")
    args = parser.parse_args()
    with cli.exit_on_user_error():
        (spec,) = cli.load_all([args.spec], args.set)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from builder.train import Diverged, train  # TensorFlow takes seconds, and is for valid specs only

        try:
            train(spec, args.run_dir, args.data_dir)
        except Diverged:
            sys.exit(1)  # train has said it


if __name__ == "__main__":
    main()
