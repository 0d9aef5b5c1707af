"""A sweep under way on this machine: trials asked for, processes that train them, and what becomes of each."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from archspec.errors import UserError
from archspec.wording import counted
from builder.sweep import results
from builder.sweep.plan import Plan, describe
from builder.sweep.processes.forkserver import GRACE_SECONDS, ForkServer, Job
from builder.sweep.records import COMPLETED, FAILED, KILLED, TIMED_OUT, Execution, Trial
from builder.sweep.results import Results
from builder.system.files import write_json
from builder.system.signals import Interrupts
from builder.system.terminal import clock

MOST_RESTARTS = 3
"""How often an execution goes on whose process was killed by a signal."""
ASK_SECONDS = 0.5
"""Between questions to an oracle that waits for other trials."""
ALIVE_SECONDS = 5.0
"""Between signs of life to a chief."""
POLL_SECONDS = 0.05
TAIL = 2_000


@dataclass
class Running:
    """An execution at work."""

    chosen: Any
    trial: Trial
    number: int
    job: Job
    began: float
    restarts: int = 0
    is_late: bool = False


@dataclass
class Slot:
    """One of the sweep's workers on this machine."""

    name: str
    cores: list[int]
    gpus: str | None
    running: Running | None = None
    is_done: bool = False
    ask_at: float = 0.0
    alive_at: float = 0.0


class SweepLoop:
    """Runs what the oracle, this process's or a chief's, asks for."""

    def __init__(
        self,
        plan: Plan,
        oracle: Any,
        slots: list[Slot],
        data_dir: str | None,
        planned: int | None,
        say: Callable[[str], None],
        nursery: ForkServer | None,
        writes: bool = True,
    ):
        self.plan, self.oracle, self.slots, self.writes = plan, oracle, slots, writes
        self.data_dir, self.planned, self.say, self.nursery = data_dir, planned, say, nursery
        self.began = time.monotonic()
        self.done_before = self._standing()[0]

    def run(self) -> int | None:
        """Until the oracle has no more, or a signal asks to stop: its number, after all processes saved their state."""
        try:
            with Interrupts() as interrupts:
                while not all(slot.is_done for slot in self.slots):
                    if interrupts.signal is not None:
                        self.say("stopping: running trials save their state")
                        self._stop()
                        return interrupts.signal
                    for slot in self.slots:
                        self._advance(slot)
                    time.sleep(POLL_SECONDS)
            return None
        finally:
            for nursery in (self.nursery, *(slot.running.job.nursery for slot in self.slots if slot.running)):
                if nursery is not None:
                    nursery.close()

    def _stop(self) -> None:
        running = [slot.running for slot in self.slots if slot.running]
        for one in running:
            one.job.nursery.stop()
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(one.job.status() is None for one in running):
            time.sleep(POLL_SECONDS)

    # -- a slot --------------------------------------------------------------------------------------------------------

    def _advance(self, slot: Slot) -> None:
        now = time.monotonic()
        if slot.running is not None:
            if now >= slot.alive_at:
                self.oracle.get_trial(slot.running.trial.id)
                slot.alive_at = now + ALIVE_SECONDS
            self._watch(slot, slot.running)
        elif not slot.is_done and now >= slot.ask_at:
            chosen = self.oracle.create_trial(slot.name)
            if chosen.status == "RUNNING":
                self._go_on(slot, chosen, self.plan.trial(chosen), 1)
            elif chosen.status == "STOPPED":
                slot.is_done = True
            else:
                slot.ask_at = now + ASK_SECONDS

    def _go_on(self, slot: Slot, chosen: Any, trial: Trial, number: int) -> None:
        """The trial's next execution that is still to be trained, or its end."""
        needed = self.plan.search.tuner.executions_per_trial
        while number <= needed and self.plan.is_done(trial, number):
            number += 1
        if number > needed:
            self._end(slot, chosen, trial)
            return
        try:
            slot.running = Running(chosen, trial, number, self._job(slot, trial, number), time.monotonic())
        except UserError as error:
            record = Execution(trial=trial.id, number=number, state=FAILED, message=str(error))
            self._write(trial, record)
            self._end(slot, chosen, trial, record)

    def _job(self, slot: Slot, trial: Trial, number: int) -> Job:
        task = {**self.plan.task(trial, number, self.data_dir), "cores": slot.cores, "gpus": slot.gpus}
        assert self.nursery is not None  # a chief has none, and no jobs
        if self.nursery.is_dead:
            self.nursery = ForkServer()
        return self.nursery.start(task)

    def _watch(self, slot: Slot, running: Running) -> None:
        status, limit = running.job.status(), self.plan.search.max_minutes_per_trial
        if status is None:
            over = time.monotonic() - running.began - (limit or float("inf")) * 60
            if over > GRACE_SECONDS:
                running.job.send(signal.SIGKILL)
            elif over > 0 and not running.is_late:
                running.is_late = True
                running.job.send(signal.SIGTERM)
            return
        record = self.plan.files.execution(self.plan.files.record(running.trial, running.number))
        if record is None and not running.is_late and status < 0 and running.restarts < MOST_RESTARTS:
            self.say(f"trial {running.trial.id}: its process was killed by signal {-status}; it goes on")
            running.restarts += 1
            running.job = self._job(slot, running.trial, running.number)
            return
        if record is None:
            record = self._unrecorded(running, status)
            self._write(running.trial, record)
        self._ended(slot, running, record)

    def _unrecorded(self, running: Running, status: int) -> Execution:
        """The record of a process that left none."""
        limit = self.plan.search.max_minutes_per_trial
        if running.is_late:
            state, message = TIMED_OUT, f"took longer than max_minutes_per_trial, {limit:g}"
        elif status < 0:
            state, message = (
                KILLED,
                f"killed by signal {-status} {counted(running.restarts + 1, 'time')}, perhaps for its memory",
            )
        else:
            log = self.plan.files.log(running.trial, running.number)
            text = log.read_text(errors="replace")[-TAIL:].strip() if log.exists() else ""
            state, message = (
                FAILED,
                f"ended with status {status}: {text.splitlines()[-1] if text else 'without a word'}",
            )
        wall = time.monotonic() - running.began
        return Execution(running.trial.id, running.number, state, message=message, wall_seconds=wall)

    def _write(self, trial: Trial, record: Execution) -> None:
        write_json(self.plan.files.record(trial, record.number), asdict(record))

    def _ended(self, slot: Slot, running: Running, record: Execution) -> None:
        """What follows from the end of an execution."""
        slot.running = None
        self._tell(running.trial, record)
        if record.state == COMPLETED:
            self._go_on(slot, running.chosen, running.trial, running.number + 1)
        else:
            self._end(slot, running.chosen, running.trial, record)

    def _end(self, slot: Slot, chosen: Any, trial: Trial, failure: Execution | None = None) -> None:
        """Tells the oracle of a trial's end."""
        if failure is None:
            executions = [self.plan.is_done(trial, n + 1) for n in range(self.plan.search.tuner.executions_per_trial)]
            values = [one.objective for one in executions if one is not None and one.objective is not None]
            self.oracle.update_trial(trial.id, {self.plan.search.objective.name: statistics.fmean(values)})
        chosen.status = "COMPLETED" if failure is None else "INVALID"
        chosen.message = failure.message if failure else None
        self.oracle.end_trial(chosen)
        if self.writes:
            self.update()
        slot.ask_at = 0.0

    def update(self) -> None:
        """Writes and says how the sweep stands."""
        self.plan.files.write_table([one.name for one in self.plan.search.space.dimensions])
        results.write_best(Results.read(self.plan.files, self.plan.search))
        self.say(self.progress())

    # -- what is said --------------------------------------------------------------------------------------------------

    def _tell(self, trial: Trial, record: Execution) -> None:
        search = self.plan.search
        number = f", execution {record.number}" if search.tuner.executions_per_trial > 1 else ""
        what = (
            f"{search.objective.name} {record.objective:.4f}"
            if record.objective is not None
            else f"{record.state.replace('_', ' ')}: {record.message.splitlines()[0] if record.message else ''}"
        )
        self.say(
            f"trial {trial.id}{number}: {what}  {describe(trial.values)}  {trial.trainable_parameters:,} parameters  "
            f"{counted(record.epochs, 'epoch')}  {record.wall_seconds:.1f} s"
        )

    def _standing(self) -> tuple[int, int, Results]:
        """How many trials are done and failed, from their files."""
        found = Results.read(self.plan.files, self.plan.search)
        failed = sum(one.has_failed for one in found.outcomes)
        return sum(one.is_finished for one in found.outcomes) + failed, failed, found

    def progress(self) -> str:
        """How far the sweep is."""
        done, failed, found = self._standing()
        running = len(getattr(self.oracle, "ongoing_trials", ()))
        parts = [f"{done}{f' of {self.planned}' if self.planned else ''} trials done"]
        if failed:
            parts.append(f"{failed} failed")
        if running:
            parts.append(f"{running} running")
        if found.best is not None:
            name = self.plan.search.objective.name
            parts.append(f"best {name} {found.best.objective:.4f} (trial {found.best.trial.id})")
        judge = getattr(self.oracle, "judge", None)
        if judge is not None:
            parts.append(f"{sum(judge.rejected.values())} resampled")
        fresh = done - self.done_before
        if self.planned and fresh > 0 and done < self.planned:
            parts.append(f"ETA {clock((time.monotonic() - self.began) / fresh * (self.planned - done))}")
        return "  ".join(parts)
