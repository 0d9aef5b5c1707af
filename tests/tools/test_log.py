"""`tools/log.py` as a user runs it."""

import sys

import pytest

from builder.tracking import sending, tracker
from tools import log


def run(monkeypatch, *arguments):
    """The exit status of the tool in this process; 0 if it returns."""
    monkeypatch.setattr(sys, "argv", ["tools/log.py", *map(str, arguments)])
    monkeypatch.setattr(log, "exit_on_sigterm", lambda: None)
    try:
        log.main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/none", "--to", "mlflow"], "runs/none: there is no such run\n"),
        (["runs/none"], "log.py: error: the following arguments are required: --to\n"),
        (["runs/none", "--to", "mlflw"], "'mlflw' (choose from 'mlflow', 'wandb'); did you mean 'mlflow'?\n"),
        ([".", "--to", "wandb"], ".: is not the directory of a run: it has no spec.yaml and no checkpoints/\n"),
    ],
)
def test_mistakes_end_with_status_2(arguments, message, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sending, "check_installed", lambda name: None)
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err.endswith(message)


def test_a_tracker_that_is_gone_ends_with_status_2(run_dir, monkeypatch, capsys):
    def gone(name, content):
        raise tracker.TrackerError("no route to host")

    monkeypatch.setattr(sending, "check_installed", lambda name: None)
    monkeypatch.setattr(sending, "open_tracker", gone)
    assert run(monkeypatch, run_dir, "--to", "mlflow") == 2
    assert capsys.readouterr().err == (
        "--to mlflow: MLflow cannot be reached, or refuses: no route to host; the same command sends what is missing\n"
    )
