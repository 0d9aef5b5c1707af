"""What the names of layers say: their order, where they are numbered, and whether two names mean the same layer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import product, takewhile

Tokens = tuple[str | int, ...]

KERNEL_WORDS = frozenset({"conv", "convolution", "conv2d", "fc", "dense", "linear"})
NORM_WORDS = frozenset({"bn", "norm", "batchnorm", "batch", "normalization"})
LOSS_WORDS = frozenset({"criterion", "criteria", "loss", "losses", "metric", "metrics"})
LOSS_ENDINGS = frozenset({"fn", "func", "function", "weight", "weights"})
"""What may follow such a word in the name of a loss: `loss_fn`."""
CLASS_WEIGHTS = frozenset(product(("class", "pos", "label"), ("weight", "weights")))
AVERAGE_WORDS = frozenset({"ema", "swa", "average", "averaged", "shadow"})


def tokens(name: str) -> Tokens:
    """A name as lower-case words and numbers: `layer1.0.conv2` is (layer, 1, 0, conv, 2)."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[a-z]+|[0-9]+", name.lower()))


def natural_key(name: Tokens) -> tuple[tuple[int, int | str], ...]:
    """A sorting key that puts numbers in order of value, and before words."""
    return tuple((0, token) if isinstance(token, int) else (1, token) for token in name)


def earlier(first: Tokens, second: Tokens) -> bool:
    """Whether the names say by their numbers that the first comes before the second: they differ first in a number."""
    for a, b in zip(first, second, strict=False):
        if a != b:
            return isinstance(a, int) and isinstance(b, int) and a < b
    # `conv2d`, `conv2d_1`: Keras gives the first layer of a kind no number
    return len(second) == len(first) + 1 and isinstance(second[-1], int)


def agreeing(first: Sequence[str], second: Sequence[str]) -> dict[int, int] | None:
    """Which of the first names means which of the second, as many in each; None where that is not certain.

    The parts with which all names of one side begin are ignored. Two names agree if they are equal, else if they have
    the same words and numbers in any order, else if they have the same words, provided that no other name of their
    side does. If all agree but one of each side, these two belong together, unless they differ from others of their
    side by numbers alone.
    """
    rest = [list(range(len(first))), list(range(len(second)))]
    cut = [_without_common_start(first), _without_common_start(second)]
    pairs: dict[int, int] = {}
    keys: tuple[Callable[[Tokens], Hashable], ...] = (tuple, _bag, _words)
    for key in keys:
        unique = [_unique(names, key, left) for names, left in zip(cut, rest, strict=True)]
        pairs |= {unique[0][k]: unique[1][k] for k in unique[0].keys() & unique[1].keys()}
        rest = [[i for i in rest[0] if i not in pairs], [i for i in rest[1] if i not in pairs.values()]]
    if pairs and len(rest[0]) == 1 and any(_stands_out(names, left[0]) for names, left in zip(cut, rest, strict=True)):
        pairs[rest[0][0]] = rest[1][0]
    return pairs if len(pairs) == len(first) else None


def _unique(names: Sequence[Tokens], key: Callable[[Tokens], Hashable], left: Sequence[int]) -> dict[Hashable, int]:
    """The keys that only one name has, with that name's position, for the names that are left."""
    counts = Counter(key(name) for name in names)
    keys = {i: key(names[i]) for i in left}
    return {value: i for i, value in keys.items() if value and counts[value] == 1}


def _stands_out(names: Sequence[Tokens], index: int) -> bool:
    return all(_words(name) != _words(names[index]) for i, name in enumerate(names) if i != index)


def _bag(name: Tokens) -> frozenset[tuple[str | int, int]]:
    return frozenset(Counter(name).items())


def _words(name: Tokens) -> frozenset[tuple[str | int, int]]:
    return _bag(tuple(token for token in name if isinstance(token, str)))


def _without_common_start(names: Sequence[str]) -> list[Tokens]:
    parts = [re.split("[^a-z0-9]+", name.lower()) for name in names]
    length = 0
    while len({tuple(name[: length + 1]) for name in parts}) == 1 and all(len(name) > length + 1 for name in parts):
        length += 1
    return [tokens(".".join(name[length:])) for name in parts]


def belongs(norm: Tokens, kernel: Tokens) -> bool:
    """Whether a normalisation's name says that it follows a layer: `bn1` follows `conv1`, and `a.norm` follows `a`."""
    return _without(norm, NORM_WORDS | KERNEL_WORDS) == _without(kernel, KERNEL_WORDS)


def _without(name: Tokens, words: frozenset[str]) -> Tokens:
    return tuple(token for token in name if token not in words)


def next_in_list(norm: Tokens, kernel: Tokens) -> bool:
    """Whether two names are neighbours in a list: `features.1` comes after `features.0`."""
    last, previous = norm[-1:], kernel[-1:]
    if not (last and previous and isinstance(last[0], int) and isinstance(previous[0], int)):
        return False
    return norm[:-1] == kernel[:-1] and last[0] == previous[0] + 1


def is_of_loss(name: Sequence[str]) -> bool:
    """Whether a tensor belongs to a loss or a metric, which checkpoints of whole trainings hold beside the network:
    `criterion.weight`, `train_loss.class_weights`. The first part of its name has to be one (`loss_fn`), as
    `metric_head.weight` belongs to a network.

    Args:
        name: the parts of the name, without those that all tensors of the file share.
    """
    words = tokens(name[0]) if name else ()
    if words in CLASS_WEIGHTS:
        return True
    while words and (isinstance(words[-1], int) or words[-1] in LOSS_ENDINGS):
        words = words[:-1]
    return words[-1:] != () and words[-1] in LOSS_WORDS


def without_shared_parts(names: Sequence[str]) -> list[list[str]]:
    """The parts of names, without the first ones that are the same in all: `module.fc.weight` as (fc, weight)."""
    parts = [re.split("[./]", name) for name in names]
    columns = zip(*(name[:-1] for name in parts), strict=False)
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns)) if len(parts) > 1 else 0
    return [name[shared:] for name in parts]


def is_average(name: Tokens) -> bool:
    """Whether weights are the moving average that trainings keep of them: `model_ema`."""
    return bool(AVERAGE_WORDS & set(name))
