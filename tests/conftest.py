"""What all tests need."""

import signal

import builder  # noqa: F401  # before any test module imports TensorFlow, which it tells what to use
import tests.randomised  # noqa: F401  # the profile that all tests with random inputs have

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell starts what runs in the background; the processes of the tests would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
