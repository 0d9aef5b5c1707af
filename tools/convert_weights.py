"""Matches weights from elsewhere with a network, shows what fits and what does not, and writes them for either side.

python tools/convert_weights.py resnet50.pth specs/resnet50.yaml
python tools/convert_weights.py resnet50.pth specs/resnet50.yaml --to keras --out resnet50.weights.h5
python tools/convert_weights.py runs/mine/20261124-095041 --to torch --like module.pth --out mine.safetensors"""

import builder.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import argparse
from pathlib import Path

from archspec import cli
from builder.quiet import import_tensorflow


def pair(text: str) -> tuple[str, str]:
    file, equals, network = text.partition("=")
    if not (file and equals and network):
        raise argparse.ArgumentTypeError(f"expected A=B, got '{text}'")
    return file, network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("source", metavar="SOURCE", help=".safetensors, .pth, .weights.h5, .keras, a run's directory, keras:ResNet50")
    add("spec", metavar="SPEC", nargs="?", help="the network (default: that of the run)")
    cli.add_set_argument(parser)
    add("--to", choices=("keras", "torch"), help="the side to write for")
    add("--out", metavar="FILE", help="what to write: .weights.h5 or .keras for keras, .safetensors for torch")
    add("--like", metavar="FILE", help="with --to torch: a state dict of the module, whose names and shapes to use")
    add("--skip-head", action="store_true", help="leave the network's last layer as it is initialised")
    add("--partial", action="store_true", help="take what fits, whatever is missing or left over")
    add("--pair", type=pair, action="append", default=[], metavar="A=B", help="layer A of the file is B of the network")
    add("--force", action="store_true", help="overwrite the output")
    add("--full", action="store_true", help="show every tensor, not the differences alone")
    args = parser.parse_args()
    if bool(args.to) != bool(args.out):
        parser.error("--to and --out go together")
    if bool(args.like) != (args.to == "torch"):
        parser.error("--to torch and --like go together: the names are those of a state dict of the module")
    if not args.spec and not Path(args.source).is_dir():
        parser.error("SPEC is needed where SOURCE is not a run")
    with cli.exit_on_user_error():
        (spec,) = cli.load_all([args.spec or str(Path(args.source) / "spec.yaml")], args.set)
        import_tensorflow()  # it takes seconds, and is for valid specs only
        from builder import weights

        if args.out:
            weights.check_writable(args.out, args.to, args.force)
        matching = weights.match(spec, weights.read(args.source), dict(args.pair), args.skip_head)
        weights.require(matching, args.partial, args.full)
        print(weights.text(matching, args.full))
        if args.to == "keras":
            weights.write_keras(matching, args.out, args.force)
        elif args.to == "torch":
            weights.write_torch(matching, weights.read(args.like), args.out, args.force)


if __name__ == "__main__":
    main()
