"""Workers on one machine are reached by nobody else, or a warning says that they can be."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from builder.distribution import isolation, launcher
from builder.distribution.isolation import obstacle_to_isolation
from tests.processes import ENVIRONMENT, ROOT

WORKER = """
import json, os, socket, sys, time
config = json.loads(os.environ["TF_CONFIG"])
addresses = [address.rpartition(":") for address in config["cluster"]["worker"]]
index = config["task"]["index"]
server = socket.create_server(("0.0.0.0", int(addresses[index][2])))  # as TensorFlow does
other = addresses[1 - index]
for _ in range(500):
    try:
        socket.create_connection((other[0], int(other[2]))).close()
        break
    except OSError:
        time.sleep(0.01)
else:
    sys.exit(3)
print(json.dumps([os.getpid(), config["cluster"]["worker"], os.getuid(), open(sys.argv[1]).read()]), flush=True)
time.sleep(60)
"""
LAUNCHER = """
import sys
from builder.distribution import isolation, launcher
{setup}
sys.exit(launcher.launch([sys.executable, "-c", {worker!r}, {secret!r}], 2))
"""


def address_of_this_machine():
    """An address of this machine that is not on the loopback device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.connect(("192.0.2.1", 9))  # RFC 5737: an address for documentation; nothing is sent
        except OSError:  # no network
            return "127.0.0.2"
        return any_socket.getsockname()[0]


def launched(tmp_path, setup=""):
    """Two workers that know each other, as a process; what the chief says of itself; and what was warned of."""
    secret = tmp_path / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    code = LAUNCHER.format(setup=setup, worker=WORKER, secret=str(secret))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=ROOT,
        text=True,
    )
    return process, json.loads(process.stdout.readline())


def ended(process):
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 143
    return errors


def is_reached(host, address):
    with socket.socket() as client:
        client.settimeout(2)
        number = client.connect_ex((host, int(address.rpartition(":")[2])))
    assert number in (0, errno.ECONNREFUSED)
    return number == 0


def test_workers_reach_each_other_and_nobody_reaches_them(tmp_path):
    if obstacle := obstacle_to_isolation():
        pytest.skip(f"this system has no namespaces for users: {obstacle}")
    process, (pid, workers, user, secret) = launched(tmp_path)
    assert (user, secret) == (os.getuid(), "mine")
    for host in (address_of_this_machine(), "127.0.0.1"):
        assert not any(is_reached(host, address) for address in workers)
    with open(f"/proc/{pid}/net/tcp") as table:  # the sockets of the workers' own network
        listening = [int(line.split()[1].split(":")[1], 16) for line in table if line.split()[3] == "0A"]
    assert sorted(listening) == sorted(int(address.rpartition(":")[2]) for address in workers)
    assert ended(process) == ""


def test_where_that_is_impossible_a_warning_says_so_first(tmp_path):
    setup = "launcher.obstacle_to_isolation = lambda: 'Operation not permitted'"
    process, (_, workers, _, _) = launched(tmp_path, setup)
    assert all(is_reached(address_of_this_machine(), address) for address in workers)
    ports = " and ".join(address.rpartition(":")[2] for address in workers)
    assert ended(process) == (
        f"warning: the workers can be reached from other machines, on the ports {ports}, and TensorFlow's servers run "
        "what they are sent, whoever sends it (Operation not permitted); close the ports as docs/distribution.md says\n"
    )


@pytest.mark.parametrize("step", ["_unshare", "fcntl.ioctl"])
def test_a_system_that_refuses_a_step_leaves_this_process_as_it_is(step, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(f"{isolation.__name__}.{step}", refuse)
    before = os.readlink("/proc/self/ns/net")
    assert obstacle_to_isolation() == "Operation not permitted"
    assert os.readlink("/proc/self/ns/net") == before


def test_data_are_prepared_while_there_is_a_network(tmp_path, monkeypatch):
    steps = tmp_path / "steps"

    def step(name):
        with steps.open("a") as file:
            file.write(f"{name} ")

    monkeypatch.setattr(launcher, "obstacle_to_isolation", lambda: "")
    monkeypatch.setattr(launcher, "isolate", lambda: step("isolate"))
    command = [sys.executable, "-c", f"open({str(steps)!r}, 'a').write('worker ')"]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert launcher.launch(command, 2, lambda: (time.sleep(0.1), step("prepare"))) == 0
        assert steps.read_text() == "prepare isolate worker worker "
        assert launcher.launch(command, 2, lambda: os._exit(2)) == 2
        assert steps.read_text() == "prepare isolate worker worker "
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
