"""The latency of networks on this machine, measured in a process of its own.

python -m builder.sweep.processes.latency reads the path of a spec from each line, and answers with milliseconds.
"""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import time
from pathlib import Path

from archspec import Spec
from archspec.search.domains import canonical
from builder.system.files import read_json, write_json, write_text

WARM_UP = 5
"""Calls before the first that is timed."""
SECONDS = 0.4
"""Seconds of calls that are timed, within these numbers of calls."""
FEWEST, MOST = 20, 200


class Meter:
    """Measures the latency of each network once.

    The results are saved in the file `path`, so that a resumed search takes the same decisions.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.known: dict[str, float] = read_json(path)
        except (OSError, ValueError):
            self.known = {}
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, spec: Spec) -> float:
        """Returns the median milliseconds for one picture, with stock layers in float32.

        Raises:
            RuntimeError: the process that measures has ended.
        """
        tree = spec.tree.plain()
        parts = {key: tree.get(key) for key in ("params", "blocks", "model")}
        key = hashlib.sha256(canonical(parts).encode()).hexdigest()[:16]
        if key not in self.known:
            self.known[key] = self._measured(spec)
            write_json(self.path, self.known)
        return self.known[key]

    def _measured(self, spec: Spec) -> float:
        path = self.path.with_suffix(".yaml")
        write_text(path, spec.to_yaml())
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "builder.sweep.processes.latency"],
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).parents[3],
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{path.absolute()}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        path.unlink(missing_ok=True)
        if not answer:
            raise RuntimeError(f"the latency of {spec.name} could not be measured: its process has ended")
        return float(answer)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def measure(spec: Spec) -> float:
    """Measures the median milliseconds for one picture, in this process."""
    import numpy as np
    import tensorflow as tf

    from builder.network.model import build

    model = build(spec, "portable", "float32")
    call = tf.function(lambda pictures: model(pictures, training=False))
    pictures = tf.constant(np.random.default_rng(0).random((1, *spec.graph.input.shape), np.float32))
    for _ in range(WARM_UP):
        call(pictures)[0].numpy()
    times: list[float] = []
    while len(times) < FEWEST or (sum(times) < SECONDS and len(times) < MOST):
        began = time.perf_counter()
        call(pictures)[0].numpy()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def main() -> None:
    import archspec

    for line in sys.stdin:
        print(measure(archspec.load(line.strip())), flush=True)


if __name__ == "__main__":
    main()
