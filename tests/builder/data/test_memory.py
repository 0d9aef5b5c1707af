"""Free memory, arrays that are shared with TensorFlow, and the cache of facts about files."""

import numpy as np

from builder.data.cache import cached
from builder.data.memory import aligned, shared
from builder.system.memory import _left_by_limit, free_memory


def test_free_memory_is_less_than_the_machine_has():
    with open("/proc/meminfo") as file:
        total = int(file.readline().split()[1]) * 1024
    assert 0 < free_memory() < total


def test_a_containers_limit_counts(tmp_path):
    assert _left_by_limit(tmp_path) > 2**60  # no such files
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 300\n")
    assert _left_by_limit(tmp_path) > 2**60
    (tmp_path / "memory.max").write_text("1000\n")
    assert _left_by_limit(tmp_path) == 400
    (tmp_path / "memory.max").write_text("100\n")
    assert _left_by_limit(tmp_path) == 0


def test_arrays_are_shared_and_not_copied():
    array = aligned((10, 3, 2, 1))
    array[:] = 1
    tensor = shared(array)
    array[4, 2, 1, 0] = 7
    assert tensor.shape == (10, 3, 2, 1) and int(tensor[4, 2, 1, 0]) == 7
    del array
    assert int(tensor[4, 2, 1, 0]) == 7
    crooked = np.arange(130, dtype=np.uint8)[1:]
    assert np.array_equal(shared(crooked), crooked)


def test_a_damaged_cache_file_is_computed_again(cache):
    for _ in range(2):
        assert cached("key", lambda: {"a": np.arange(3)})["a"].tolist() == [0, 1, 2]
    assert cached("key", lambda: {"a": np.arange(9)})["a"].tolist() == [0, 1, 2]
    (path,) = (cache / "convspec").iterdir()
    path.write_bytes(path.read_bytes()[:50])
    assert cached("key", lambda: {"a": np.arange(9)})["a"].tolist() == list(range(9))
    assert cached("other", lambda: {"a": np.arange(2)})["a"].tolist() == [0, 1]
