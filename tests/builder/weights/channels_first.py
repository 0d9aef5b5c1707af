"""What PyTorch computes, in numpy: a graph's operations on pictures stored (channels, height, width)."""

import numpy as np

from archspec import ops
from builder.weights.units import units_of

WORDS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}


def torch_tensors(graph):
    """A state dict with random values for the layers of a graph, under their names."""
    generator = np.random.default_rng(0)
    tensors = {}
    dense = {node.name for node in graph.nodes if isinstance(node.op, ops.Dense)}
    for unit in units_of(graph).units:
        for role, tensor in unit.tensors.items():
            *window, inputs, outputs = unit.size if role == "kernel" else (*tensor.shape, 0)
            shape = (outputs, inputs, *([] if unit.name in dense else window)) if role == "kernel" else tensor.shape
            low = 0.5 if role in ("gamma", "variance") else -1.0
            tensors[f"{unit.name}.{WORDS.get(role, role)}"] = generator.uniform(low, 1.5, shape).astype(np.float32)
    return tensors


def channels_first(graph, tensors, picture):
    """The output of a network with the weights of a state dict, in inference.

    Args:
        picture: (height, width, channels).
    """
    outputs = [picture.transpose(2, 0, 1).astype(np.float64)]
    for node in graph.nodes[1:]:
        own = {
            name.rpartition(".")[2]: value for name, value in tensors.items() if name.rpartition(".")[0] == node.name
        }
        outputs.append(_apply(node, [outputs[index] for index in node.inputs], own))
    return outputs[-1]


def _apply(node, inputs, own):
    op, x = node.op, inputs[0]

    def by_channel(values):
        return values.reshape(-1, *[1] * (x.ndim - 1))

    match op:
        case ops.Flatten():
            return x.ravel()
        case ops.Reshape():
            *window, channels = node.shape
            return x.reshape(channels, *window) if len(node.shape) == 3 else x.reshape(node.shape)
        case ops.Permute() if x.ndim == 3:
            return x.transpose(1, 2, 0).transpose([axis - 1 for axis in op.order]).transpose(2, 0, 1)
        case ops.Permute():
            return x.transpose([axis - 1 for axis in op.order])
        case ops.Dense():
            return own["weight"] @ x + own["bias"]
        case ops.Conv():  # 1x1
            return np.tensordot(own["weight"][:, :, 0, 0], x, 1) + by_channel(own["bias"])
        case ops.BatchNorm():
            normal = (x - by_channel(own["running_mean"])) / np.sqrt(by_channel(own["running_var"]) + op.epsilon)
            return normal * by_channel(own["weight"]) + by_channel(own["bias"])
        case ops.LayerNorm():
            normal = (x - x.mean(0)) / np.sqrt(x.var(0) + op.epsilon)
            return normal * by_channel(own["weight"]) + by_channel(own["bias"])
        case ops.Activation():
            return FUNCTIONS[op.function](x)
        case ops.Softmax():
            return FUNCTIONS["softmax"](x)
        case ops.Dropout():
            return x
        case ops.Add():
            return sum(inputs)
        case ops.Multiply():
            return np.prod(np.stack(np.broadcast_arrays(*inputs)), 0)
        case ops.Concat():
            return np.concatenate(inputs)
        case ops.MaxPool():  # 2x2, of even sizes
            channels, height, width = x.shape
            return x.reshape(channels, height // 2, 2, width // 2, 2).max((2, 4))
        case ops.GlobalAvgPool():
            return x.mean((1, 2), keepdims=op.keep_dims)
        case ops.SliceChannels():
            return x[op.start : op.stop]
        case ops.PadChannels():
            return np.pad(x, ((op.before, op.after), (0, 0), (0, 0)))
    raise NotImplementedError(op.kind)


def _log_softmax(x):
    shifted = x - x.max(0)
    return shifted - np.log(np.exp(shifted).sum(0))


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _glu(x):
    first, second = np.split(x, 2)
    return first * _sigmoid(second)


FUNCTIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softmax": lambda x: np.exp(_log_softmax(x)),
    "log_softmax": _log_softmax,
    "glu": _glu,
}
