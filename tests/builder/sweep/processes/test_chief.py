"""A search over several machines, whose chief and workers die."""

import socket
import subprocess

from tests.builder.sweep.searches import PYTHON_PATH, TOOL, table, wait_for, write
from tests.forked import python


def test_chief_and_workers_that_die(tmp_path):
    spec = write(tmp_path, 1, tuner={"random_search": {"max_trials": 4}})
    patience = "import builder.sweep.processes.chief as chief, runpy, sys; chief.LOST_SECONDS = 12"
    script = f"{patience}; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(free.getsockname()[1])}

    def process(name, *options):
        command = [python(), "-c", script, TOOL, str(spec), "--run-dir", str(tmp_path / "search"), *options]
        environment = {**PYTHON_PATH, **port, "KERASTUNER_TUNER_ID": name}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    chief, doomed = process("chief"), process("a")
    wait_for(lambda: (tmp_path / "search/trials/0001/run-1.log").exists(), doomed)
    doomed.kill()
    other = process("b")
    wait_for((tmp_path / "search/trials/0002/run-1.log").exists, other)
    chief.kill()
    before, _ = chief.communicate()
    chief = process("chief", "--resume")
    assert other.wait(timeout=300) == 0, other.stdout.read()
    output, _ = chief.communicate(timeout=120)
    doomed.communicate()
    other.communicate()
    assert chief.returncode == 0, output
    assert "chief: waiting for workers" in before
    assert "resuming: " in output
    assert "a-1 is silent: trial 0001 goes to another worker" in before + output
    assert [row["state"] for row in table(tmp_path / "search")] == ["completed"] * 4
