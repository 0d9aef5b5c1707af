"""A sweep over several machines: keras-tuner's chief and workers, its environment variables and its gRPC service.

The chief chooses and keeps the journal; workers train. A worker shows that it is alive by asking for its trial; of one
that is silent, another worker gets the trial, and goes on with it in the directory that all share.
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

LOST_SECONDS = 60.0
"""After so long without a word a worker is taken for dead."""
POLL_SECONDS = 0.2


def serve(oracle: Any, on_end: Callable[[], None], say: Callable[[str], None]) -> int | None:
    """The chief: answers workers until the search is at its end and all have been told.

    Args:
        on_end: called whenever trials have ended.

    Returns:
        The signal that ended it before, or None.
    """
    address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise argument_problem("KERASTUNER_ORACLE_PORT", f"{address} cannot be listened on; is it in use?") from None
    server.start()
    say(f"chief: waiting for workers at {address}")
    ended = len(oracle.end_order)
    try:
        with Interrupts() as interrupts:
            while not (servicer.stop_triggered and not oracle.ongoing_trials and not oracle.tuner_ids):
                if interrupts.signal is not None:
                    return interrupts.signal
                time.sleep(POLL_SECONDS)
                for tuner_id, trial_id in oracle.give_up_silent(LOST_SECONDS):
                    say(f"{tuner_id} is silent: trial {trial_id} goes to another worker")
                if len(oracle.end_order) != ended:
                    ended = len(oracle.end_order)
                    on_end()
        return None
    finally:
        server.stop(grace=1).wait()


def client(oracle: Any) -> Any:
    """The chief's oracle, as a worker sees it."""
    found = OracleClient(oracle)
    found.stub = _Patient(found.stub)
    return found


class _Patient:
    """A chief's service, whose answers are waited for while the chief is away; it hears a question twice then."""

    def __init__(self, stub: Any):
        self._stub = stub

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._ask, getattr(self._stub, name))

    def _ask(self, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        while True:
            try:
                return question(*arguments, **options)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                    silence = "the chief there has not answered for an hour"
                    raise argument_problem("KERASTUNER_ORACLE_IP", silence) from None
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                time.sleep(POLL_SECONDS)
