"""Tries files and inputs that were made to exhaust their reader, and prints what came of them.

python -m tests.hostile          # about five minutes
python -m tests.hostile weights  # one kind of them, each by its name
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from archspec import UserError, analyse, load, tables

LIMIT, SECONDS = 12 * 2**30, 60
"""The memory and the time after which a try is ended."""
BOUND_SECONDS, BOUND_MEGABYTES = 5, 1_500
FUZZED = 6_000


class Try(NamedTuple):
    """What came of one file: `read`, `refused`, or what went wrong; seconds of processor
    time, and megabytes beyond the process's own."""

    name: str
    outcome: str
    seconds: float
    megabytes: float
    message: str = ""

    @property
    def survived(self) -> bool:
        within = self.seconds < BOUND_SECONDS and self.megabytes < BOUND_MEGABYTES
        return self.outcome in ("read", "refused") and within


def attempt(name: str, make: Callable[[], None], read: Callable[[], str | None]) -> Try:
    """Reads something in a process of its own, which is forked from this one after `make` has made it.

    Args:
        name: what it is called.
        make: makes it.
        read: reads it; returns the reason for which it is refused, or raises a `UserError`.
    """
    make()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        gc.freeze()  # else the collector walks through TensorFlow's objects
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
        signal.alarm(SECONDS)
        os.write(theirs, json.dumps(_measured(read)).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    if not text:
        reason = f"ended after {SECONDS} s" if os.WTERMSIG(status) == signal.SIGALRM else f"died, status {status}"
        return Try(name, reason, SECONDS, 0)
    return Try(name, *json.loads(text))


def _measured(read: Callable[[], str | None]) -> tuple[str, float, float, str]:
    from tests.hostile.measuring import measured

    with measured() as cost:
        try:
            reason = read() or ""
            outcome = "refused" if reason else "read"
        except UserError as error:
            outcome, reason = "refused", str(error)
        except BaseException as error:
            outcome, reason = f"failed: {type(error).__name__}", str(error)
    return outcome, cost.seconds, cost.megabytes, reason.strip().splitlines()[0][:200] if reason else ""


def specs(folder: Path) -> Iterator[Try]:
    from tests.archspec.test_hostile import CASES, LARGE

    def read(path: Path) -> None:
        analyse(load(path))

    for number, (name, maker) in enumerate(CASES.items()):
        inside = folder / str(number)
        inside.mkdir()
        path = maker(inside) or inside / "spec.yaml"
        yield attempt(name, lambda: None, lambda path=path: read(path))
    for name, text in LARGE.items():
        path = folder / "large.yaml"
        yield attempt(name, lambda text=text, path=path: path.write_text(text) and None, lambda path=path: read(path))


def fuzzed(folder: Path) -> Iterator[Try]:
    """All of one kind count as one."""
    from tests.archspec.fuzzer import attempt as fuzz
    from tests.archspec.fuzzer import inputs

    for number, given in enumerate(inputs(0, FUZZED)):
        start = time.perf_counter()
        try:
            outcome = {"analysed": "read"}.get(found := fuzz(given, folder / "spec.yaml"), found)
        except BaseException as error:
            outcome = f"failed: {error!r}"
        yield Try(f"{given.kind} {number}", outcome, time.perf_counter() - start, 0)


def weights(folder: Path) -> Iterator[Try]:
    from builder import weights as files
    from tests.hostile.weights import CASES

    spec = load("specs/digits.yaml")

    def read(path: Path) -> None:
        files.require(files.match(spec, files.read(path)))

    for name, maker in CASES.items():
        path = folder / name
        yield attempt(name, lambda maker=maker, path=path: maker(path) and None, lambda path=path: read(path))


def data(folder: Path) -> Iterator[Try]:
    from archspec.recipe.data import Npz
    from builder.data import load_data
    from tests.hostile.data import CASES

    for name, maker in CASES.items():
        path = folder / name
        yield attempt(
            name,
            lambda maker=maker, path=path: maker(path) and None,
            lambda path=path: load_data(Npz(path=str(path)), (8, 8, 3)) and None,
        )


def pictures(folder: Path) -> Iterator[Try]:
    from PIL import Image

    from tests.hostile.pictures import CASES

    Image.MAX_IMAGE_PIXELS = None  # some are made with Pillow

    def read(path: Path) -> str | None:
        from archspec.recipe.resizing import Resizing
        from builder.pictures.pixel_range import NONE
        from builder.prediction.classifier import Classifier, reader
        from builder.prediction.finding import Found

        classifier = Classifier((224, 224, 3), Resizing(), ("a", "b"), NONE, lambda some: some)
        found = reader(classifier)(Found(str(path)))
        return found if isinstance(found, str) else None

    for name, content in CASES.items():
        path = folder / name
        yield attempt(
            name,
            lambda content=content, path=path: path.write_bytes(content()) and None,
            lambda path=path: read(path),
        )


def special(folder: Path) -> Iterator[Try]:
    from tests.hostile.special import MAKERS, READERS

    for kind, make in MAKERS.items():
        for name, read in READERS.items():
            path = folder / kind / name / name
            path.parent.mkdir(parents=True)
            yield attempt(
                f"{kind}: {name}",
                lambda make=make, path=path: make(path) and None,
                lambda read=read, path=path: read(path) and None,
            )


KINDS = {
    "specs": specs,
    "fuzzed": fuzzed,
    "weights": weights,
    "data": data,
    "pictures": pictures,
    "special": special,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; named, each file is shown")
    args = parser.parse_args()
    if unknown := set(args.kinds) - set(KINDS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    import builder.data
    import builder.weights.keras_files  # noqa: F401  # imported once, and not by every process

    rows, failed = [], []
    for kind in args.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            tries = list(KINDS[kind](Path(folder)))
        failed += [one for one in tries if not one.survived]
        good = sum(one.survived for one in tries)
        refused = sum(one.outcome == "refused" for one in tries)
        slowest, largest = max(tries, key=lambda one: one.seconds), max(tries, key=lambda one: one.megabytes)
        rows.append(
            (
                kind,
                f"{len(tries):,}",
                f"{refused:,}",
                f"{good:,}",
                f"{slowest.seconds:.2f}",
                f"{largest.megabytes:,.0f}",
            )
        )
        if args.kinds:
            shown = [(one.name, one.outcome, f"{one.seconds:.2f}", f"{one.megabytes:,.0f}") for one in tries]
            print(tables.plain(("name", "outcome", "s", "MB"), shown, 2, 120))
    print(tables.plain(("kind", "tried", "refused", "survived", "slowest, CPU s", "most, MB"), rows, 1, 120))
    for one in failed:
        print(f"{one.name}: {one.outcome}, {one.seconds:.1f} s, {one.megabytes:,.0f} MB {one.message}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
