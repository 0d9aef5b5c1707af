"""What a training takes from the network."""

import pytest

import archspec
from builder.training.downloads import download, reason_to_stay_online
from builder.weights import keras_files


def spec(data):
    return archspec.load("digits", {"train.data": data})


def test_only_data_sets_of_tfds_are_downloaded():
    assert download(spec({"tfds": {"name": "mnist"}}), None) is not None
    assert download(spec({"tfds": {"name": "mnist", "download": False}}), None) is None
    assert download(spec("digits"), None) is None
    assert download(spec({"npz": {"path": "a.npz"}}), None) is None


def test_weights_of_keras_are_downloaded_and_left_to_the_training_to_report(monkeypatch):
    asked: list[str] = []

    def read_application(name):
        asked.append(name)
        raise archspec.UserError([])

    monkeypatch.setattr(keras_files, "read_application", read_application)
    download(archspec.load("digits", {"train.init_from": {"weights": "keras:MobileNet"}}), None)()
    assert asked == ["MobileNet"]
    assert download(archspec.load("digits", {"train.init_from": {"weights": "mine.pth"}}), None) is None
    assert download(archspec.load("digits", {"train.init_from": {"run": "runs/mine"}}), None) is None


def test_what_cannot_be_prepared_is_reported_with_its_place(tmp_path):
    with pytest.raises(archspec.UserError, match=r"train\.data: TFDS has no data set 'mnits'; did you mean 'mnist'\?"):
        download(spec({"tfds": {"name": "mnits"}}), str(tmp_path))()


def test_data_behind_an_address_are_read_over_the_network(monkeypatch):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    data = spec({"tfds": {"name": "mnist", "data_dir": "gs://bucket/data"}})
    assert reason_to_stay_online(data, None) == "they read the data from gs://bucket/data"
    assert reason_to_stay_online(data, "/data") == ""
    assert reason_to_stay_online(spec("digits"), None) == ""
    monkeypatch.setenv("TFDS_DATA_DIR", "s3://bucket")
    assert reason_to_stay_online(spec({"tfds": {"name": "mnist"}}), None) == "they read the data from s3://bucket"
