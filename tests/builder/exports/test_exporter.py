"""Exports from Python: what is written, what it predicts, and what is refused."""

import getpass
import json
import re
import shutil
import socket
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from sklearn.datasets import load_sample_images

import archspec
import builder
from archspec import UserError
from builder.exports import formats
from builder.exports.exporter import export
from builder.exports.folding import Folded
from builder.pictures.resizing import fitted_bytes
from builder.runs.run import open_run
from builder.system.endings import ExportFailed
from builder.system.tensors import read_tensors, write_tensors
from builder.training.trainer import train
from tests.builder.data.conftest import cut, write
from tests.forked import python
from tests.processes import ROOT, process


@pytest.fixture
def copy(run_dir, tmp_path):
    return Path(shutil.copytree(run_dir, tmp_path / "run"))


def refused(*arguments, **options):
    with pytest.raises(UserError) as caught:
        export(*arguments, say=lambda line: None, **options)
    return str(caught.value)


# -- what is written -------------------------------------------------------------------------------------------------


def test_the_texts_are_those_of_the_run(exported, run_dir):
    assets = exported[0] / "1" / "assets"
    for name in ("spec.yaml", "metrics.csv"):
        assert (assets / name).read_bytes() == (run_dir / name).read_bytes()
    assert (assets / "labels.txt").read_text() == "".join(f"{digit}\n" for digit in range(10))
    whole, public = (json.loads((path / "environment.json").read_text()) for path in (run_dir, assets))
    assert public == {name: whole[name] for name in ("python", "packages", "git_commit", "seed", "data")}


def test_an_export_lies_in_any_folder(run_dir, tmp_path):
    """TensorFlow takes `[` in a path for a pattern, and would not find the variables."""
    folder = tmp_path / "runs [1]" / "*"
    lines = []
    version = export(run_dir, ["saved_model"], folder, say=lines.append)
    note = "saved_model: move it to a folder without [ ] * ? in its path for TensorFlow, which takes them for a pattern"
    assert note in "\n".join(lines).splitlines()
    (found,) = builder.predict(folder, [ROOT / "docs" / "images" / "two.png"])
    assert found.error is None
    shutil.copytree(version, tmp_path / "plain")
    assert tf.saved_model.load(str(tmp_path / "plain")).signatures.keys() >= {"serving_default"}


def contents(path):
    """The bytes of a file, and for an archive those of its members, by path."""
    if not zipfile.is_zipfile(path):
        return {str(path): path.read_bytes()}
    with zipfile.ZipFile(path) as archive:
        return {f"{path}/{name}": archive.read(name) for name in archive.namelist()}


TEXTS = (".json", ".yaml", ".csv", ".txt", ".md", ".svg")


def test_nothing_of_the_machine_is_in_any_file_of_any_format(exported, run_dir):
    files = [path for path in exported[0].rglob("*") if path.is_file()]
    found = {name: content for path in files for name, content in contents(path).items()}
    assert len(found) > len(files) >= 15
    environment = json.loads((run_dir / "environment.json").read_text())
    places = [
        environment["directory"],
        str(ROOT),
        run_dir.parent,
        exported[0].parent,
        tempfile.gettempdir(),
        sys.prefix,
    ]
    words = [word for word in environment["command"] if len(word) > 4]  # `-x` is in any file of some length
    private = [*map(str, places), *words, environment["platform"], ".py", "site-packages"]
    shown = [(name, text) for name, content in found.items() for text in private if text.encode() in content]
    assert not shown
    texts = [content.decode() for name, content in found.items() if name.endswith(TEXTS)]
    assert len(texts) >= 7
    for who in (socket.gethostname(), getpass.getuser(), Path.home().name):
        assert not re.search(rf"(?<!\w){re.escape(who)}(?!\w)", "\n".join(texts))


SECRET = "/srv/hunter2/in private"


def test_paths_of_the_spec_and_of_the_environment_stay_with_the_run(copy, monkeypatch, tmp_path):
    spec, environment = copy / "spec.yaml", copy / "environment.json"
    data = f'{{npz: {{path: "{SECRET}/pictures.npz"}}}}'
    text = spec.read_text().replace("data: digits", f"data: {data}")
    assert SECRET in text
    spec.write_text(f'{text}description: "On {SECRET.split()[0]}/set, 3/4 of it"\n')
    about = json.loads(environment.read_text())
    about |= {"command": [SECRET], "directory": SECRET, "platform": "hunter2", "weights": f"{SECRET}/some.pth"}
    environment.write_text(json.dumps(about))
    monkeypatch.chdir(tmp_path)
    lines = []
    path = export(copy, ["saved_model", "onnx"], tmp_path / "out", say=lines.append)
    assert "the data are not here" in lines[0]
    for file in path.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file
    exported_spec = archspec.load(path / "assets" / "spec.yaml")
    assert exported_spec.train.data.path == "pictures.npz" and exported_spec.description == "On set, 3/4 of it"
    assert json.loads((path / "assets" / "environment.json").read_text())["weights"] == "some.pth"
    assert json.loads((path / "export.json").read_text())["run"] == "run"


SERVER = """
import sys
sys.modules.update(dict.fromkeys(["keras", "archspec", "builder"]))  # importing them is an error
import numpy as np, tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serve_bytes"]
contents = [open(path, "rb").read() for path in sys.argv[3:]]
answers = serve(picture_bytes=tf.constant(contents))
np.savez(sys.argv[2], **{name: np.array(value.numpy().tolist()) for name, value in answers.items()})
"""


def test_jpeg_bytes_are_served_by_tensorflow_alone(exported, run_dir, tmp_path):
    photographs = load_sample_images().images
    grey = [picture.mean(-1, keepdims=True).astype(np.uint8) for picture in photographs]
    contents = [tf.io.encode_jpeg(one).numpy() for one in (*photographs, grey[0], grey[1][:200, :37])]
    contents.append(tf.io.encode_png(grey[0][:8, :8]).numpy())
    paths = [tmp_path / f"{number}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    process("-c", SERVER, exported[0] / "1", tmp_path / "answers.npz", *paths, cwd=tmp_path)
    answers = np.load(tmp_path / "answers.npz")
    pictures = fitted_bytes(tf.constant(contents), (8, 8, 1))
    expected = tf.nn.softmax(open_run(run_dir).model(tf.cast(pictures, tf.float32))).numpy()
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    assert answers["class_ids"].tolist() == expected.argmax(-1).tolist()
    assert answers["class_names"].tolist() == [b"%d" % number for number in expected.argmax(-1)]


def test_a_second_export_is_a_second_version(exported, run_dir):
    out, _ = exported
    before = {path: path.stat().st_mtime_ns for path in (out / "1").rglob("*")}
    lines = []
    try:
        assert export(open_run(run_dir), ["saved_model"], out, say=lines.append) == out / "2"
        assert sorted(path.name for path in out.iterdir()) == ["1", "2"]
        assert {path: path.stat().st_mtime_ns for path in (out / "1").rglob("*")} == before
        assert lines[-1] == f"saved {out / '2'}"
    finally:
        shutil.rmtree(out / "2", ignore_errors=True)


# -- what fails ------------------------------------------------------------------------------------------------------


def failed(*arguments, **options):
    with pytest.raises(ExportFailed) as caught:
        export(*arguments, say=lambda line: None, **options)
    return caught.value


@pytest.fixture
def wrong_onnx(monkeypatch):
    """ONNX files with wrong weights."""
    right = formats.FORMATS["onnx"]

    def wrong(network, path, calibration):
        weights = {
            name: value * (1.5 if name == "dense1/kernel" else 1) for name, value in network.folded.weights.items()
        }
        folded = Folded(network.folded.graph, weights, network.folded.folded)
        right.write(replace(network, folded=folded), path, calibration)

    monkeypatch.setitem(formats.FORMATS, "onnx", replace(right, write=wrong))


def test_a_failed_check_leaves_nothing(run_dir, tmp_path, wrong_onnx):
    error = failed(run_dir, ["onnx"], tmp_path / "out")
    assert error.folder is None
    first, last = str(error).splitlines()
    assert first.startswith("onnx: pictures: a probability differs by ")
    assert last == "nothing was exported"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_format_leaves_the_others(run_dir, tmp_path, wrong_onnx, monkeypatch):
    """One that fails its check, and one that cannot be made; each at its place among those that succeed."""

    def unable(network, path, calibration):
        path.write_bytes(b"half")
        raise ValueError("no such  operation")

    dynamic = replace(formats.FORMATS["litert-dynamic"], write=unable)
    monkeypatch.setitem(formats.FORMATS, "litert-dynamic", dynamic)
    asked = ["onnx", "saved_model", "litert-dynamic", "litert-float32"]
    error = failed(run_dir, asked, tmp_path / "out")
    folder = tmp_path / "out" / "1"
    assert error.folder == folder
    lines = str(error).splitlines()
    assert lines[0].startswith("onnx: pictures: a probability differs by ")
    assert lines[1:] == [
        "litert-dynamic: cannot be made: ValueError: no such operation",
        "the others were exported: saved_model, litert-float32",
    ]
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "assets", "export.json", "fingerprint.pb", "model.float32.tflite", "network.svg",
        "saved_model.pb", "variables",
    ]  # fmt: skip
    report = json.loads((folder / "export.json").read_text())
    assert [one["format"] for one in report["formats"]] == ["saved_model", "litert-float32"]
    assert report["failed"] == {"onnx": lines[0].removeprefix("onnx: "), "litert-dynamic": lines[1].partition(": ")[2]}


def test_a_file_that_does_not_load_leaves_nothing(run_dir, tmp_path, monkeypatch):
    broken = replace(formats.FORMATS["onnx"], write=lambda network, path, calibration: path.write_bytes(b"no model"))
    monkeypatch.setitem(formats.FORMATS, "onnx", broken)
    assert str(failed(run_dir, ["onnx"], tmp_path / "out")).startswith("onnx: does not run by itself: ")
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_that_takes_no_more_is_not_the_folders_fault(run_dir, tmp_path):
    def closed(line):
        if line.startswith("writing"):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        export(run_dir, ["saved_model"], tmp_path / "a" / "b", say=closed)
    assert list(tmp_path.iterdir()) == []


def test_packages_that_are_missing_are_named(run_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    assert refused(run_dir, ["saved_model", "onnx"], tmp_path / "out") == (
        "--format onnx: needs onnx, tf2onnx, onnxruntime: install with pip install 'convspec[export]'"
    )


def test_a_folder_that_is_no_export_is_refused(run_dir, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert refused(run_dir, ["saved_model"], tmp_path) == (
        f"{tmp_path}: exists and is not a folder of exports: it holds notes.txt; name a new folder with --out"
    )
    assert refused(run_dir, ["saved_model"], tmp_path / "notes.txt") == (
        f"{tmp_path / 'notes.txt'}: cannot hold exports: Not a directory; name a new folder with --out"
    )


def test_a_folder_of_another_networks_exports_is_refused(run_dir, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "export.json").write_text('{"network": "alexnet"}')
    assert refused(run_dir, ["saved_model"], tmp_path) == (
        f"{tmp_path}: holds exports of 'alexnet', not of 'digits'; name a new folder with --out"
    )


def test_what_is_no_run_is_refused(run_dir, tmp_path):
    runs = run_dir.parent
    assert refused(runs, ["saved_model"], None) == f"{runs}: holds runs, and is none; name one of them: short"
    assert refused(tmp_path, ["saved_model"], None) == (
        f"{tmp_path}: is not the directory of a run: it has no spec.yaml and no checkpoints/"
    )
    (tmp_path / "spec.yaml").touch()
    assert refused(tmp_path, ["saved_model"], None).endswith("is not the directory of a run: it has no checkpoints/")
    (tmp_path / "names" / "1").mkdir(parents=True)
    (tmp_path / "names" / "1" / "export.json").write_text("{}")
    for folder in (tmp_path / "names", tmp_path / "names" / "1"):
        assert refused(folder, ["saved_model"], None) == (
            f"{folder}: is an export, expected the directory of a run; export.json names the one it is of"
        )
    assert refused(run_dir / "spec.yaml", ["saved_model"], None).startswith(
        f"{run_dir / 'spec.yaml'}: is a file, expected the directory of a run"
    )


ANEW = "python tools/train.py --resume {0} resumes the training and writes it"


def test_a_run_without_a_model_is_refused(copy):
    (copy / "model.keras").unlink()
    assert refused(copy, ["saved_model"], None) == (
        f"{copy}: has no model.keras: the training was stopped before it had written its best model; "
        + ANEW.format(copy)
    )


def test_damaged_files_are_reported(copy, tmp_path):
    out = tmp_path / "out"
    model, best = copy / "model.keras", copy / "checkpoints" / "best.safetensors"
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    resume = f"python tools/train.py --resume {copy} writes what is missing"
    message = refused(copy, out=out)
    assert message.startswith(f"{model}: is damaged, or no model of Keras: ")
    assert message.endswith(f"; delete model.keras there, and {resume}")
    model.write_bytes(whole)
    best.write_bytes(best.read_bytes()[:1000])
    message = refused(copy, out=out)
    assert message.startswith(f"{best}: is damaged: ")
    assert message.endswith("; delete it, and the weights of model.keras take its place")
    environment = copy / "environment.json"
    environment.write_text('{"data": {}}')
    assert refused(copy, ["saved_model"], out) == (
        f"{environment}: is damaged: KeyError: 'name'; delete environment.json and model.keras there, and {resume}"
    )
    environment.unlink()
    assert refused(copy, ["saved_model"], out) == f"{environment}: is not there; delete model.keras there, and {resume}"
    assert not out.exists()


def test_a_spec_that_was_changed_is_refused_with_the_differences(copy, tmp_path):
    spec = copy / "spec.yaml"
    text = spec.read_text()
    mend = "undo the change, or train the changed spec in a run of its own"
    for old, new, change in (
        ("{momentum: 0.9}", "{momentum: 0.8}", "model.defaults.batch_norm.momentum was 0.9, is 0.8"),
        ("width: 8", "width: 4", "params.width was 8, is 4"),
        ("batch_size: ", "eval_resize: 9\n  batch_size: ", "train.eval_resize was absent, is 9"),
    ):
        assert old in text
        spec.write_text(text.replace(old, new, 1))
        message = f"{spec}: the spec was changed since {copy} was trained: {change}; {mend}"
        assert refused(copy, out=tmp_path / "out") == message
    spec.write_text(f"# a comment\n{text}".replace("data: digits", "data: {digits: {}}", 1))
    assert open_run(copy).spec.params["width"] == 8, "where the data are may be said otherwise"


def test_a_model_of_another_network_is_refused_with_the_differences(copy):
    path = copy / "model.keras"
    model = keras.models.load_model(path)
    model.get_layer("digits").get_layer("conv1.norm").epsilon = 0.001
    model.save(path)
    with pytest.raises(UserError) as caught:
        open_run(copy).model  # noqa: B018
    assert str(caught.value) == (
        f"{path}: is of another network than {copy / 'spec.yaml'}: conv1.norm.epsilon is 0.001, by the spec 1e-05; put "
        "back the file that was there"
    )


def test_other_weights_in_the_model_than_in_the_best_checkpoint_are_refused(copy, tmp_path):
    best = copy / "checkpoints" / "best.safetensors"
    tensors, _ = read_tensors(best)
    write_tensors(best, {**tensors, "dense1/bias": tensors["dense1/bias"] + 1})
    assert "has other weights than checkpoints/best.safetensors (dense1/bias, for one)" in refused(
        copy, out=tmp_path / "out"
    )


# -- other data and networks -----------------------------------------------------------------------------------------

COLOURS = {
    "name": "colours",
    "model": {
        "input": [16, 16, 3],
        "layers": [
            {"conv": {"filters": 8, "kernel": 3, "stride": 2, "padding": "symmetric", "norm": "batch"}},
            {"activation": "relu"},
            "local_response_norm",
            {"conv": {"filters": 8, "kernel": 3, "groups": 2, "activation": "relu"}},
            {"max_pool": {"size": 3, "stride": 2, "padding": "symmetric"}},
            {"depthwise_conv": {"kernel": 3, "norm": "batch"}},
            "flatten",
            {"dense": 2},
        ],
    },
    "train": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01, "eval_resize": 20},
}


@pytest.fixture(scope="module")
def colour_run(tmp_path_factory):
    """A run on JPEG files of several sizes, resized and cropped for evaluation."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        path = folder / ("flower" if number % 2 else "temple") / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        write(path, cut(number))
    spec = folder / "colours.yaml"
    train_section = {**COLOURS["train"], "data": {"folder": {"path": str(folder), "validation": 0.4}}}
    spec.write_text(yaml.safe_dump({**COLOURS, "train": train_section}, sort_keys=False))
    run_dir = tmp_path_factory.mktemp("runs") / "colours"
    train(archspec.load(spec), run_dir, say=lambda line: None)
    return run_dir


def test_files_of_any_size_are_served_as_they_were_evaluated(colour_run, tmp_path):
    place = export(colour_run, ["saved_model", "onnx", "litert-float32"], tmp_path / "out", say=lambda line: None)
    report = json.loads((place / "export.json").read_text())
    assert report["folded"] == ["conv1.norm", "depthwise_conv1.norm"]
    assert report["input"] == {"shape": [16, 16, 3], "resize": "crop", "eval_resize": 20, "pixels": "0 to 255"}
    assert report["classes"] == ["flower", "temple"]
    assert [one["agreement"] for one in report["formats"]] == [1.0, 1.0, 1.0]


def test_large_weights_are_variables(colour_run, tmp_path, monkeypatch):
    for limit in ("ALL_CONSTANT", "MOST_CONSTANT", "LEAST_VARIABLE"):
        monkeypatch.setattr(f"builder.exports.inference.{limit}", 0)
    place = export(colour_run, ["saved_model", "saved_model-bfloat16"], tmp_path / "out", say=lambda line: None)
    for folder, kernels in ((place, tf.float32), (place / "bfloat16", tf.bfloat16)):
        loaded = tf.saved_model.load(str(folder))
        signature = loaded.signatures["serving_default"]
        assert len(signature.variables) == 8  # kernels and biases
        assert {one.dtype for one in signature.variables if len(one.shape) > 1} == {kernels}
        answers = signature(pictures=tf.zeros((5, 16, 16, 3)))
        assert answers["probabilities"].shape == (5, 2) and answers["probabilities"].dtype == tf.float32


@pytest.fixture
def own_processes(monkeypatch):
    monkeypatch.setattr("builder.exports.exporter.MOST_IN_ONE_PROCESS", 0)
    monkeypatch.delattr("builder.exports.exporter.import_tensorflow")  # in this process it has no use
    monkeypatch.setattr("builder.exports.processes.PYTHON", [python()])


def test_a_large_network_is_exported_by_a_process_for_each_step(colour_run, tmp_path, own_processes):
    lines = []
    asked = ["saved_model", "keras", "onnx", "litert-int8"]
    place = export(colour_run, asked, tmp_path / "out", say=lines.append)
    report = json.loads((place / "export.json").read_text())
    assert [one["format"] for one in report["formats"]] == asked
    assert sorted(path.name for path in place.iterdir()) == [
        "README.md", "assets", "export.json", "fingerprint.pb", "model.int8.tflite", "model.keras", "model.onnx",
        "network.svg", "saved_model.pb", "variables",
    ]  # fmt: skip
    assert "calibrated on 18 training pictures" in "\n".join(lines)


def test_mistakes_found_by_another_process_are_reported_as_ever(copy, tmp_path, own_processes):
    model = copy / "model.keras"
    model.write_bytes(model.read_bytes()[:1000])
    assert refused(copy, out=tmp_path / "out").startswith(f"{model}: is damaged, or no model of Keras: ")
    assert list(tmp_path.iterdir()) == [copy]
