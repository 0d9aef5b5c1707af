"""What all tests need."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell starts what runs in the background; the processes of the tests would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
