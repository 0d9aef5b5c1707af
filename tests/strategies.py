"""Hypothesis strategies for valid specs that use all constructs of the language."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import archspec
from archspec import SpecError

Layer = Any

counts = st.integers(1, 6)
pairs = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list))
strides = st.one_of(st.just(1), st.just(2), st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list))
sides = st.integers(0, 2)
explicit = st.one_of(
    sides, st.tuples(sides, sides).map(list), st.lists(st.lists(sides, min_size=2, max_size=2), min_size=2, max_size=2)
)
paddings = st.one_of(st.sampled_from(["same", "valid", "symmetric"]), explicit)
activations = st.sampled_from(
    ["relu", "tanh", "gelu", "sigmoid", "leaky_relu", "silu", "glu", {"leaky_relu": {"slope": 0.01}}, {"celu": 0.5}]
)
# Plain names, and those that Keras gives its operations, blocks give their layers, and helper layers might have.
names = st.sampled_from(
    ["a", "b-1", "c#", "square", "power", "cast", "add", "get_item", "split", "pad", "norm", "shortcut"]
)
initializers = st.sampled_from(["he_normal", "glorot_uniform", {"normal": {"std": 0.01}}, {"constant": {"value": 1}}])
norms = st.sampled_from(["batch", "layer", None])
merges = st.sampled_from(["add", "concat", "multiply"])


def fields(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


def one(
    kind: str, required: dict[str, Any] | None = None, optional: dict[str, Any] | None = None
) -> st.SearchStrategy[Layer]:
    return fields(required or {}, optional or {}).map(lambda values: {kind: values})


def grouped_conv() -> st.SearchStrategy[Layer]:
    def build(groups: int, per_group: int, kernel: Any, bias: bool) -> Layer:
        return {"conv": {"filters": groups * per_group, "kernel": kernel, "groups": groups, "bias": bias}}

    return st.builds(build, st.integers(1, 4), st.integers(1, 3), pairs, st.booleans())


kernel_options = {
    "padding": paddings,
    "bias": st.booleans(),
    "norm": norms,
    "activation": activations,
    "initializer": initializers,
}

primitives = st.one_of(
    one("conv", {"filters": counts, "kernel": pairs}, {"stride": strides, "name": names, **kernel_options}),
    one("conv", {"filters": counts, "kernel": pairs, "dilation": pairs}, kernel_options),
    grouped_conv(),
    one(
        "depthwise_conv",
        {"kernel": pairs},
        {"stride": st.integers(1, 2), "multiplier": st.integers(1, 2), **kernel_options},
    ),
    one("depthwise_conv", {"kernel": pairs, "dilation": pairs}, kernel_options),
    one("batch_norm", {}, {"momentum": st.just(0.8), "scale": st.booleans(), "center": st.booleans()}),
    one("layer_norm", {}, {"scale": st.booleans(), "center": st.booleans()}),
    one("local_response_norm", {}, {"radius": st.integers(1, 3), "beta": st.sampled_from([0.5, 0.75])}),
    activations.map(lambda name: {"activation": name}),
    one("max_pool", {"size": pairs}, {"stride": strides, "padding": paddings}),
    one("avg_pool", {"size": pairs}, {"stride": strides, "padding": paddings}),
    one("zero_pad", {"padding": explicit}),
    one("up_sample", {}, {"factor": pairs, "interpolation": st.sampled_from(["nearest", "bilinear"])}),
    one("permute", {"order": st.permutations([1, 2, 3])}),
    one("reshape", {"target": st.sampled_from([[-1, 2, 3], [4, -1, 1], [-1, 1, 6], [2, -1, 3]])}),
    one("slice_channels", {"start": st.integers(0, 2), "stop": st.integers(1, 5)}),
    one("pad_channels", {}, {"before": sides, "after": sides}),
    one("global_avg_pool", {"keep_dims": st.just(True)}, {"name": names}),
    one("global_max_pool", {"keep_dims": st.just(True)}),
    st.sampled_from(["softmax", {"dropout": 0.25}]),
)

heads = st.sampled_from(
    [
        ["flatten", {"dense": {"units": 3, "activation": "relu"}}, {"dense": 4}],
        ["global_avg_pool", {"dense": {"units": 5, "norm": "batch"}}],
        [{"global_max_pool": {"keep_dims": True}}, {"conv": {"filters": 4, "kernel": 1}}, "flatten"],
        [{"global_avg_pool": {"keep_dims": False}}, {"dropout": 0.5}, {"dense": {"units": 2, "bias": False}}],
        [],
    ]
)


def compositions(inner: st.SearchStrategy[Layer]) -> st.SearchStrategy[Layer]:
    some = st.lists(inner, min_size=1, max_size=2)
    table = st.lists(st.sampled_from([2, 3, "4/1", "M", "LRN"]), min_size=1, max_size=4)
    block = st.sampled_from(
        [
            "basic",
            {"basic": {"shortcut": "pad"}},
            {"bottleneck": {"expansion": 2, "stride_on": "1x1"}},
            {"separable_conv": {"norm": None}},
        ]
    )
    shortcut = st.sampled_from(["identity", "projection", "pad", "none", [{"conv": {"filters": 4, "kernel": 1}}]])
    return st.one_of(
        one("repeat", {"times": st.integers(0, 2), "layers": some}),
        one("sequence", {"layers": some}, {"name": st.just("part#")}),
        one("towers", {"count": st.integers(1, 3), "layers": some}, {"input": st.sampled_from(["split", "whole"])}),
        one("parallel", {"branches": st.lists(st.lists(inner, max_size=2), min_size=2, max_size=3)}, {"merge": merges}),
        one("residual", {"layers": some, "shortcut": shortcut}, {"activation": activations, "norm": norms}),
        one("conv_table", {"rows": table}),
        st.builds(
            lambda block, depths, width: {
                "stages": {"block": block, "depths": depths, "widths": [width] * len(depths)}
            },
            block,
            st.lists(st.integers(1, 2), min_size=1, max_size=2),
            st.integers(2, 4),
        ),
        one("squeeze_excite", {"filters": counts}, {"ratio": st.just(2)}),
        one("inverted_residual", {"inputs": counts, "filters": counts}, {"expansion": st.integers(1, 2)}),
        one("toy", {"width": st.sampled_from([2, "${width}"])}, {"name": names}),
    )


def joined(first: list[Layer], second: list[Layer], merge: str) -> Layer:
    """A block with references inside it: to its own layers and to its input."""
    layers = [
        {"sequence": {"layers": first, "name": "one"}},
        {
            "sequence": {
                "layers": [*second, {"conv": {"filters": 3, "kernel": 1}}],
                "name": "two",
                "from": "sequence.input",
            }
        },
        {"activation": {"function": "relu", "name": "three", "from": ["one", "sequence.input"], "merge": merge}},
        {merge: {"from": ["three", "two"]}},
    ]
    return {"sequence": {"layers": layers}}


blocks = compositions(st.one_of(primitives, compositions(primitives)))
joins = st.builds(joined, st.lists(primitives, min_size=1, max_size=2), st.lists(blocks, max_size=1), merges)
layer = st.sampled_from([primitives, blocks, joins]).flatmap(lambda kind: kind)  # each with a probability of a third

TOY = {
    "toy": {
        "params": {"width": None, "twice": 2},
        "layers": [{"conv": {"filters": "${twice * width}", "kernel": 1}}, "batch_norm"],
    }
}


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid spec as Python data. Layers that do not fit their input are left out as the network grows."""
    size = st.integers(3, 9)
    # 3x5x5 is taken for a picture with its channels first.
    picture = st.tuples(size, size, counts).filter(lambda sizes: sizes[0] not in (1, 3) or sizes[1] != sizes[2])
    spec: dict[str, Any] = {
        "name": "random",
        "params": {"width": draw(counts)},
        "blocks": TOY,
        "model": {"input": list(draw(picture)), "layers": []},
    }
    if draw(st.booleans()):
        spec["model"]["defaults"] = {"conv": {"padding": draw(paddings)}, "batch_norm": {"epsilon": 1e-3}}
    layers: list[Layer] = [{"conv": {"filters": "${width}", "kernel": 1}}]
    for candidate in draw(st.lists(layer, min_size=1, max_size=6)):
        if is_valid({**spec, "model": {**spec["model"], "layers": [*layers, candidate]}}):
            layers.append(candidate)
    if draw(st.booleans()):
        layers = with_reference(spec, layers, draw(names), draw(merges), draw(st.booleans()))
    head = draw(heads)
    if is_valid({**spec, "model": {**spec["model"], "layers": [*layers, *head]}}):
        layers += head
    spec["model"]["layers"] = layers
    return spec


def trained(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with a `train` section, and a classifier at its end if it ends in probabilities, which is an error."""
    spec = {**spec, "train": {"data": "digits"}}
    if is_valid(spec):
        return spec
    return {**spec, "model": {**spec["model"], "layers": [*spec["model"]["layers"], "flatten", {"dense": 3}]}}


@st.composite
def extended_specs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A valid spec, and one that extends it (as `base.json`) with parameters, fields and paths of its own."""
    base = draw(specs())
    child: dict[str, Any] = {"extends": "base.json", "name": "child"}
    optional: dict[str, Any] = {
        "params": st.fixed_dictionaries({"width": counts}),
        "set": st.dictionaries(
            st.sampled_from(["width", "params.width", "blocks.toy.params.twice", "model.layers[0].conv.filters"]),
            st.integers(1, 3),
            min_size=1,
        ).filter(lambda chosen: not {"width", "params.width"} <= chosen.keys()),  # the same, which is refused
        "model": st.fixed_dictionaries({"defaults": st.just({"layer_norm": {"epsilon": 1e-3}})}),
    }
    for key, strategy in optional.items():
        if draw(st.booleans()):
            child[key] = draw(strategy)
    return base, child


def with_reference(spec: dict[str, Any], layers: list[Layer], name: str, merge: str, explicit: bool) -> list[Layer]:
    """The layers and three more, of which the last takes the outputs of the other two by name."""
    more: list[Layer] = [
        {"conv": {"filters": 3, "kernel": 1, "name": name}},
        {"conv": {"filters": 3, "kernel": 1, "name": "late"}},
    ]
    name = name.replace("#", "1")
    last: Layer = {"activation": {"function": "relu", "from": [name, "late"], "merge": merge}}
    candidate = [*layers, *more, {merge: {"from": [name, "late", name]}} if explicit else last]
    return candidate if is_valid({**spec, "model": {**spec["model"], "layers": candidate}}) else layers


def is_valid(spec: dict[str, Any]) -> bool:
    try:
        load(spec)
    except SpecError:
        return False
    return True


def load(
    spec: dict[str, Any], suffix: str = ".json", text: str | None = None, base: dict[str, Any] | None = None
) -> archspec.Spec:
    """The spec of Python data; or of a text, as a file, with `base` beside it as base.json."""
    if base is None and text is None:
        return archspec.loads(spec)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"spec{suffix}"
        if base is not None:
            (Path(folder) / "base.json").write_text(json.dumps(base), encoding="utf-8")
        path.write_text(json.dumps(spec) if text is None else text, encoding="utf-8")
        return archspec.load(path)
