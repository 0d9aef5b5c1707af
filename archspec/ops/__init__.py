"""The primitives: the closed set of operations that every network lowers to, and their arithmetic.

Shapes leave out the batch: `(height, width, channels)` or `(features,)`. MACs are multiply-accumulates of
convolutions and dense layers for one picture, without biases, normalisations and activations; FLOPs = 2 x MACs.

A primitive is a frozen dataclass: its fields are its YAML fields, and its methods state its shape, weights, MACs and
window. A new one needs its class in one of the modules below, named in the module's `__all__`, and its layer in
`builder/network/stock_layers.py`; everything else asks the class. A test names what is missing.
"""

from archspec.ops import kernels, merging, pointwise, pooling, shaping
from archspec.ops.activations import *  # noqa: F403
from archspec.ops.base import *  # noqa: F403
from archspec.ops.base import Op
from archspec.ops.kernels import *  # noqa: F403
from archspec.ops.merging import *  # noqa: F403
from archspec.ops.pointwise import *  # noqa: F403
from archspec.ops.pooling import *  # noqa: F403
from archspec.ops.shaping import *  # noqa: F403
from archspec.ops.shaping import Input

PRIMITIVES: dict[str, type[Op]] = {
    op.kind: op
    for module in (kernels, pointwise, pooling, shaping, merging)
    for name, op in vars(module).items()
    if name in module.__all__ and isinstance(op, type) and issubclass(op, Op) and op is not Input
}
"""The classes by the word that a spec uses for them; the input is not a layer that a spec can name."""
