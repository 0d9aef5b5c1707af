"""How the workers of one machine end together after signals, with plain processes in their place."""

import signal
import subprocess
import sys
import time

import pytest

from builder.distribution import launcher
from tests.processes import ENVIRONMENT, ROOT

WORKER = """
import json, os, signal, sys, time
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
statuses = json.loads(sys.argv[1])[index]  # after the first signal, after the second
taken = []
def take(number, frame):
    taken.append(number)
    if statuses[len(taken) - 1] is not None:
        os._exit(statuses[len(taken) - 1])
signal.signal(signal.SIGINT, take)
signal.signal(signal.SIGTERM, take)
open(f"{sys.argv[2]}/{index}", "w").close()
time.sleep(60)
"""
LAUNCHER = """
import sys
from builder.distribution import launcher
launcher.obstacle_to_isolation = lambda: "a test"
launcher.FAILING_SECONDS, launcher.STOPPING_SECONDS = 0.5, 3
sys.exit(launcher.launch([sys.executable, "-c", {worker!r}, {statuses!r}, {folder!r}], 2))
"""


def test_workers_reach_each_other_past_a_proxy(tmp_path, monkeypatch):
    """gRPC would ask the proxy for an address of this machine, and wait for ever."""
    monkeypatch.setattr(launcher, "obstacle_to_isolation", lambda: "a test")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    code = f"import os; open(f'{tmp_path}/{{os.getpid()}}', 'w').write(os.environ['no_grpc_proxy'])"
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert launcher.launch([sys.executable, "-c", code], 2) == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["127.0.0.1", "127.0.0.1"]


def status_after(tmp_path, statuses, *signals):
    """The exit status of a launcher, and the lines after its warning; each worker has two statuses to end with."""
    code = LAUNCHER.format(worker=WORKER, statuses=statuses, folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=ROOT)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors.decode().splitlines()[1:]


@pytest.mark.parametrize(
    ("statuses", "signals", "expected"),
    [
        ("[[130, null], [130, null]]", [signal.SIGINT], 130),
        ("[[143, null], [1, null]]", [signal.SIGTERM], 143),
        ("[[0, null], [0, null]]", [signal.SIGINT], 0),  # it had just completed
        ("[[2, null], [1, null]]", [signal.SIGINT], 2),  # the disk was full
        ("[[null, 130], [null, 1]]", [signal.SIGINT, signal.SIGINT], 130),  # the second lost its peer
        ("[[null, null], [null, 1]]", [signal.SIGINT, signal.SIGINT], 130),  # the chief waits for it for ever
        ("[[null, null], [null, null]]", [signal.SIGINT, signal.SIGINT], 130),  # each waits for the other
    ],
)
def test_the_status_after_signals_is_that_of_a_shell(tmp_path, statuses, signals, expected):
    assert status_after(tmp_path, statuses, *signals) == (expected, [])


def test_workers_that_never_notice_a_signal_are_stopped(tmp_path):
    status, lines = status_after(tmp_path, "[[null, null], [null, null]]", signal.SIGTERM)
    assert (status, lines) == (143, ["the workers have not ended 3 seconds after a signal; they are stopped"])
