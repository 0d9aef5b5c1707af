"""The processes of executions, and the one that forks them: it imports TensorFlow once, and uses none of it.

Forking it is sound as it has one thread, so that no lock can be held for ever by one that the fork leaves behind, and
neither TensorFlow's eager context nor a device is in use before the fork: each trial makes its own threads, of tf.data
and of the kernels too. Where that cannot be told (another system than Linux, a library that starts threads when it is
imported), trials are processes that import for themselves.

A task is a line of JSON; the answers are lines `JOB began PID` and `JOB ended STATUS`, and the end of the answers: then
this process and all trials are gone. Each process trains, writes how it ended and is gone. All end with the sweep: when
the pipe to it closes, they save their state and stop.
"""

from __future__ import annotations

import dataclasses
import fcntl
import io
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import archspec
from archspec.errors import UserError, is_full_disk
from archspec.wording import first_line
from builder.runs import names
from builder.runs.metrics import read_metrics
from builder.sweep.records import COMPLETED, DIVERGED, FAILED, METRICS, OUT_OF_MEMORY, Execution
from builder.system.endings import Diverged, Interrupted
from builder.system.files import write_json

WAIT_FOR_LOCK = 30.0
"""Seconds that the run directory's former owner, whose sweep died, has to save its state."""
POLL_SECONDS = 0.02


def main() -> None:
    if len(sys.argv) > 1:
        execute(json.loads(sys.argv[1]), int(sys.argv[2]))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    answers = os.dup(1)
    os.dup2(2, 1)  # what an import prints is no answer
    prepare()
    alive, held = os.pipe()  # nobody writes: it closes when this process is gone
    jobs: dict[int, int] = {}
    text, is_open = b"", True
    while is_open:
        if select.select([0], [], [], POLL_SECONDS)[0]:
            part = os.read(0, 65536)
            is_open = bool(part)
            *lines, text = (text + part).split(b"\n")
            for line in lines:
                task = json.loads(line)
                pid = _forked(task, alive, held) if can_fork() else _spawned(task, alive, answers)
                jobs[pid] = task["job"]
                os.write(answers, f"{task['job']} began {pid}\n".encode())
        while jobs and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            os.write(answers, f"{jobs.pop(ended[0])} ended {os.waitstatus_to_exitcode(ended[1])}\n".encode())
    os._exit(0)  # at once, as trials wait for it to know that they are to stop


def prepare() -> None:
    """Does once what all trainings begin with: imports, some of which they would do late, and looking for fonts."""
    import tensorboard.summary.v2  # noqa: F401
    from matplotlib.figure import Figure

    import archspec.spec.search  # noqa: F401
    import builder.training.trainer  # noqa: F401

    Figure().savefig(io.BytesIO())


def can_fork() -> bool:
    """Whether this process has one thread, which only Linux tells for sure."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


def _forked(task: dict[str, Any], alive: int, held: int) -> int:
    pid = os.fork()
    if pid == 0:
        os.close(held)
        try:
            execute(task, alive)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return pid


def _spawned(task: dict[str, Any], alive: int, answers: int) -> int:
    command = [*sys.orig_argv, json.dumps(task), str(alive)]
    for end in (alive, answers):
        os.set_inheritable(end, True)
    return os.posix_spawn(sys.executable, command, os.environ)


def execute(task: dict[str, Any], alive: int) -> None:
    """An execution, from the arrangement of its process to its end."""
    import builder.training.trainer

    began = time.monotonic()
    _arrange(task)
    threading.Thread(target=_follow, args=[alive], daemon=True).start()
    record = Execution(trial=task["trial"], number=task["number"], state=FAILED, seed=task["seed"])
    try:
        spec = archspec.load(task["spec"])
        _wait_for_lock(Path(task["run_dir"]))
        result = builder.training.trainer.train(
            spec, task["run_dir"], task["data_dir"], _say, resume=True, until=task["until"]
        )
        record = _completed(record, Path(task["run_dir"]), result, task)
    except Interrupted as stop:
        _end_by(stop.status - 128)  # it goes on another time
    except Diverged as error:
        record = dataclasses.replace(record, state=DIVERGED, message=str(error))
    except UserError as error:
        record = dataclasses.replace(record, state=_state(error), message=str(error))
    except Exception as error:
        traceback.print_exc()
        message = f"{type(error).__name__}: {first_line(error)}"
        record = dataclasses.replace(record, state=_state(error), message=message)
    record = dataclasses.replace(record, wall_seconds=time.monotonic() - began)
    if record.message:
        _say(record.message)
    write_json(Path(task["record"]), dataclasses.asdict(record))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing is left to do, and TensorFlow takes a second for it


def _state(error: BaseException | None) -> str:
    """Whether memory was short, also where that was explained in other words."""
    while error is not None:
        exhausted = type(error).__name__ == "ResourceExhaustedError" and not is_full_disk(error)
        if isinstance(error, MemoryError) or exhausted:
            return OUT_OF_MEMORY
        error = error.__cause__ or error.__context__
    return FAILED


def _arrange(task: dict[str, Any]) -> None:
    """Its output, cores, GPUs and threads. TensorFlow reads these when it first looks for devices."""
    os.close(0)  # the tasks of others
    os.open(os.devnull, os.O_RDONLY)
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS"):  # the cluster is of sweeps' workers, not of a trial's
        os.environ.pop(name, None)
    if task["gpus"] is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = task["gpus"]
    if task["cores"] and sys.platform == "linux":
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), task["cores"])
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(len(task["cores"]))
        tf.config.threading.set_inter_op_parallelism_threads(len(task["cores"]))


def _follow(alive: int) -> None:
    """Stops this process when the one that forked it is gone."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _end_by(number: int) -> NoReturn:
    """Ends this process by a signal, for those who wait for it to know."""
    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _wait_for_lock(run_dir: Path) -> None:
    """Until the process that had the run before has ended."""
    path = run_dir / names.LOCK
    deadline = time.monotonic() + WAIT_FOR_LOCK
    while path.exists() and time.monotonic() < deadline:
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.2)


def _completed(record: Execution, run_dir: Path, result: Any, task: dict[str, Any]) -> Execution:
    """The record of a training that reached its end, from the run's own metrics."""
    rows = read_metrics(run_dir / names.METRICS)
    best = next(row for row in rows if row["epoch"] == result.best_epoch)
    known = {**best, **task["known"]}
    return dataclasses.replace(
        record,
        state=COMPLETED,
        objective=known[task["objective"]],
        metrics={name: best[name] for name in METRICS},
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        seconds=sum(row["seconds"] for row in rows if row["epoch"] > task["from_epoch"]),
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
