"""Draws networks: one, or several side by side with equal strides at equal heights. It needs neither TensorFlow nor
graphviz.

Repeats are drawn once, with "× 36", and groups are folded to a box, where the drawing would have more than 40 boxes.

python tools/draw.py specs/resnet152.yaml
python tools/draw.py specs/resnet152.yaml --open stage3.block2 --by macs -o resnet152.svg
python tools/draw.py specs/vgg_e.yaml specs/plain34.yaml specs/resnet34.yaml -o figure3.svg
python tools/draw.py specs/resnet34.yaml specs/resnet50.yaml --diff
python tools/draw.py specs/resnet18.yaml --field stage2 --picture photo.jpg -o seen.html
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)

from archspec import cli
from archspec.comparison import marks_of
from archspec.comparison.names import named_graphs
from archspec.drawing import MEASURES, draw_graphs, formats
from builder.runs.shown import shown


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, its name, a run or a search")
    cli.add_set_argument(parser)
    parser.add_argument(
        "-o",
        dest="file",
        metavar="FILE",
        help=f"the file to write, which ends in {', '.join(formats.FORMATS)}; - for SVG on standard output; by default "
        "NAME.svg in the current directory",
    )
    parser.add_argument("--depth", type=cli.positive, metavar="N", help="open groups to N levels of names")
    parser.add_argument("--open", action="append", default=[], metavar="PATH", help="open this group, or all of them")
    parser.add_argument("--by", choices=list(MEASURES), help="shade the boxes by a number, and say each one's share")
    parser.add_argument("--diff", action="store_true", help="mark what was added, removed or changed in the second")
    parser.add_argument("--field", nargs="?", const="", metavar="LAYER", help="draw what an element of a layer sees")
    parser.add_argument("--picture", metavar="FILE", help="draw it over this picture, cropped and resized to the input")
    args = parser.parse_args()
    sees = args.field is not None or args.picture is not None
    if sees and (args.depth or args.open or args.by or args.diff):
        parser.error("--field and --picture draw no boxes; leave out --depth, --open, --by and --diff")
    with cli.exit_on_user_error():
        if args.file is not None:
            formats.check_format(args.file)
        load = cli.load_to_compare if args.diff else cli.load_all
        specs = load([shown(path) for path in args.specs], args.set)
        graphs = named_graphs(specs, args.specs, args.set)
        file = args.file or formats.default_path([spec.name for spec in specs])
        if sees:
            from archspec.drawing.fields.drawing import field_drawing

            formats.output(field_drawing(graphs, args.field or None, args.picture, "--field"), file)
        else:
            marks = marks_of(graphs) if args.diff else None
            formats.output(draw_graphs(graphs, args.depth, args.open, args.by, marks), file)


if __name__ == "__main__":
    main()
