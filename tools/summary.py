"""Analyses networks without building any: each layer's shape, parameters, MACs, receptive field and stride, and totals.

`conv 3x3/2 +2` is a 3x3 convolution with stride 2 and the two layers declared on it, its norm and activation.

python tools/summary.py specs/resnet50.yaml
python tools/summary.py specs/resnet18.yaml specs/resnet50.yaml --batch-size 64
python tools/summary.py runs/digits/20261124-095041 --origins
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
import json

from archspec import cli, report
from archspec.spec import origins
from builder.runs.shown import shown


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, its name, a run or a search")
    cli.add_set_argument(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: an object, or a list of them for several specs")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--batch-size", type=cli.positive, metavar="N", help="pictures per step, for the memory")
    parser.add_argument("--depth", type=cli.positive, metavar="N", help="fold the table to N levels of names")
    parser.add_argument("--origins", action="store_true", help="print where each value comes from, instead of a table")
    args = parser.parse_args()
    if args.depth is not None and (args.json or len(args.specs) > 1):
        parser.error("--depth folds the table of one network; leave it out with --json and with several specs")
    with cli.exit_on_user_error():
        specs = cli.load_all(list(map(shown, args.specs)), args.set)
        if args.origins and not args.json:
            print("\n\n".join(origins.listing(origins.origins(spec)) for spec in specs))
            return
        summaries = [report.summarise(spec, args.batch_size) for spec in specs]
        if args.json:
            objects = [report.to_json(summary) for summary in summaries]
            for values, spec in zip(objects, specs if args.origins else (), strict=False):
                values["origins"] = origins.to_json(origins.origins(spec))
            print(json.dumps(objects if len(objects) > 1 else objects[0], indent=2))
        elif len(summaries) > 1:
            print(report.comparison(summaries, args.batch_size, args.markdown))
        else:
            print(report.table(summaries[0], args.depth, args.markdown))


if __name__ == "__main__":
    main()
