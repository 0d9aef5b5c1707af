"""The task of an execution, on its way to the process."""

import dataclasses
from pathlib import Path

from builder.sweep.processes.task import Task, from_line, to_line

PATHS = {"spec": Path("a b.yaml"), "run_dir": Path("run-1"), "record": Path("run-1.json"), "log": Path("run-1.log")}
SIZES = {"trainable_parameters": 12, "macs": 34}
TASK = Task(
    trial="0001",
    number=2,
    **PATHS,
    data_dir=None,
    until=3,
    from_epoch=1,
    seed=7,
    objective="val_loss",
    sizes=SIZES,
    cores=[0, 1],
    gpus="0,2",
)


def test_a_task_arrives_as_it_was_sent():
    line = to_line(TASK, 5)
    assert line.count(b"\n") == 1
    assert from_line(line) == (TASK, 5)
    assert Task.from_json(TASK.to_json()) == TASK


def test_every_field_that_is_a_path_is_one_again():
    arrived, _ = from_line(to_line(TASK, 0))
    assert [type(value) for value in vars(arrived).values()] == [type(value) for value in vars(TASK).values()]
    assert {field.name for field in dataclasses.fields(Task) if field.type == "Path"} == PATHS.keys()
