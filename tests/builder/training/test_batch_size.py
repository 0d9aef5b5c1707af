"""`batch_size: auto`: what limits it, steps that run out of memory, and the number in the run's spec."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import archspec
from archspec.errors import SpecError
from builder.data import load_data
from builder.distribution.cluster import ALONE, Cluster
from builder.distribution.strategy import one_device
from builder.runs.run import open_run
from builder.training import batch_size, memory
from builder.training.batch_size import estimate, set_up_automatic, smaller_batch
from builder.training.memory import step_memory
from builder.training.preview import preview
from builder.training.setup import set_up
from builder.training.trainer import train
from tests.small import SPEC, written

MODEL = {"layers": [*SPEC["model"]["layers"][:1], {"dropout": 0.2}, *SPEC["model"]["layers"][1:]]}
OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[256,64,112,112]")


@pytest.fixture
def load(tmp_path):
    """Loads a small spec whose batch size is open, with fields of `train` replaced."""

    def load(**train):
        return archspec.load(written(tmp_path / "small.yaml", MODEL, **{"batch_size": "auto", **train}))

    return load


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return load_data(archspec.load(written(tmp_path_factory.mktemp("data") / "small.yaml")))


@pytest.fixture
def limited(monkeypatch):
    """Makes every step of more than some pictures run out of memory."""

    def limited(most):
        def failing(spec, recipe, *others):
            def exhausted(*arguments):
                raise OUT_OF_MEMORY

            setup = set_up(spec, recipe, *others)
            return setup if recipe.global_batch <= most else dataclasses.replace(setup, train=exhausted)

        monkeypatch.setattr(batch_size, "set_up", failing)

    return limited


def placement(replicas=1, cluster=ALONE):
    return SimpleNamespace(replicas=replicas, cluster=cluster, towers=(), is_multi_worker=len(cluster.workers) > 1)


def test_a_training_chooses_records_and_keeps_a_batch_size(load, tmp_path, monkeypatch):
    lines = []
    found = train(load(), tmp_path / "auto", say=lines.append)
    assert lines[0] == (
        "batch_size: auto is 32: so that an epoch of 1,437 pictures has at least 32 steps; the run's spec.yaml has the "
        "number"
    )
    assert open_run(tmp_path / "auto").recipe.batch_size == 32
    given = train(load(batch_size=32), tmp_path / "given", say=lambda line: None)
    assert found.history == given.history, "a trial step leaves no trace"

    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    longer = load(epochs=3)  # and `auto`, as the file still says
    assert train(longer, tmp_path / "auto", resume=True, say=lines.append).epochs == 3
    run = open_run(tmp_path / "auto")
    assert (run.recipe.batch_size, run.recipe.epochs) == (32, 3)


def test_a_step_that_runs_out_of_memory_halves_the_batch(load, data, limited):
    limited(most=10)
    lines = []
    spec = load(deterministic=True)
    setup = set_up_automatic(spec, data, one_device(), True, lines.append)
    assert setup.recipe.global_batch == 8 and setup.spec.train.batch_size == 8
    assert lines == ["batch_size: auto is 8: a step of 16 ran out of memory; the run's spec.yaml has the number"]
    keras.utils.set_random_seed(spec.train.seed)
    first = set_up(setup.spec, setup.recipe, data, one_device(), True, lines.append)
    for name, variable in first.state.variables.items():
        assert np.array_equal(variable, setup.state.variables[name]), "weights are those of the first attempt"


def test_a_memory_that_holds_no_picture_is_an_error(load, data, limited):
    limited(most=0)
    spec = load()
    with pytest.raises(SpecError) as caught:
        set_up_automatic(spec, data, one_device(), True, lambda line: None)
    assert (
        "train.batch_size: a step of 1 picture needs more memory than there is; not even one picture on each device "
        "fits: use a smaller network, or precision: mixed_bfloat16"
    ) in str(caught.value)


def test_the_free_memory_limits_it(load, data, monkeypatch):
    spec = load()
    needed = step_memory(spec, one_device())
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * needed.needed(20))  # of which a step may take half
    choice = estimate(spec, data, one_device())
    assert choice.batch_size == 16
    assert choice.reason == ("a step of 32 would take about 411 KiB of memory, and this training may take 288 KiB")
    assert estimate(spec, data, one_device(), share=0.5).batch_size < 16


@pytest.mark.parametrize(
    ("replicas", "accumulate", "expected"), [(1, 1, 32), (2, 1, 32), (3, 1, 24), (2, 2, 32), (3, 5, 30), (100, 1, 100)]
)
def test_it_divides_over_replicas_and_parts(replicas, accumulate, expected, load, data):
    spec = load(accumulate=accumulate)
    assert estimate(spec, data, placement(replicas)).batch_size == expected


def test_workers_on_one_machine_share_its_memory(load, monkeypatch):
    spec = load()
    monkeypatch.setattr(memory, "free_memory", lambda: 1200)
    workers = Cluster(("one:1", "one:2", "other:1"), 1)
    free = [step_memory(spec, placement(*args)).free for args in ((1,), (3,), (3, workers), (6, workers))]
    assert free == [1200, 400, 600, 300]


def test_more_devices_than_pictures_are_refused(load, data):
    spec = load(accumulate=4)
    with pytest.raises(SpecError) as caught:
        estimate(spec, data, placement(400))
    assert (
        "train.batch_size: a batch has at least a picture for each of 400 replicas x 4 parts (accumulate), and digits "
        "has 1,437 pictures to train on; use fewer devices or parts"
    ) in str(caught.value)


def test_a_data_set_of_any_size_has_a_most(load, data):
    spec = load()
    choice = estimate(spec, SimpleNamespace(name="many", train_count=10**6), one_device())
    assert (choice.batch_size, choice.reason) == (
        1024,
        "more than 1,024 pictures in a step are no faster, and train no better",
    )


@pytest.mark.parametrize(
    ("recipe", "advice"),
    [
        (
            {"batch_size": 64},
            "train.batch_size=32 should fit, or train.accumulate=2, which computes the same batch in parts",
        ),
        (
            {"batch_size": 48, "accumulate": 3},
            "train.batch_size=24 should fit, or train.accumulate=6, which computes the same batch in parts",
        ),
        (
            {"batch_size": 1},
            "not even one picture on each device fits: use a smaller network, or precision: mixed_bfloat16",
        ),
    ],
)
def test_what_would_fit_instead(recipe, advice, load, data):
    spec = load(**recipe)
    assert smaller_batch(SimpleNamespace(spec=spec, recipe=spec.train, placement=one_device())) == advice


def test_a_preview_says_what_it_draws(load, tmp_path):
    lines = []
    preview(load(), tmp_path / "drawn.png", say=lines.append)
    assert lines == [
        "batch_size: auto is 32: so that an epoch of 1,437 pictures has at least 32 steps; a training on more devices "
        "may choose another"
    ]


def test_gpus_are_asked_what_tensorflow_may_still_take(load, monkeypatch):
    devices = [
        SimpleNamespace(device_type=kind, name=f"/device:{kind}:{number}", memory_limit=limit)
        for kind, number, limit in (("CPU", 0, 256), ("GPU", 0, 9000), ("GPU", 1, 8000))
    ]
    used = {"GPU:0": {"current": 2000, "peak": 2500}, "GPU:1": {"current": 0, "peak": 0}}
    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    monkeypatch.setattr(memory.device_lib, "list_local_devices", lambda: devices)
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", used.__getitem__)
    spec = load()
    assert step_memory(spec, placement(2)).free == 7000


@pytest.mark.parametrize(("pictures", "expected"), [(3, 2), (10, 8), (255, 8), (256, 8), (600, 16)])
def test_few_pictures_get_no_batch_too_small_for_batch_normalisation(pictures, expected, load):
    choice = estimate(load(), SimpleNamespace(name="few", train_count=pictures), one_device())
    assert choice.batch_size == expected
    assert ("there are only" in choice.reason) == (pictures < 256)
    if pictures == 10:
        assert choice.reason == (
            "there are only 10 pictures to train on, and batch normalisation needs about 8 in a step"
        )
