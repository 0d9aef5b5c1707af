"""The loop of a search on this machine: asks for trials, starts their processes and records how they end."""

from __future__ import annotations

import dataclasses
import signal
import statistics
import time
from dataclasses import dataclass
from typing import Any

from archspec.errors import UserError
from builder.sweep import results
from builder.sweep.console import SweepConsole
from builder.sweep.failures import stopped_by_machine, unrecorded
from builder.sweep.plan import Plan
from builder.sweep.processes.forkserver import GRACE_SECONDS, ForkServer, TaskProcess
from builder.sweep.processes.task import FAULT_STATUS
from builder.sweep.records import COMPLETED, FAILED, Execution, Trial
from builder.sweep.results import Results
from builder.system.endings import FAULTS, machine_fault
from builder.system.files import write_json
from builder.system.signals import Interrupts
from builder.system.terminal import Say

MOST_RESTARTS = 3
"""How often an execution is resumed after a signal has killed its process."""
ASK_SECONDS = 0.5
"""Seconds between requests to an oracle that waits for other trials to end."""
ALIVE_SECONDS = 5.0
"""Seconds between signs of life to a chief."""
POLL_SECONDS = 0.05


@dataclass
class Running:
    """An execution that is being trained.

    Attributes:
        proposed: keras-tuner's trial.
        trial: its record.
        number: which of the trial's executions this is, from 1.
        process: the process that trains.
        began: when it began, by `time.monotonic`.
        restarts: how often it was resumed after a signal had killed its process.
        is_late: whether it has taken longer than it may, and was asked to end.
    """

    proposed: Any
    trial: Trial
    number: int
    process: TaskProcess
    began: float
    restarts: int = 0
    is_late: bool = False


@dataclass
class Slot:
    """A place for one execution at a time on this machine: one of its workers, for the oracle.

    Attributes:
        name: the worker's name.
        cores: the CPU cores of its executions; all of them if empty.
        gpus: their value of CUDA_VISIBLE_DEVICES, or None to leave it as it is.
        running: the execution that is being trained.
        is_done: whether the oracle has no more trials for it.
        ask_at: when to ask the oracle for a trial, by `time.monotonic`.
        alive_at: when to show the oracle a sign of life.
    """

    name: str
    cores: list[int]
    gpus: str | None
    running: Running | None = None
    is_done: bool = False
    ask_at: float = 0.0
    alive_at: float = 0.0


class SweepLoop:
    """Trains the candidates that an oracle proposes.

    Args:
        plan: what is searched.
        oracle: the oracle of this process, or the client of a chief's.
        slots: the workers of this machine.
        data_dir: where TFDS keeps prepared data sets.
        planned: how many trials there will be at most, if that is known.
        server: starts the processes; None for a chief, which trains nothing.
        say: takes the lines of progress.
        writes: whether this process writes `trials.csv` and `best.yaml`, as all but a chief's workers do.
    """

    def __init__(
        self,
        plan: Plan,
        oracle: Any,
        slots: list[Slot],
        data_dir: str | None,
        planned: int | None,
        server: ForkServer | None,
        say: Say,
        writes: bool = True,
    ):
        self.plan, self.oracle, self.slots, self.writes = plan, oracle, slots, writes
        self.data_dir, self.server = data_dir, server
        self.console = SweepConsole(say, plan, oracle, planned)

    def run(self) -> int | None:
        """Trains until the oracle has no more trials.

        Returns:
            The number of the signal that stopped it early, after all processes saved their state, or None.
        """
        try:
            with Interrupts() as interrupts:
                while not all(slot.is_done for slot in self.slots):
                    if interrupts.signal is not None:
                        self.console.line("stopping: running trials save their state")
                        self._stop()
                        return interrupts.signal
                    for slot in self.slots:
                        self._advance(slot)
                    self.console.running([slot.running for slot in self.slots if slot.running])
                    time.sleep(POLL_SECONDS)
            return None
        finally:
            for server in (self.server, *(slot.running.process.server for slot in self.slots if slot.running)):
                if server is not None:
                    server.close()

    def _stop(self) -> None:
        processes = [slot.running.process for slot in self.slots if slot.running]
        for process in processes:
            process.server.stop()
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(process.status() is None for process in processes):
            time.sleep(POLL_SECONDS)

    # -- a slot --------------------------------------------------------------------------------------------------------

    def _advance(self, slot: Slot) -> None:
        """Watches the execution of a slot, or asks the oracle for its next trial."""
        now = time.monotonic()
        if slot.running is not None:
            if now >= slot.alive_at:
                self.oracle.get_trial(slot.running.trial.id)
                slot.alive_at = now + ALIVE_SECONDS
            self._watch(slot, slot.running)
        elif not slot.is_done and now >= slot.ask_at:
            proposed = self.oracle.create_trial(slot.name)
            if proposed.status == "RUNNING":
                self._start_next(slot, proposed, self.plan.trial(proposed), 1)
            elif proposed.status == "STOPPED":
                slot.is_done = True
            else:
                slot.ask_at = now + ASK_SECONDS

    def _start_next(self, slot: Slot, proposed: Any, trial: Trial, number: int) -> None:
        """Starts the first execution of a trial, from `number` on, that has not completed; else ends the trial."""
        needed = self.plan.search.tuner.executions_per_trial
        while number <= needed and self.plan.completed(trial, number):
            number += 1
        if number > needed:
            self._end_trial(slot, proposed, trial)
            return
        try:
            slot.running = Running(proposed, trial, number, self._process(slot, trial, number), time.monotonic())
        except UserError as error:
            if machine_fault(error) is not None:
                raise
            record = Execution(trial=trial.id, number=number, state=FAILED, message=str(error))
            self._write(trial, record)
            self._end_trial(slot, proposed, trial, record)

    def _process(self, slot: Slot, trial: Trial, number: int) -> TaskProcess:
        share = 1 / sum(other.gpus == slot.gpus for other in self.slots)  # of the memory of the same devices
        task = self.plan.task(trial, number, self.data_dir)
        task = dataclasses.replace(task, cores=slot.cores, gpus=slot.gpus, memory_share=share)
        assert self.server is not None  # a chief has none, and trains nothing
        if self.server.is_dead:
            self.server = ForkServer()
        return self.server.start(task)

    def _watch(self, slot: Slot, running: Running) -> None:
        """Ends an execution that takes too long, resumes one whose process was killed, and handles the end of one."""
        status, limit = running.process.status(), self.plan.search.max_minutes_per_trial
        if status is None:
            over = time.monotonic() - running.began - (limit or float("inf")) * 60
            if over > GRACE_SECONDS:
                running.process.send(signal.SIGKILL)
            elif over > 0 and not running.is_late:
                running.is_late = True
                running.process.send(signal.SIGTERM)
            return
        record = self.plan.files.execution(self.plan.files.record(running.trial, running.number))
        if record is None and status - FAULT_STATUS in FAULTS:
            self.console.line("stopping: running trials save their state")
            self._stop()
            raise stopped_by_machine(self.plan.files.directory, running.trial, status - FAULT_STATUS)
        if record is None and not running.is_late and status < 0 and running.restarts < MOST_RESTARTS:
            self.console.line(f"trial {running.trial.id}: its process was killed by signal {-status}; resuming it")
            running.restarts += 1
            running.process = self._process(slot, running.trial, running.number)
            return
        if record is None:
            limit = limit if running.is_late else None
            log = self.plan.files.log(running.trial, running.number)
            wall = time.monotonic() - running.began
            record = unrecorded(running.trial, running.number, status, running.restarts, limit, log, wall)
            self._write(running.trial, record)
        self._end_execution(slot, running, record)

    def _write(self, trial: Trial, record: Execution) -> None:
        write_json(self.plan.files.record(trial, record.number), dataclasses.asdict(record))

    def _end_execution(self, slot: Slot, running: Running, record: Execution) -> None:
        slot.running = None
        self.console.end(running.trial, record)
        if record.state == COMPLETED:
            self._start_next(slot, running.proposed, running.trial, running.number + 1)
        else:
            self._end_trial(slot, running.proposed, running.trial, record)

    def _end_trial(self, slot: Slot, proposed: Any, trial: Trial, failure: Execution | None = None) -> None:
        """Reports the end of a trial to the oracle."""
        if failure is None:
            executions = [self.plan.completed(trial, n + 1) for n in range(self.plan.search.tuner.executions_per_trial)]
            values = [one.objective for one in executions if one is not None and one.objective is not None]
            self.oracle.update_trial(trial.id, {self.plan.search.objective.name: statistics.fmean(values)})
        proposed.status = "COMPLETED" if failure is None else "INVALID"
        proposed.message = failure.message if failure else None
        self.oracle.end_trial(proposed)
        if self.writes:
            self.update()
        slot.ask_at = 0.0

    def update(self) -> None:
        """Writes the results so far, and says how far the search is."""
        self.plan.files.write_table([one.name for one in self.plan.search.space.dimensions])
        results.write_best(Results.read(self.plan.files, self.plan.search))
        self.console.line(self.console.progress())
