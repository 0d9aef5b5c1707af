"""What is the machine's fault, and what a training's own."""

import errno
import os

import pytest
import tensorflow as tf

from archspec.errors import file_problem
from builder.system.endings import FAULTS, machine_fault


def caused(reason):
    try:
        raise file_problem("a", "cannot be written") from reason
    except Exception as error:
        return error


@pytest.mark.parametrize("number", FAULTS)
def test_a_fault_of_the_machine_is_found_wherever_it_is(number):
    reason = OSError(number, os.strerror(number), "a")
    in_words = RuntimeError(f"HDF5: unable to write, errno = {number}, error message = '{os.strerror(number)}'")
    of_tensorflow = tf.errors.ResourceExhaustedError(None, None, f"a; {os.strerror(number)}")
    for error in (reason, in_words, of_tensorflow):
        assert machine_fault(error) == machine_fault(caused(error)) == number


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("the loss is not finite"),
        MemoryError(),
        FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        caused(ValueError("half of it is missing")),
    ],
    ids=repr,
)
def test_other_errors_are_not(error):
    assert machine_fault(error) is None


def test_what_was_hidden_on_purpose_is_no_reason():
    error = ValueError("something else")
    error.__context__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert machine_fault(error) == errno.ENOSPC
    error.__suppress_context__ = True  # raise ... from None
    assert machine_fault(error) is None
