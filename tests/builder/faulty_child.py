"""The process of a trial with a fault in it: FAULTS is a JSON object from trials to faults.

`raise` always raises, `hang` never ends; `write` kills the process half-way through its first checkpoint, and `disk`
finds no space for it, both only once.
"""

import errno
import json
import os
import signal
import time
from pathlib import Path

from builder import checkpoints
from builder.sweep import child

FAULTS = json.loads(os.environ["FAULTS"])


def arrange(task):
    fault, mark = FAULTS.get(task["trial"]), Path(task["log"]).with_suffix(".fault")
    write = checkpoints.write_tensors
    if fault == "raise":
        raise_at_the_first_write(lambda path: (_ for _ in ()).throw(ZeroDivisionError("a mistake in a trial")))
    elif fault == "hang":
        raise_at_the_first_write(lambda path: time.sleep(3600))
    elif fault in ("write", "disk") and not mark.exists():
        mark.touch()
        raise_at_the_first_write(half_written if fault == "write" else no_space)
    return write


def half_written(path):
    path.with_name(f".{os.getpid()}.{path.name}").write_bytes(b"half a checkpoint")
    os.kill(os.getpid(), signal.SIGKILL)


def no_space(path):
    def save_file(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    checkpoints.save_file = save_file


def raise_at_the_first_write(happening):
    write = checkpoints.write_tensors

    def broken(path, tensors, metadata=None):
        happening(path)
        write(path, tensors, metadata)

    checkpoints.write_tensors = broken
    checkpoints.Checkpoints.save.__globals__["write_tensors"] = broken


if __name__ == "__main__":
    given = child._arrange

    def arranged(task):
        given(task)
        arrange(task)

    child._arrange = arranged
    child.main()
