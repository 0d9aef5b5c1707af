"""The process of an execution, and the fork server's process, which imports TensorFlow once and uses none of it.

Forking is safe because that process has a single thread, so that no lock can stay held by a thread which the fork does
not copy, and because neither TensorFlow's eager context nor a device is in use before the fork: each execution starts
its own threads, those of tf.data and of the kernels too. Where this is not certain (on systems other than Linux, or if
a library starts threads when it is imported), executions are processes that import everything themselves.

A task arrives as a line of JSON. The answers are lines, `NUMBER began PID` and `NUMBER ended STATUS`; when they end,
this process and all executions have ended. An execution trains, writes how it ended, and exits. All of them end with
the search: when the pipe from it closes, they save their state and stop.
"""

from __future__ import annotations

import contextlib
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
from typing import TYPE_CHECKING, NoReturn

import archspec
from archspec.errors import UserError, is_full_disk
from archspec.wording import first_line
from builder.runs import names
from builder.runs.directory import is_begun
from builder.runs.metrics import read_metrics
from builder.sweep.processes.task import FAULT_STATUS, Task, from_line
from builder.sweep.records import COMPLETED, DIVERGED, FAILED, METRICS, OUT_OF_MEMORY, Execution
from builder.system.endings import Diverged, Interrupted, machine_fault
from builder.system.files import write_json

if TYPE_CHECKING:
    from builder.training.result import Result

WAIT_FOR_LOCK = 30.0
"""Seconds for the former owner of the run directory, whose search died, to save its state."""
POLL_SECONDS = 0.02
LEAST_THREADS = 2
"""The threads for operations of a trial on one core. With one, oneDNN corrupts memory: see `builder/__init__.py`."""


def main() -> None:
    if len(sys.argv) > 1:
        execute(Task.from_json(json.loads(sys.argv[1])), int(sys.argv[2]))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    answers = os.dup(1)
    os.dup2(2, 1)  # the output of an import is no answer
    prepare()
    alive, held = os.pipe()  # nobody writes to it: it closes when this process ends
    numbers: dict[int, int] = {}
    text, is_open = b"", True
    while is_open:
        if select.select([0], [], [], POLL_SECONDS)[0]:
            part = os.read(0, 65536)
            is_open = bool(part)
            *lines, text = (text + part).split(b"\n")
            for line in lines:
                task, number = from_line(line)
                pid = _forked(task, alive, held) if can_fork() else _spawned(task, alive, answers)
                numbers[pid] = number
                os.write(answers, f"{number} began {pid}\n".encode())
        while numbers and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            os.write(answers, f"{numbers.pop(ended[0])} ended {os.waitstatus_to_exitcode(ended[1])}\n".encode())
    os._exit(0)  # at once: executions stop when this process ends


def prepare() -> None:
    """Does once what every training begins with: imports, some of which are lazy, and the search for fonts."""
    import tensorboard.summary.v2  # noqa: F401
    from matplotlib.figure import Figure

    import archspec.spec.search  # noqa: F401
    import builder.training.trainer  # noqa: F401

    Figure().savefig(io.BytesIO())


def can_fork() -> bool:
    """Whether this process certainly has a single thread; only Linux can tell."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


def _forked(task: Task, alive: int, held: int) -> int:
    pid = os.fork()
    if pid == 0:
        os.close(held)
        try:
            execute(task, alive)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return pid


def _spawned(task: Task, alive: int, answers: int) -> int:
    command = [*sys.orig_argv, json.dumps(task.to_json()), str(alive)]
    for end in (alive, answers):
        os.set_inheritable(end, True)
    return os.posix_spawn(sys.executable, command, os.environ)


def execute(task: Task, alive: int) -> NoReturn:
    """Carries out a task in this process, writes its record and exits.

    Args:
        task: what to train.
        alive: a pipe's end that closes when the process that started this one ends.
    """
    import builder.training.trainer

    began = time.monotonic()
    try:
        _set_up(task)
    except OSError as error:
        _end_if_machine_fails(error)
        raise
    threading.Thread(target=_stop_with_parent, args=[alive], daemon=True).start()
    record = Execution(trial=task.trial, number=task.number, state=FAILED, seed=task.seed)
    try:
        spec = archspec.load(task.spec)
        _wait_for_lock(task.run_dir)
        result = builder.training.trainer.train(
            spec,
            task.run_dir,
            data_dir=task.data_dir,
            say=_say,
            resume=is_begun(task.run_dir),
            until=task.until,
            memory_share=task.memory_share,
        )
        record = _completed(record, result, task)
    except Interrupted as stop:
        _end_by(stop.status - 128)  # without a record: it is resumed later
    except Diverged as error:
        record = dataclasses.replace(record, state=DIVERGED, message=str(error))
    except UserError as error:
        _end_if_machine_fails(error)
        record = dataclasses.replace(record, state=_state(error), message=str(error))
    except Exception as error:
        _end_if_machine_fails(error)
        traceback.print_exc()
        message = f"{type(error).__name__}: {first_line(error)}"
        record = dataclasses.replace(record, state=_state(error), message=message)
    record = dataclasses.replace(record, wall_seconds=time.monotonic() - began)
    try:
        if record.message:
            _say(record.message)
        write_json(task.record, dataclasses.asdict(record))
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, UserError) as error:
        _end_if_machine_fails(error)
        raise
    os._exit(0)  # nothing is left to do, for which TensorFlow would take a second


def _end_if_machine_fails(error: Exception) -> None:
    """Ends this process without a record, so that the execution is resumed later, if the machine is at fault: no other
    candidate could be trained either. The exit status says what it is."""
    fault = machine_fault(error)
    if fault is not None:
        with contextlib.suppress(OSError):  # the log may be on the full disk
            _say(str(error))
        os._exit(FAULT_STATUS + fault)


def _state(error: BaseException | None) -> str:
    """The state that an error leads to: `out_of_memory` if that is what it, or any error that led to it, means."""
    while error is not None:
        exhausted = type(error).__name__ == "ResourceExhaustedError" and not is_full_disk(error)
        if isinstance(error, MemoryError) or exhausted:
            return OUT_OF_MEMORY
        error = error.__cause__ or error.__context__
    return FAILED


def _set_up(task: Task) -> None:
    """Sets the output, cores, GPUs and threads of this process; TensorFlow reads these when it first uses devices."""
    os.close(0)  # from which the fork server reads tasks
    os.open(os.devnull, os.O_RDONLY)
    log = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS"):  # they describe the cluster of the search, not one of a trial
        os.environ.pop(name, None)
    if task.gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = task.gpus
    if task.cores and sys.platform == "linux":
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), task.cores)
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(max(LEAST_THREADS, len(task.cores)))
        tf.config.threading.set_inter_op_parallelism_threads(len(task.cores))


def _stop_with_parent(alive: int) -> None:
    """Stops this process, with SIGTERM, when the one that started it ends."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _end_by(number: int) -> NoReturn:
    """Ends this process by a signal, so that its exit status shows it."""
    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _wait_for_lock(run_dir: Path) -> None:
    """Waits until the process that trained the run before has ended."""
    path = run_dir / names.LOCK
    deadline = time.monotonic() + WAIT_FOR_LOCK
    while path.exists() and time.monotonic() < deadline:
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.2)


def _completed(record: Execution, result: Result, task: Task) -> Execution:
    """The record of a training that reached its end, with the metrics of its run."""
    rows = read_metrics(task.run_dir / names.METRICS)
    best = next(row for row in rows if row["epoch"] == result.best_epoch)
    return dataclasses.replace(
        record,
        state=COMPLETED,
        objective={**best, **task.sizes}[task.objective],
        metrics={name: best[name] for name in METRICS},
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        seconds=sum(row["seconds"] for row in rows if row["epoch"] > task.from_epoch),
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
