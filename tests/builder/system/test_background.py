"""Jobs in the background: one at a time, their errors raised, nothing left undone."""

import threading
import time

import pytest

from builder.system.background import BackgroundJob


def test_the_work_continues_while_a_job_runs_and_ends_after_it():
    may_end, done = threading.Event(), []

    def job():
        assert may_end.wait(10)
        done.append("first")

    with BackgroundJob() as files:
        files.begin(job)
        assert not done  # `begin` did not wait
        may_end.set()
        files.begin(lambda: done.append("second"))
        assert done[0] == "first"  # but the next one does
    assert done == ["first", "second"]


def fail():
    raise OSError("the disk is full")


def failing(then):
    with BackgroundJob() as files:
        files.begin(fail)
        then(files)


def check_until_it_has_ended(files):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        files.check()
        time.sleep(0.01)


@pytest.mark.parametrize(
    "then", [lambda files: files.begin(list), lambda files: files.wait(), check_until_it_has_ended, lambda files: None]
)
def test_an_error_of_a_job_is_raised_by_who_waits_for_it(then):
    with pytest.raises(OSError, match="the disk is full"):
        failing(then)


def test_an_error_is_raised_once():
    with BackgroundJob() as files:
        files.begin(fail)
        with pytest.raises(OSError, match="the disk is full"):
            files.wait()
        files.wait()


def divide_by_zero(files):
    raise ZeroDivisionError


def test_an_error_of_the_work_itself_comes_first():
    with pytest.raises(ZeroDivisionError):
        failing(divide_by_zero)


def test_a_job_ends_when_the_work_fails():
    done = threading.Event()

    def work():
        with BackgroundJob() as files:
            files.begin(done.set)
            divide_by_zero(files)

    with pytest.raises(ZeroDivisionError):
        work()
    assert done.is_set()


def wait_within(event, seconds=10):
    """Waits for an event that comes only if the work did not wait for this job."""
    assert event.wait(seconds)


def test_check_waits_for_no_job():
    may_end = threading.Event()
    with BackgroundJob() as files:
        files.begin(lambda: wait_within(may_end))
        files.check()
        may_end.set()


def test_ctrl_c_ends_the_work_at_once():
    may_end, ended = threading.Event(), []

    def work():
        with BackgroundJob() as files:
            files.begin(lambda: ended.append(may_end.wait(10)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not ended, "the work waited for its job"
    may_end.set()
