"""What of a run's record others may see."""

import os
from pathlib import Path

import pytest

import archspec
from builder.runs.public import public_path, public_spec, public_text

SPEC = """
name: a
description: Pictures of /home/alice/private
params: {where: "~/private/pictures", n: 4, share: "${n / 2}"}
model: {input: [8, 8, 1], layers: [flatten, dense: 2]}
train:
  data: {tfds: {name: mnist, data_dir: /home/alice/tfds}}
  batch_size: 8
  epochs: 1
  init_from: {weights: ../../alice/weights.pth}
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/alice/my pictures", "my pictures"),
        ("/home/alice/pictures/", "pictures"),
        ("~/pictures", "pictures"),
        ("../alice/pictures", "pictures"),
        ("data/../../pictures", "pictures"),
        ("data/pictures", "data/pictures"),
        ("imagenet2012", "imagenet2012"),
        ("${n / 2}", "${n / 2}"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_a_path_that_leads_out_keeps_its_name(path, expected):
    assert public_path(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/alice/a.jpg: is damaged", "a.jpg: is damaged"),
        ("'/home/alice/a.jpg' and (~/b.jpg), ../c.jpg", "'a.jpg' and (b.jpg), c.jpg"),
        (f"saved {os.getcwd()}/runs/a b/1", "saved runs/a b/1"),
        (f"saved {Path.home()}/runs/a", "saved runs/a"),
        ("224x224 images/s, 3/4, 1 / 2, and/or, n/a", "224x224 images/s, 3/4, 1 / 2, and/or, n/a"),
        (f"file://{Path.home()}/a and file:///srv/alice/b", "a and b"),
        ("https://keras.io/api/", "https://keras.io/api/"),
    ],
)
def test_a_message_keeps_the_names_of_its_paths(text, expected):
    assert public_text(text) == expected


def test_a_spec_keeps_its_meaning():
    spec = archspec.loads(SPEC)
    public = archspec.loads(public_spec(spec))
    assert "alice" not in public.to_yaml() and "~" not in public.to_yaml()
    assert public.train.data.data_dir == "tfds" and public.train.init_from.weights == "weights.pth"
    assert public.description == "Pictures of private" and public.params["where"] == "pictures"
    assert public.graph == spec.graph and public.params["share"] == 2
    assert "alice" in spec.to_yaml()  # which stays as it is


def test_a_spec_without_paths_stays_as_it_is():
    for name in ("digits", "resnet50", "vgg_d"):
        spec = archspec.load(name)
        assert public_spec(spec) == spec.to_yaml()
