"""TensorFlow Datasets: two data sets defined here like any other, and the errors for wrong sources."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

import archspec
from archspec.recipe import Train
from archspec.recipe.data import Tfds
from builder.data import load_data
from builder.data.batches import training_batches, validation_batches
from tests.builder.data.conftest import cut


class PhotographParts(tfds.core.GeneratorBasedBuilder):
    """Parts of photographs: JPEGs of four sizes, in three classes."""

    VERSION = tfds.core.Version("1.2.0")
    IMAGE = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
    SIZE = None

    def _info(self):
        features = {"image": self.IMAGE, "label": tfds.features.ClassLabel(names=["cat", "dog", "eel"])}
        features["more"] = tfds.features.Text()
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0, 30), "test": self._generate_examples(30, 40)}

    def _generate_examples(self, start, stop):
        for number in range(start, stop):
            picture = cut(number, self.SIZE)[..., : self.IMAGE.shape[-1]]
            yield number, {"image": picture, "label": number % 3, "more": "text"}


class GreyParts(PhotographParts):
    """Parts of photographs: grey PNGs of one size."""

    IMAGE = tfds.features.Image(shape=(24, 20, 1))
    SIZE = (24, 20)


class TextParts(PhotographParts):
    """A data set that cannot be trained on, as it has no supervised keys."""

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"image": self.IMAGE}))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("tfds")


def load(data_dir, shape=(32, 32, 3), name="photograph_parts", **fields):
    return load_data(Tfds(name=name, **fields), shape, data_dir)


def problem(data_dir, *arguments, **fields):
    with pytest.raises(archspec.UserError) as caught:
        load(data_dir, *arguments, **fields)
    return str(caught.value).replace(str(data_dir), "DIR")


def labels(split):
    return [int(split.read(number)[1]) for number in range(split.count)]


def test_pictures_of_many_sizes_are_read_by_number(data_dir):
    data = load(data_dir)
    assert data.name == "photograph_parts/1.2.0" and data.class_names == ("cat", "dog", "eel")
    assert (data.train_count, data.validation_count, data.train.size) == (30, 10, None)
    source = tfds.builder("photograph_parts", data_dir=data_dir).as_dataset(
        split="train",
        as_supervised=True,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1),
    )
    for number, (contents, label) in enumerate(source.as_numpy_iterator()):
        read, read_label = data.train.read(number)
        assert read.numpy() == contents and read_label.numpy() == label


def test_splits_may_be_slices(data_dir):
    whole, part = load(data_dir), load(data_dir, train="train[10%:50%]+test", validation="train[-4:]")
    assert (part.train_count, part.validation_count) == (22, 4)
    assert labels(part.train) == labels(whole.train)[3:15] + labels(whole.validation)
    assert labels(part.validation) == labels(whole.train)[-4:]
    assert part.fingerprint != whole.fingerprint


@pytest.mark.parametrize("cache", ["auto", "off"])
def test_pictures_of_one_size_come_as_they_are_from_memory_and_from_disk(cache, data_dir):
    data = load(data_dir, (24, 20, 1), "grey_parts")
    assert data.train.size == (24, 20)
    recipe = Train(data=None, batch_size=10, epochs=1, cache=cache)
    pictures = np.concatenate([pictures for pictures, _ in training_batches(data, recipe, 10).as_numpy_iterator()])
    expected = {cut(number, (24, 20))[..., :1].tobytes() for number in range(30)}
    assert {picture.tobytes() for picture in pictures} == expected
    assert bool(data.train.decoded) == (cache == "auto")


def test_grey_pictures_are_repeated_for_three_channels(data_dir):
    data = load(data_dir, (24, 20, 3), "grey_parts")
    (pictures, _, _), *_ = validation_batches(data, Train(data=None), 10).as_numpy_iterator()
    assert pictures.shape == (10, 24, 20, 3) and (pictures == pictures[..., :1]).all()


def test_the_command_lines_data_dir_takes_precedence(data_dir, tmp_path):
    source = Tfds(name="grey_parts", data_dir=str(tmp_path / "nowhere"), download=False)
    assert load_data(source, (24, 20, 1), data_dir).train_count == 30
    assert load_data(Tfds(name="grey_parts", data_dir=str(data_dir), download=False), (24, 20, 1)).train_count == 30


def test_another_process_may_finish_preparing_first(tmp_path, monkeypatch):
    from builder.data.sources import tfds as module

    prepare = module._prepare

    def after_another(*arguments):
        monkeypatch.undo()
        load(tmp_path, (24, 20, 1), "grey_parts")
        prepare(*arguments)

    monkeypatch.setattr(module, "_prepare", after_another)
    assert load(tmp_path, (24, 20, 1), "grey_parts").train_count == 30


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "cifra10"}, "TFDS has no data set 'cifra10'; did you mean 'cifar10'?"),
        ({"train": "trian"}, "photograph_parts/1.2.0 has no split 'trian'; did you mean 'train'?"),
        ({"validation": "validation"}, "photograph_parts/1.2.0 has no split 'validation'; known: test, train"),
        ({"train": "train[30:]"}, "the split 'train[30:]' of photograph_parts/1.2.0 is empty"),
        ({"name": "text_parts"}, "'text_parts' is not a data set of pictures with one label each"),
        (
            {"name": "cifar10", "download": False},
            "cifar10/3.0.2 is not prepared in DIR/cifar10/3.0.2, and download is false; set download: true, or "
            "data_dir to where it is",
        ),
        (
            {"shape": (32, 32, 1)},
            "the pictures of photograph_parts have 3 channels, and the network takes 1 channel; set the channels of "
            "model.input to 3",
        ),
        ({"shape": (32,)}, "the network takes 32; pictures are (height, width, channels), so set model.input to three"),
    ],
)
def test_a_wrong_source_says_what_is_wrong(fields, expected, data_dir):
    assert problem(data_dir, **fields) == f"train.data: {expected}"


def test_a_version_that_is_not_there(data_dir):
    assert problem(data_dir, name="cifar10:9.9.9").startswith("train.data: TFDS cannot load 'cifar10:9.9.9': ")


def test_a_place_that_cannot_hold_data(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert "grey_parts/1.2.0 cannot be prepared in DIR/grey_parts/1.2.0: " in problem(
        tmp_path / "file", (24, 20, 1), "grey_parts"
    )


def test_a_missing_network_is_reported_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("builder.data.sources.tfds.RETRIES", 0)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nothing listens, whatever network there is
    text = problem(tmp_path, name="cifar10")
    assert text.startswith("train.data: cifar10/3.0.2 cannot be prepared in DIR/cifar10/3.0.2: ")
    assert text.endswith("; check the network, or copy the prepared data set there from a machine that has it")


def test_a_corrupt_picture_is_named(tmp_path):
    load(tmp_path)
    (file,) = (tmp_path / "photograph_parts" / "1.2.0").glob("*test.tfrecord*")
    content = bytearray(file.read_bytes())
    start = content.index(b"\xff\xd8\xff", 2000)
    content[start : start + 3] = b"abc"
    file.write_bytes(content)
    data = load(tmp_path, on_corrupt="skip")
    assert data.validation_count == 9 and data.skipped[0].startswith("picture ")
    assert "1 of the 40 pictures of photograph_parts/1.2.0 cannot be decoded" in problem(tmp_path)
