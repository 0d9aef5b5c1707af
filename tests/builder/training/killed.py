"""Trains a spec until a chosen moment, and then kills its own process as `kill -9` would.

Takes lines of JSON, [SPEC, RUN_DIR, DATA_DIR, WHEN, NUMBER, OUTPUT], and answers each with the status of the process,
whose output goes to the file OUTPUT. It imports TensorFlow once and forks a process for each line.

WHEN is `never`, `step` (after a call of steps that reaches NUMBER, its checkpoints written), `write` (half-way through
writing the checkpoint after NUMBER steps), `best` (before the best weights are written for the NUMBERth time, when the
checkpoint is there) or `disk` (no space is left for the checkpoint after NUMBER steps). A run that is there is resumed.
"""

import errno
import json
import os
import signal
import sys
import traceback
from pathlib import Path

import archspec
from builder.runs import checkpoints
from builder.runs.names import BEST
from builder.training.loop import Loop
from builder.training.trainer import train


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(when, number):
    advance, write = Loop._advance, checkpoints.write_tensors

    def advance_and_die(self, *arguments):
        advance(self, *arguments)
        if self.progress.step >= number:
            self.files.wait()
            kill()

    def write_half(path, tensors, metadata=None):
        if path.name == f"step-{number:09d}.safetensors":
            path.with_name(f".{os.getpid()}.{path.name}").write_bytes(b"half a checkpoint")
            kill()
        write(path, tensors, metadata)

    def write_no_best(path, tensors, metadata=None):
        if path.name == BEST:
            arrange.epochs += 1
            if arrange.epochs == number:
                kill()
        write(path, tensors, metadata)

    def full_disk(self, content):
        if f"step-{number:09d}" not in str(self):
            return write_bytes(self, content)
        write_bytes(self, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_bytes = Path.write_bytes
    if when == "step":
        Loop._advance = advance_and_die
    elif when == "write":
        checkpoints.write_tensors = write_half
    elif when == "best":
        checkpoints.write_tensors = write_no_best
    elif when == "disk":
        Path.write_bytes = full_disk


arrange.epochs = 0


def run(spec, run_dir, data_dir, when, number):
    """The status of a process that trains."""
    arrange(when, number)
    try:
        train(archspec.load(spec), run_dir, data_dir, resume=True)
    except archspec.UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def main():
    for line in sys.stdin:
        *task, output = json.loads(line)
        pid = os.fork()
        if pid == 0:
            file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for stream in (1, 2):
                os.dup2(file, stream)
            status = 1
            try:
                status = run(*task)
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
