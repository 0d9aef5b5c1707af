"""Draws what a training will see: augmented pictures with labels, evaluation pictures, and the learning rates.

python tools/preview.py specs/digits.yaml
python tools/preview.py specs/digits.yaml --set train.augment='[{random_crop: 2}, mixup]' --out mixed.png
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)

from archspec import cli
from builder.system.tensorflow_start import import_tensorflow


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("spec", metavar="SPEC", help="a spec with a 'train' section")
    cli.add_set_argument(parser)
    parser.add_argument("--out", default="preview.png", metavar="FILE", help="the PNG to write (default: preview.png)")
    parser.add_argument("--count", type=cli.positive, default=32, metavar="N", help="training pictures (default: 32)")
    parser.add_argument("--data-dir", metavar="DIR", help="where data sets are kept (default: that of TFDS)")
    args = parser.parse_args()
    if args.count > 800:
        parser.error(f"argument --count: at most 800 pictures, got {args.count}")
    with cli.exit_on_user_error():
        (spec,) = cli.load_all([args.spec], args.set)
        import_tensorflow()  # it takes seconds, so mistakes are reported first
        from builder.training.preview import preview

        print(f"saved {preview(spec, args.out, args.count, args.data_dir)}")


if __name__ == "__main__":
    main()
