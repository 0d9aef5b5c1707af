"""The process of a trial with a fault in it: FAULTS is a JSON object from trials to faults.

`raise` always raises, `memory` asks for too much, `hang` never ends. Only once, `write` kills the process half-way
through its first checkpoint, `disk` finds no space for it, and `wait` waits at its second one until it is killed or the
process that forked it is gone. A fault that does not come about is an error of its own. With --spawn, no trial is
forked.
"""

import json
import os
import signal
import sys
import time

from builder.runs import checkpoints
from builder.sweep.processes import child

FAULTS = json.loads(os.environ["FAULTS"])


def set_fault(task):
    fault, mark = FAULTS.get(task.trial), task.log.with_suffix(".fault")
    if fault in ("write", "disk", "wait") and mark.exists():
        return
    if fault == "wait":
        mark.touch()
        happen(at_the_second(waiting(mark.with_suffix(".waiting"))))
    elif fault is not None:
        mark.touch()
        happen(and_must_end_it(KINDS[fault]))


def mistake(path):
    raise ZeroDivisionError("a mistake in a trial")


def all_memory(path):
    import tensorflow as tf

    tf.zeros([1 << 20, 1 << 20, 1 << 10])


def hang(path):
    time.sleep(3600)


def half_written(path):
    temporary(path).write_bytes(b"half a checkpoint")
    os.kill(os.getpid(), signal.SIGKILL)


def no_space(path):
    temporary(path).symlink_to("/dev/full")  # the kernel's own error, whichever function writes


KINDS = {"raise": mistake, "memory": all_memory, "hang": hang, "write": half_written, "disk": no_space}


def temporary(path):
    return path.with_name(f".{os.getpid()}.{path.name}")


def waiting(mark):
    parent = os.getppid()

    def fault(path, write):
        mark.touch()
        while os.getppid() == parent:
            time.sleep(0.02)
        time.sleep(2)  # the signal to stop arrives
        write()

    return fault


def at_the_second(fault):
    calls = []

    def counted(path, write):
        calls.append(path)
        fault(path, write) if len(calls) == 2 else write()

    return counted


def and_must_end_it(fault):
    def checked(path, write):
        fault(path)
        write()
        raise AssertionError(f"{fault.__name__} has changed nothing")

    return checked


def happen(fault):
    """At the writing of a checkpoint's file."""
    write = checkpoints.write_tensors
    checkpoints.write_tensors = lambda path, *rest: fault(path, lambda: write(path, *rest))


if __name__ == "__main__":
    set_up = child._set_up

    def set_up_with_fault(task):
        set_up(task)
        set_fault(task)

    child._set_up = set_up_with_fault
    if "--spawn" in sys.argv:
        sys.argv.remove("--spawn")
        child.can_fork = lambda: False
    child.main()
