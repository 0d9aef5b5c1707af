"""The primitives: the closed set of operations that every network lowers to, and their arithmetic.

Shapes leave out the batch: `(height, width, channels)` or `(features,)`. MACs are multiply-accumulates of
convolutions and dense layers for one picture, without biases, normalisations and activations; FLOPs = 2 x MACs.

A primitive is a frozen dataclass: its fields are its YAML fields. A new one needs its class here, a place in
`PRIMITIVES`, and its layer in `builder/network/stock_layers.py`; a test names the missing one.
"""

from __future__ import annotations

from archspec.ops.base import Op, Shape, ShapeError, show
from archspec.ops.kernels import Conv, Dense, DepthwiseConv
from archspec.ops.merging import Add, Concat, Multiply
from archspec.ops.pointwise import (
    ACTIVATIONS,
    Activation,
    ActivationName,
    BatchNorm,
    Dropout,
    LayerNorm,
    LocalResponseNorm,
    Softmax,
)
from archspec.ops.pooling import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archspec.ops.shaping import (
    Flatten,
    Input,
    PadChannels,
    Permute,
    Reshape,
    SliceChannels,
    UpSample,
    ZeroPad,
)

PRIMITIVES: dict[str, type[Op]] = {
    op.kind: op
    for op in (
        Conv,
        DepthwiseConv,
        Dense,
        BatchNorm,
        LayerNorm,
        LocalResponseNorm,
        Activation,
        Softmax,
        MaxPool,
        AvgPool,
        GlobalAvgPool,
        GlobalMaxPool,
        Flatten,
        Dropout,
        ZeroPad,
        UpSample,
        Reshape,
        Permute,
        SliceChannels,
        PadChannels,
        Add,
        Multiply,
        Concat,
    )
}

__all__ = [
    "ACTIVATIONS",
    "PRIMITIVES",
    "Activation",
    "ActivationName",
    "Add",
    "AvgPool",
    "BatchNorm",
    "Concat",
    "Conv",
    "Dense",
    "DepthwiseConv",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "Input",
    "LayerNorm",
    "LocalResponseNorm",
    "MaxPool",
    "Multiply",
    "Op",
    "PadChannels",
    "Permute",
    "Reshape",
    "Shape",
    "ShapeError",
    "SliceChannels",
    "Softmax",
    "UpSample",
    "ZeroPad",
    "show",
]
