"""A search over several machines: keras-tuner's chief and workers, its environment variables and its gRPC service.

The chief chooses candidates and writes the journal; workers train. A worker shows that it is alive by asking for its
trial. The trial of a silent worker is given to another one, which resumes it in the directory that all of them share.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent import futures
from functools import partial
from typing import Any

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.distribute.oracle_client import OracleClient

from archspec.errors import argument_problem
from builder.system.signals import Interrupts
from builder.system.terminal import Say

LOST_SECONDS = 60.0
"""Seconds of silence after which a worker is taken for dead."""
POLL_SECONDS = 0.2


def serve(oracle: Any, on_end: Callable[[], None], say: Say) -> int | None:
    """Answers workers, as the chief, until the search has ended and every worker knows.

    Args:
        oracle: chooses the candidates.
        on_end: called whenever trials have ended.
        say: takes the lines of progress.

    Returns:
        The number of the signal that stopped it early, or None.

    Raises:
        UserError: the address cannot be listened on.
    """
    address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise argument_problem("KERASTUNER_ORACLE_PORT", f"cannot listen on {address}; is it in use?") from None
    server.start()
    say(f"chief: waiting for workers at {address}")
    ended = len(oracle.end_order)
    try:
        with Interrupts() as interrupts:
            while not (servicer.stop_triggered and not oracle.ongoing_trials and not oracle.tuner_ids):
                if interrupts.signal is not None:
                    return interrupts.signal
                time.sleep(POLL_SECONDS)
                for tuner_id, trial_id in oracle.drop_silent_workers(LOST_SECONDS):
                    say(f"{tuner_id} is silent: trial {trial_id} goes to another worker")
                if len(oracle.end_order) != ended:
                    ended = len(oracle.end_order)
                    on_end()
        return None
    finally:
        server.stop(grace=1).wait()


def client(oracle: Any) -> Any:
    """The chief's oracle, called over the network by a worker."""
    found = OracleClient(oracle)
    found.stub = _Patient(found.stub)
    return found


class _Patient:
    """The chief's service for a worker that waits while the chief is away. The chief may get a request twice then."""

    def __init__(self, stub: Any):
        self._stub = stub

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, getattr(self._stub, name))

    def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        while True:
            try:
                return method(*arguments, **options)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise argument_problem(
                        "KERASTUNER_ORACLE_IP", "the chief at this address has not answered for an hour"
                    ) from None
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                time.sleep(POLL_SECONDS)
