"""Sends a run to a tracker of experiments, MLflow or Weights & Biases: its spec, epochs, pictures and reports.

python tools/log.py runs/digits/20261124-095041 --to mlflow
python tools/log.py runs/digits/20261124-095041 --to wandb --follow

A run is sent while it is trained, or afterwards, by this process alone: whatever becomes of the tracker, the training
does not notice. What the tracker has already is not sent again. MLFLOW_TRACKING_URI says where MLflow is, and
WANDB_MODE=offline keeps the runs of W&B on the disk. Of a search, the runs of all trials are sent.
"""

import builder.system.ctrl_c  # noqa: F401  # isort: skip (first, as the others take long)
from functools import partial

from archspec import cli
from builder.system.signals import exit_on_sigterm
from builder.tracking.sending import send
from builder.tracking.tracker import TRACKERS


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("run", metavar="RUN", help="the directory of a run or of a search, runs/<name>/<time>")
    parser.add_argument("--to", required=True, choices=TRACKERS, metavar="TRACKER", help=" or ".join(TRACKERS))
    parser.add_argument("--project", metavar="NAME", help="MLflow's experiment, W&B's project (default: the network)")
    parser.add_argument("--follow", action="store_true", help="send further epochs until the run's training ends")
    args = parser.parse_args()
    exit_on_sigterm()
    with cli.exit_on_user_error():
        send(args.run, args.to, args.project, args.follow, partial(print, flush=True))


if __name__ == "__main__":
    main()
