"""Which tensor goes where: by structure and order, by names if these agree, and never by a guess."""

import numpy as np
import pytest

from archspec import UserError
from archspec.errors import FileError
from builder import weights
from builder.weights import names
from builder.weights.source import state_dict
from tests.builder.weights.networks import conv, network


def convs(*names):
    return state_dict("file", {f"{name}.weight": np.zeros((4, 4, 3, 3)) for name in names})


def pairs(spec, source, **options):
    matching = weights.match(spec, source, **options)
    weights.require(matching)
    return {e.ours.layer: e.theirs.layer for e in matching.entries if e.status == "matched"}


PLAIN = network(conv(4, bias=False), conv(4, bias=False), conv(4, bias=False), size=(8, 8, 4))
# Two branches that only their names tell apart, and a layer after them.
FORKED = network(
    {"conv": {"filters": 4, "kernel": 3, "bias": False, "name": "left"}},
    {"conv": {"filters": 4, "kernel": 3, "bias": False, "from": "input", "name": "right"}},
    {"add": {"from": ["left", "right"]}},
    {"conv": {"filters": 4, "kernel": 3, "bias": False, "name": "last"}},
    size=(8, 8, 4),
)


@pytest.mark.parametrize(
    "theirs", [["stem", "body", "head"], ["f.0", "f.3", "f.10"], ["b.conv1", "b.conv2", "a.conv1"]]
)
def test_a_chain_of_layers_follows_the_order_of_definition(theirs):
    assert list(pairs(PLAIN, convs(*theirs)).values()) == theirs


@pytest.mark.parametrize(
    "theirs", [["layer.2.conv", "layer.3.conv", "layer.10.conv"], ["conv2d", "conv2d_1", "conv2d_2"]]
)
def test_numbers_order_names_that_the_file_has_sorted(theirs):
    assert list(pairs(PLAIN, convs(*sorted(theirs))).values()) == theirs


def test_sorted_words_have_no_order():
    """`body`, `head` and `stem` are sorted, and nothing says which comes first."""
    with pytest.raises(FileError, match="undecided: which of body, head, stem is which of conv1, conv2, conv3"):
        pairs(PLAIN, convs("body", "head", "stem"))


def test_numbers_that_contradict_the_order_decide_nothing():
    with pytest.raises(FileError, match="undecided"):
        pairs(PLAIN, convs("up3", "up2", "up1"))


@pytest.mark.parametrize(
    "theirs", [["left", "right", "last"], ["right", "left", "last"], ["x.right", "x.left", "y.last"]]
)
def test_branches_are_told_apart_by_names(theirs):
    found = pairs(FORKED, convs(*theirs))
    assert {ours: name.rpartition(".")[2] for ours, name in found.items()} == {n: n for n in ("left", "right", "last")}


def test_the_last_of_each_side_belong_together():
    assert pairs(FORKED, convs("b.0.right", "b.0.other", "z.0.last"))["left"] == "b.0.other"


def test_branches_without_agreeing_names_are_not_guessed():
    source = convs("b2", "b1", "last")
    with pytest.raises(FileError) as error:
        pairs(FORKED, source)
    text = str(error.value)
    assert "file: does not fit net: 1 tensor matched (1 transposed), 2 undecided" in text
    assert "undecided: which of b2, b1 is which of left, right" in text
    assert "say which with pairs, as in pairs={'b2': 'left'}" in text
    assert pairs(FORKED, source, pairs={"b2": "left"}) == {"left": "b2", "right": "b1", "last": "last"}


def test_one_agreeing_name_does_not_decide_for_two_chains():
    """left1 and right1 have no order, nor right2 with left1: pairing them by rank would be a guess."""
    chains = network(
        {"conv": {"filters": 4, "kernel": 3, "bias": False, "name": "left1"}},
        {"conv": {"filters": 4, "kernel": 3, "bias": False, "name": "left2"}},
        {"conv": {"filters": 4, "kernel": 3, "bias": False, "from": "input", "name": "right1"}},
        {"conv": {"filters": 4, "kernel": 3, "bias": False, "name": "right2"}},
        {"add": {"from": ["left2", "right2"]}},
        size=(8, 8, 4),
    )
    names_there = ["r1", "r2", "l1", "left2"]
    with pytest.raises(
        FileError, match="undecided: which of r1, r2, l1, left2 is which of left1, left2, right1, right2"
    ):
        pairs(chains, convs(*names_there))
    same = ["right1", "right2", "left1", "left2"]
    assert pairs(chains, convs(*same)) == {name: name for name in same}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["conv3", "shortcut"], ["downsample.0", "conv3"], {0: 1, 1: 0}),
        (["conv3", "shortcut"], ["0_conv", "3_conv"], {0: 1, 1: 0}),
        (["a.conv3", "a.shortcut"], ["b.1.shortcut.0", "b.1.conv.4"], {0: 1, 1: 0}),
        (["left", "right"], ["b1", "b2"], None),
        (["branch1.conv2", "branch2.conv1"], ["branch2.conv1", "branch1.conv2"], {0: 1, 1: 0}),
        (["a.1.b.2", "a.2.b.1"], ["b.1.a.2", "b.2.a.1"], None),
        (["p.branch1.conv1", "p.branch2.conv1"], ["q.branch1.conv1", "q.branch2.conv1"], {0: 0, 1: 1}),
        (["p.branch1.conv1", "p.branch2.conv1"], ["q.branch0.conv1", "q.branch1.conv1"], None),  # counted from 0
    ],
)
def test_names_that_agree(first, second, expected):
    assert names.agreeing(first, second) == expected


# -- normalisations ----------------------------------------------------------------------------------------------------

NORMS = network(
    conv(4, norm="batch"), conv(4, 1, norm="batch"), {"residual": {"layers": [conv(4, norm="batch")]}}, size=(8, 8, 4)
)


def norm(name, channels=4):
    return {f"{name}.{word}": np.zeros(channels) for word in ("weight", "bias", "running_mean", "running_var")}


@pytest.mark.parametrize(
    ("kernels", "norms"),
    [
        (["conv1", "conv2", "conv3"], ["bn1", "bn2", "bn3"]),
        (["f.0", "f.3", "f.6"], ["f.1", "f.4", "f.7"]),
        (["a.0.conv", "a.1.conv", "a.2.conv"], ["a.0.bn", "a.1.bn", "a.2.bn"]),
        (["x.0.conv_a", "x.1.conv", "x.2.conv"], ["x.0.bn_a", "x.1.norm", "x.2.norm"]),
    ],
)
@pytest.mark.parametrize("arrange", [list, sorted, reversed])
def test_normalisations_go_with_their_layer(kernels, norms, arrange):
    shapes = [(4, 4, 3, 3), (4, 4, 1, 1), (4, 4, 3, 3)]
    tensors = {}
    for kernel, bn, shape in zip(kernels, norms, shapes, strict=True):
        tensors |= {f"{kernel}.weight": np.zeros(shape), **norm(bn)}
    if arrange is reversed:  # normalisations first: before activation, as some define them
        tensors = dict(sorted(tensors.items(), key=lambda item: item[0] in {f"{kernel}.weight" for kernel in kernels}))
        arrange = list
    found = pairs(NORMS, state_dict("file", {key: tensors[key] for key in arrange(tensors)}))
    layers = ["conv1", "conv2", "residual1.conv1"]
    assert found == dict(zip([*layers, *(f"{layer}.norm" for layer in layers)], [*kernels, *norms], strict=True))


def test_normalisations_before_their_layer_are_paired_on_their_own():
    spec = network("batch_norm", conv(4, bias=False), "batch_norm", conv(4, bias=False), "batch_norm", size=(8, 8, 4))
    tensors = {}
    for number in (1, 2):
        tensors |= norm(f"block.bn{number}") | {f"block.conv{number}.weight": np.zeros((4, 4, 3, 3))}
    found = pairs(spec, state_dict("file", tensors | norm("block.bn3")))
    assert [found[f"batch_norm{i}"] for i in (1, 2, 3)] == ["block.bn1", "block.bn2", "block.bn3"]


# -- accounting --------------------------------------------------------------------------------------------------------

CLASSIFIER = network(conv(4, norm="batch"), "global_avg_pool", {"dense": {"units": 10, "name": "fc"}})
FILE = {"conv1.weight": np.zeros((4, 3, 3, 3)), **norm("bn1"), "bn1.num_batches_tracked": np.zeros((), "i8")}
FILE |= {"fc.weight": np.zeros((10, 4)), "fc.bias": np.zeros(10)}


def difference(tensors, **options):
    matching = weights.match(CLASSIFIER, state_dict("file", tensors), **options)
    with pytest.raises(FileError) as error:
        weights.require(matching)
    return str(error.value)


def without(*names):
    return {name: tensor for name, tensor in FILE.items() if name not in names}


def test_every_tensor_is_in_the_table():
    matching = weights.match(CLASSIFIER, state_dict("file", FILE))
    weights.require(matching)
    assert weights.summary(matching) == "7 tensors matched (2 transposed), 1 counter of batches ignored"
    assert weights.differences(matching) == []
    assert "\n".join(weights.table(matching)) == (
        "  network                     shape    file              shape\n"
        "----------------------------  -------  ----------------  -------  ----------\n"
        "  conv1/kernel                3x3x3x4  conv1.weight      4x3x3x3  transposed\n"
        "  conv1.norm/gamma            4        bn1.weight        4\n"
        "  conv1.norm/beta             4        bn1.bias          4\n"
        "  conv1.norm/moving_mean      4        bn1.running_mean  4\n"
        "  conv1.norm/moving_variance  4        bn1.running_var   4\n"
        "  fc/kernel                   4x10     fc.weight         10x4     transposed\n"
        "  fc/bias                     10       fc.bias           10"
    )


def test_a_missing_and_a_surplus_tensor():
    assert difference(without("bn1.running_var") | {"conv1.bias": np.zeros(4), "scale": np.zeros(3)}) == (
        "file: does not fit net: 6 tensors matched (2 transposed), 1 missing, 2 left over, "
        "1 counter of batches ignored\n"
        "        network                     shape  file        shape\n"
        "      ----------------------------  -----  ----------  -----  ---------\n"
        "        ... 4 matched\n"
        "      + conv1.norm/moving_variance  4                         missing\n"
        "        ... 2 matched\n"
        "      -                                    conv1.bias  4      left over\n"
        "      -                                    scale       3      left over"
    )


def test_another_number_of_classes():
    tensors = FILE | {"fc.weight": np.zeros((7, 4)), "fc.bias": np.zeros(7)}
    text = difference(tensors)
    assert "+ fc             4x10                missing: kernel, bias\n" in text
    assert "-                       fc    7x4    left over: weight, bias\n" in text
    assert text.endswith("for a new last layer, which stays as it is initialised: new_head=True")
    matching = weights.match(CLASSIFIER, state_dict("file", tensors), new_head=True)
    weights.require(matching)
    assert weights.summary(matching).startswith("5 tensors matched (1 transposed), 2 new, 2 replaced")
    assert {name for name, _, _ in matching.tensors()} == matching.layers == {"conv1", "conv1.norm"}


def test_a_new_head_is_new_also_where_the_old_one_would_fit():
    matching = weights.match(CLASSIFIER, state_dict("file", FILE), new_head=True)
    assert matching.complete and {e.role for e in matching.entries if e.status == "new"} == {"kernel", "bias"}


def test_a_new_head_excuses_nothing_else():
    assert "1 missing" in difference(without("bn1.bias"), new_head=True)
    assert "left over" in difference(FILE | {"extra.weight": np.zeros((2, 2))}, new_head=True)


def test_weights_of_another_network_fit_nowhere():
    text = difference({"a.weight": np.zeros((7, 7))})
    assert text.startswith("file: nothing in it fits net: 0 tensors matched, 7 missing, 1 left over\n")


def test_a_network_without_weights_takes_none():
    with pytest.raises(FileError, match="nothing in it fits net: 0 tensors matched, 1 left over"):
        weights.require(weights.match(network("global_avg_pool"), convs("a"), new_head=True))


def test_what_is_not_a_floating_point_number_is_left_over():
    assert "2 missing, 2 left over" in difference(FILE | {"fc.weight": np.zeros((10, 4), "i1")})


def test_partial_takes_what_fits():
    matching = weights.match(CLASSIFIER, state_dict("file", without("bn1.bias", "fc.weight", "fc.bias")))
    weights.require(matching, partial=True)
    with pytest.raises(FileError, match="nothing in it fits"):
        weights.require(weights.match(CLASSIFIER, state_dict("file", {})), partial=True)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ({"bn2": "conv1.norm"}, "bn2=conv1.norm: file has no layer with weights named 'bn2'; did you mean 'bn1'?"),
        (
            {"bn1": "conv1.nrm"},
            "bn1=conv1.nrm: net has no layer with weights named 'conv1.nrm'; did you mean 'conv1.norm'?",
        ),
        ({"bn1": "conv1"}, "bn1=conv1: a batch_norm of 4 is not a kernel of 3x3x3x4"),
    ],
)
def test_pairs_that_cannot_be(pair, expected):
    with pytest.raises(UserError) as error:
        weights.match(CLASSIFIER, state_dict("file", FILE), pairs=pair)
    assert str(error.value) == expected
