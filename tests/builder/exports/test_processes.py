"""Steps in processes of their own: what comes back from them, and how little memory they take."""

import os
import pickle
import signal

import pytest

from archspec import UserError
from archspec.errors import FileError, file_problem
from builder.exports import processes
from builder.exports.processes import ProcessLost, in_own_process
from tests.forked import python
from tests.processes import process


@pytest.fixture(autouse=True)
def forked(monkeypatch):
    monkeypatch.setattr(processes, "PYTHON", [python()])


def fail(name):
    raise file_problem(name, "is too large")


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_result_comes_back():
    assert in_own_process(divmod, 7, 2) == (3, 1)


def test_an_error_comes_back_with_its_address():
    with pytest.raises(FileError, match=r"^model.keras: is too large$"):
        in_own_process(fail, "model.keras")
    error = pickle.loads(pickle.dumps(file_problem("some.pth", "is empty")))  # noqa: S301  # made here
    assert isinstance(error, UserError) and error.problems[0].where.path == "some.pth"


def test_a_process_that_is_killed_is_reported():
    with pytest.raises(ProcessLost, match=r"^the process was ended by signal 9; is there enough memory\?"):
        in_own_process(kill)


GROWTH = """
import sys, gc
from pathlib import Path
import archspec, numpy as np
from archspec.recipe.resizing import Resizing
from builder.exports.folding import Folded
from builder.exports.formats import FORMATS
from builder.exports.inference import InferenceNetwork
from builder.pictures.normalisation import Normalisation
from builder.system.tensors import TensorFile, write_tensor_file

output, path = sys.argv[1:]
dense = [{"dense": {"units": 4096}}, {"dense": {"units": 4096}}, {"dense": {"units": 10}}]
graph = archspec.loads({"name": "wide", "model": {"input": [32, 32, 1], "layers": ["flatten", *dense]}}).graph
shapes = {f"{node.name}/{kind}": weight.shape for node in graph.nodes[1:] for kind, weight
          in node.op.weights(graph.input_shapes(node)).items()}
values = {name: np.full(shape, 0.01, np.float32) for name, shape in shapes.items()}
weights = write_tensor_file(Path(path) / "weights", values)
del values
rest = (Resizing(), tuple("0123456789"), Normalisation((0.0,), (1.0,)), {})
network = InferenceNetwork("wide", Folded(graph, weights, ()), *rest)
small = archspec.loads({"name": "small", "model": {"input": [32, 32, 1], "layers": ["flatten", {"dense": 10}]}}).graph

def peak():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

ones = {"dense1/kernel": np.ones((1024, 10), np.float32), "dense1/bias": np.ones(10, np.float32)}
one = InferenceNetwork("small", Folded(small, ones, ()), *rest)
FORMATS[output].write(one, Path(path) / f"small-{FORMATS[output].file}", None)  # what is imported, and the first trace
gc.collect()
before = peak()
FORMATS[output].write(network, Path(path) / f"wide-{FORMATS[output].file}", None)
print((peak() - before) / network.weight_bytes)
"""


@pytest.mark.parametrize(("name", "most"), [("saved_model", 5), ("keras", 5), ("onnx", 5)])
def test_a_format_is_written_in_a_few_times_the_memory_of_its_weights(name, most, tmp_path):
    """Weights of 84 MB; as constants that are traced, they would take 20 times as much."""
    script = tmp_path / "growth.py"
    script.write_text(GROWTH)
    assert float(process(script, name, tmp_path)) < most
