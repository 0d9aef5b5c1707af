"""Matches weights from PyTorch or Keras with a network, shows what fits and what does not, and converts them.

python tools/convert_weights.py resnet50.pth specs/resnet50.yaml
python tools/convert_weights.py resnet50.pth specs/resnet50.yaml --to keras --out resnet50.weights.h5
python tools/convert_weights.py resnet50.pth specs/resnet50.yaml --to run --normalisation torchvision --out runs/r50
python tools/convert_weights.py runs/mine/20261124-095041 --to torch --like module.pth --out mine.safetensors"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import os

from archspec import cli
from builder.runs.run import open_run
from builder.system.tensorflow_start import import_tensorflow


def main() -> None:
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("source", metavar="SOURCE", help=".safetensors, .pth, .weights.h5, .keras, a run's directory, keras:ResNet50")
    add("spec", metavar="SPEC", nargs="?", help="the network (default: the run's own)")
    cli.add_set_argument(parser)
    add("--to", choices=("keras", "torch", "run"), help="write for a framework, or a run to predict with")
    add("-o", "--out", metavar="PATH", help="keras: .weights.h5 or .keras; torch: .safetensors; run: a directory")
    add("--classes", metavar="FILE", help="with --to run: the names of the classes, one a line (default: numbers)")
    add("--normalisation", metavar="NAME", help="with --to run: of pixels, torchvision, inception or unit")
    add("--like", metavar="FILE", help="with --to torch: a state dict of the module, for its names and shapes")
    add("--prefix", default="", metavar="NAME", help="take the state dict NAME of a checkpoint, or names that begin so")
    add("--skip-head", action="store_true", help="leave the network's last layer as it is initialised")
    add("--partial", action="store_true", help="take what fits, even if something is missing or left over")
    add("--pair", type=cli.pair, action="append", default=[], metavar="A=B", help="pair file layer A with layer B")
    add("--force", action="store_true", help="overwrite the output")
    add("--full", action="store_true", help="show every tensor, not only the differences")
    args = parser.parse_args()
    if bool(args.to) != bool(args.out):
        parser.error("--to and --out go together")
    if args.to == "run" and not args.normalisation:
        parser.error("--to run needs --normalisation: torchvision for weights of torchvision and most of timm's")
    if bool(args.like) != (args.to == "torch"):
        parser.error("--to torch and --like go together: the names come from a state dict of the module")
    if not args.spec and (os.path.isfile(args.source) or args.source.startswith("keras:")):
        parser.error("SPEC is needed unless SOURCE is a run")
    with cli.exit_on_user_error():
        path = args.spec or str(open_run(args.source, is_finished=False).directory / "spec.yaml")
        (spec,) = cli.load_all([path], args.set)
        import_tensorflow()  # it takes seconds, and is for valid specs only
        from builder.weights.matching import match
        from builder.weights.reading import read
        from builder.weights.report import require, text
        from builder.weights.target import Target, check, write

        like = args.like and read(args.like)
        target = Target(args.to, args.out, args.force, like, args.classes, args.normalisation)
        check(target)
        matching = match(spec, read(args.source, args.prefix), dict(args.pair), args.skip_head)
        require(matching, args.partial, args.full)
        print(text(matching, args.full))
        write(target, matching, spec, print)


if __name__ == "__main__":
    main()
