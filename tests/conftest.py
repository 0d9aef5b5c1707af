"""Configuration of all tests."""

import signal

import builder  # noqa: F401  # before any test module imports TensorFlow, which it tells what to use
import tests.randomised  # noqa: F401  # the profile that all tests with random inputs have

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with Ctrl-C ignored, which the tests' processes would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
