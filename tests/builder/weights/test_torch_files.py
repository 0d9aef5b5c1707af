"""Files of `torch.save`: PyTorch's own are read exactly, and a pickle that is not a state dict runs nothing."""

import contextlib
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import builder
from archspec.errors import FileError
from builder import weights
from builder.weights.reading import read_safetensors
from builder.weights.writing import state_dict_like
from tests.builder.weights.torch_pickles import call, named, plain, read_state_dict, save, tensor, tuple_of
from tests.fixtures.weights_by_name import values

FIXTURES = Path("tests/fixtures")
SMALL = Path(__file__).parent / "small.yaml"


# -- what PyTorch wrote ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small.pth", "small_checkpoint.pth", "small.safetensors"])
def test_a_network_of_pytorch_gives_the_same_logits(name):
    """Nested, with prefixes, strided, offset, as parameters, in 16, 32 and 64 bits: all files give one function."""
    expected = np.load(FIXTURES / "small.npz")
    matching = weights.match(SMALL, weights.read(FIXTURES / name))
    weights.require(matching)
    for lowering in ("portable", "fast"):
        model = builder.build(SMALL, lowering)
        weights.apply(matching, model)
        found = np.asarray(model(expected["pictures"]))
        np.testing.assert_allclose(found, expected["logits"], atol=1e-6 * np.abs(expected["logits"]).max())


def test_there_and_back_is_exact():
    """Includes flattened features in the other order, and depthwise and grouped kernels."""
    source = weights.read(FIXTURES / "small.pth")
    back = state_dict_like(weights.match(SMALL, source), weights.read(FIXTURES / "small_checkpoint.pth"))
    tensors = read_state_dict(FIXTURES / "small.pth")
    assert {name.removeprefix("module.") for name in back} == tensors.keys()
    for name in back:
        np.testing.assert_array_equal(back[name], tensors[name.removeprefix("module.")])


def test_tensors_are_those_that_were_saved():
    tensors = read_state_dict(FIXTURES / "small_checkpoint.pth")
    assert tensors["module.depthwise.weight"].dtype.name == "bfloat16"
    assert tensors["module.grouped.weight"].dtype.name == "float16"
    assert tensors["module.head.weight"].dtype.name == "float64"
    for name in ("hidden.weight", "head.bias", "stem.1.weight", "stem.1.running_var"):
        np.testing.assert_array_equal(tensors[f"module.{name}"], values(name, tensors[f"module.{name}"].shape))
    assert read_safetensors(FIXTURES / "small.safetensors")["depthwise.weight"].dtype.name == "bfloat16"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("module.pth", "asks for 'torch.nn.modules.linear.Linear', and only tensors are read"),
        ("small_legacy.pth", "is in the format that torch.save had before PyTorch 1.6"),
    ],
)
def test_other_files_of_pytorch_are_refused(name, expected):
    with pytest.raises(FileError, match=expected):
        weights.read(FIXTURES / name)


# -- what someone else wrote -------------------------------------------------------------------------------------------


def state(value):
    """A pickle of {"a": value}."""
    return b"\x80\x02}" + plain("a") + value + b"s."


def test_the_pickles_of_these_tests_are_read(tmp_path):
    path = save(tmp_path / "a.pth", state(tensor(offset=1, size=(3,))))
    np.testing.assert_array_equal(read_state_dict(path)["a"], [1, 2, 3])


MARK = "from pathlib import Path; Path('ran').touch()"
HOSTILE = {
    "system": call(named("os", "system"), plain("touch ran")),
    "eval": call(named("builtins", "eval"), plain("open('ran', 'w')")),
    "exec": call(named("builtins", "exec"), plain(MARK)),
    "getattr": call(named("builtins", "getattr"), named("os", "path"), plain("join")),
    "instance": b"(" + plain("touch ran") + b"ios\nsystem\n",
    "object": b"(" + named("os", "system") + plain("touch ran") + b"o",
    "stack_global": plain("os") + plain("system") + b"\x93" + tuple_of(plain("touch ran")) + b"R",
    "dotted": plain("torch._utils") + plain("_rebuild_tensor_v2.__globals__") + b"\x93",
    "load_from_bytes": call(named("torch.storage", "_load_from_bytes"), plain(b"x")),
    "import": call(named("importlib", "import_module"), plain("os")),
    "numpy": call(named("numpy", "load"), plain("x")),
    "storage of other": tuple_of(plain("storage"), named("os", "system"), plain("0"), plain("cpu"), plain(4)) + b"Q",
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_pickle_that_asks_for_anything_else_is_refused_and_not_run(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path / "evil.pth", state(HOSTILE[attack]))
    with pytest.raises(FileError, match=r"evil\.pth: asks for '.*only tensors are read from a file, no code is run"):
        weights.read(path)
    assert sorted(tmp_path.iterdir()) == [path]


def test_the_attacks_of_these_tests_work_where_pickles_are_trusted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.load(io.BytesIO(state(HOSTILE["exec"])))  # noqa: S301
    assert (tmp_path / "ran").exists()


def test_a_pickle_cannot_change_what_stands_for_the_names_that_it_may_use(tmp_path):
    """BUILD sets attributes on whatever is on the stack, which the reader's objects must refuse."""
    for word in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        for attributes in (plain({"call": 1}), tuple_of(plain(None), plain({"call": 1}))):
            path = save(tmp_path / "a.pth", state(named("torch._utils", word) + attributes + b"b"))
            with pytest.raises(FileError, match="its pickle cannot be read"):
                weights.read(path)
    attributes = tuple_of(plain(None), plain({"dtype": 1}))
    path = save(tmp_path / "a.pth", state(named("torch", "FloatStorage") + attributes + b"b"))
    with pytest.raises(FileError, match="its pickle cannot be read"):
        weights.read(path)
    assert read_state_dict(save(tmp_path / "b.pth", state(tensor())))["a"].dtype == np.float32


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (state(tensor(offset=1)), "its pickle cannot be read"),
        (state(tensor(size=(2, 2), stride=(3, 1))), "its pickle cannot be read"),
        (state(tensor(size=(2,), stride=(-1,), offset=3)), "negative size"),
        (state(tensor(offset=-1)), "negative size"),
        (state(tensor(size=(2**62, 2**62), stride=(0, 0))), "its pickle cannot be read"),
        (state(tensor(key="7")), "the storage archive/data/7 is missing"),
        (state(tensor(count=5)), "has 16 bytes, not 5 float32"),
        (state(tensor(kind="DoubleStorage")), "has 16 bytes, not 4 float64"),
        (state(tensor(kind="QInt8Storage")), "asks for 'torch.QInt8Storage'"),
        (state(b"(lQ"), "is damaged"),
        (b"\x80\x02}", "its pickle cannot be read"),
        (b"", "its pickle cannot be read"),
        (b"\x80\x02]" + tensor() + b"a.", "holds no state dict"),
        (b"\x80\x02}.", "holds no state dict under a known name; it has nothing"),
        (state(plain(3)), "holds no state dict under a known name; it has 'a'"),
    ],
)
def test_damaged_state_dicts_are_refused(data, expected, tmp_path):
    with pytest.raises(FileError, match=expected):
        weights.read(save(tmp_path / "a.pth", data))


def test_numbers_of_eight_bits_are_not_read(tmp_path):
    head = b'{"a.weight":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]}}'
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(4))
    with pytest.raises(FileError, match="has numbers of type float8_e4m3fn, which is not read; save it with 16 or 32"):
        weights.read(path)


def test_zip_files_of_others_are_refused(tmp_path):
    good = state(tensor())
    with pytest.raises(FileError, match="does not compress"):
        weights.read(save(tmp_path / "a.pth", good, compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(FileError, match="TorchScript"):
        weights.read(save(tmp_path / "a.pth", good, **{"constants.pkl": b"."}))
    with pytest.raises(FileError, match="other byte order"):
        weights.read(save(tmp_path / "a.pth", good, byteorder=b"big"))
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as file:
        file.writestr("a.txt", "hello")
    with pytest.raises(FileError, match=r"there is no data\.pkl"):
        weights.read(tmp_path / "b.pth")


@pytest.mark.parametrize("name", ["small.pth", "small.safetensors"])
def test_a_file_that_was_cut_off_is_refused(name, tmp_path):
    data = (FIXTURES / name).read_bytes()
    for length in (0, 1, 10, len(data) // 2, len(data) - 1):
        path = tmp_path / name
        path.write_bytes(data[:length])
        with pytest.raises(FileError, match=r"small\.\w+: is (cut off|damaged|not a)"):
            weights.read(path)


@pytest.mark.parametrize("seed", range(4))
def test_a_file_with_wrong_bytes_is_refused_or_read(seed, tmp_path):
    """Whatever the damage, no other exception is raised."""
    generator = np.random.default_rng(seed)
    data = (FIXTURES / "small_checkpoint.pth").read_bytes()
    path = tmp_path / "a.pth"
    for _ in range(50):
        damaged = np.frombuffer(data, "u1").copy()
        damaged[generator.integers(len(data), size=3)] = generator.integers(256, size=3)
        path.write_bytes(damaged.tobytes())
        with contextlib.suppress(FileError):
            weights.read(path)
