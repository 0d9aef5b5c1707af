"""The networks of a search's candidates: specs, costs and which are the same; what they share is read once."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archspec.analysis import analyse_graph
from archspec.blocks import BLOCKS
from archspec.candidates.counting import CachingLayerReader, Counter, LayerCache, Unclear
from archspec.errors import INVALID, SpecError, Where, problem_at
from archspec.fields.base import Reader
from archspec.graph.expanding import expand
from archspec.graph.graph import Graph
from archspec.layers.reading import LayerReader
from archspec.layers.structures import STRUCTURES
from archspec.recipe import Train
from archspec.recipe.numbers import ACTIVATION_BYTES
from archspec.search.domains import canonical
from archspec.search.section import Budget
from archspec.search.space import Candidate
from archspec.segments import rematerialized_elements
from archspec.source.expressions import PATTERN, has_expression
from archspec.source.tree import Tree, wrap
from archspec.spec import overrides
from archspec.spec.params import read_params
from archspec.spec.paths import steps_of
from archspec.spec.sections import read_model, read_train
from archspec.spec.spec import Spec

MOST_RESULTS = 20_000


@dataclass(frozen=True, slots=True)
class Network:
    """The cost of a graph for one picture.

    Attributes:
        trainable_parameters: weights that training changes.
        macs: multiply-accumulates.
        activation_elements: elements of all outputs.
        peak_elements: the most elements alive at once in inference; None where no limit needs it.
    """

    trainable_parameters: int
    macs: int
    activation_elements: int
    peak_elements: int | None


@dataclass(frozen=True, slots=True)
class Measures:
    """The costs that a budget limits, under the names of its limits (see `Budget`). The peak in inference takes longer
    to compute than all others, and is None where no limit needs it. The activations of a training step are None where
    the batch size is `auto`, which only the start of a training knows."""

    trainable_parameters: int
    macs: int
    training_activation_bytes: int | None
    inference_activation_bytes: int | None


class Networks:
    """The networks of a spec's candidates.

    Costs are cached by the values that reach the network or the recipe, and layers by their fields, so a candidate
    takes only the time for what is new in it.
    """

    def __init__(self, spec: Spec):
        self.base = dataclasses.replace(spec, search=None, expect=None, tree=spec.tree.without("search", "expect"))
        self.network_names = _reaching(spec, ("model", "blocks"))
        """The names of the space whose values can change the network."""
        self._reaching = {"network": self.network_names, "recipe": _reaching(spec, ("train",))}
        self._results: dict[tuple[str, str], Any] = {}
        budget = spec.search.budget if spec.search is not None else Budget()
        self._needs_peak = budget.inference_activation_bytes is not None
        self._limits_step = budget.training_activation_bytes is not None
        self._cache = LayerCache()

    def spec(self, candidate: Candidate) -> Spec:
        """The candidate as a spec of its own, without a `search` section.

        Raises:
            SpecError: the candidate makes no valid spec.
        """
        return self.base.with_values(candidate.values)

    def measures(self, candidate: Candidate) -> Measures:
        """The cost of a candidate, at its own batch size and precision.

        Raises:
            SpecError: the candidate makes no valid spec.
        """
        network: Network = self._cached("network", candidate, self._network)
        train = self.recipe(candidate)
        elements = network.activation_elements
        if train and train.rematerialize and self._limits_step:
            elements = self._cached("network", candidate, self._rematerialized, "rematerialized")
        if train and (train.trainable or train.learning_rate_multipliers):
            self.spec(candidate)  # raises where the candidate lacks the layers that they name
        batch_size = self._batch_size(train)
        element = ACTIVATION_BYTES[train.precision if train else "float32"]
        return Measures(
            network.trainable_parameters,
            network.macs,
            None if batch_size is None else elements * batch_size * element,
            None if network.peak_elements is None else network.peak_elements * element,
        )

    def _batch_size(self, train: Train | None) -> int | None:
        """The pictures of a step, one where there is no recipe; None for `auto`.

        Raises:
            SpecError: it is `auto`, and a limit depends on it.
        """
        if train is None or not train.is_automatic:
            return train.global_batch if train else 1
        if self._limits_step:
            message = (
                "an automatic batch has a number only when a training starts, so the limit "
                "search.budget.training_activation_bytes cannot be checked; give numbers, or leave the limit out"
            )
            raise problem_at(Where("train.batch_size"), message)
        return None

    def recipe(self, candidate: Candidate) -> Train | None:
        """The recipe of a candidate; None where the spec has none.

        Raises:
            SpecError: the candidate makes no valid spec.
        """
        train: Train | None = self._cached("recipe", candidate, self._recipe)
        pictures = train.data.training_pictures() if train else None
        if train and pictures is not None and (message := train.oversized_batch(train.data.label(), pictures)):
            raise problem_at(Where("train.batch_size"), message)
        return train

    def network_key(self, candidate: Candidate) -> str:
        """A text that two candidates share if the values that reach the network are the same."""
        return _part(candidate, self.network_names)

    def _cached(self, what: str, candidate: Candidate, make: Callable[[Tree, Candidate], Any], detail: str = "") -> Any:
        """The result of `make`, or its error, cached by the values that reach `what`; `detail` tells it from other
        results of these."""
        key = what + detail, _part(candidate, self._reaching[what])
        if key not in self._results:
            if len(self._results) >= MOST_RESULTS:
                self._results.clear()
            values = {name: wrap(value, None) for name, value in candidate.values.items()}
            try:
                self._results[key] = make(overrides.apply(self.base.tree, values), candidate)
            except SpecError as error:
                self._results[key] = error
        found = self._results[key]
        if isinstance(found, SpecError):
            raise SpecError(found.problems)
        return found

    def _network(self, tree: Tree, candidate: Candidate) -> Network:
        try:
            reader = self._reader(tree)
            model = read_model(tree.value, {"model": tree.key_span("model")}, reader)
            if model is INVALID or reader.problems:
                raise Unclear
            if self._needs_peak:
                return _analysed(expand(self.base.name, model["input"], model["layers"], Where("model.layers")))
            counter = Counter(model["input"], self._cache)
            counter.count(model["layers"])
        except (Unclear, SpecError):
            return _analysed(self.spec(candidate).graph)  # or it raises, with the address of the mistake
        return Network(counter.trainable, counter.macs, counter.elements, None)

    def _rematerialized(self, tree: Tree, candidate: Candidate) -> int:
        """The elements that a step holds with `train.rematerialize`."""
        return rematerialized_elements(self.spec(candidate).graph)

    def _reader(self, tree: Tree) -> Reader:
        defaults = overrides.value_at(tree, "model.defaults")
        text = canonical(defaults.plain()) if defaults is not None else ""
        salt = None if has_expression(text) else text
        return Reader(layer_reader=CachingLayerReader(STRUCTURES, dict(BLOCKS), cache=self._cache, salt=salt))

    def _recipe(self, tree: Tree, candidate: Candidate) -> Train | None:
        if "train" not in tree.value or tree.value["train"].value is None:
            return None
        reader = Reader(layer_reader=LayerReader(STRUCTURES, {}))
        reader.names = read_params(tree.value.get("params"), reader)
        train: Train = read_train(tree.value["train"], tree.key_span("train"), reader)
        if reader.problems:
            return self.spec(candidate).train  # or it raises, with the address of the mistake
        return train


def _analysed(graph: Graph) -> Network:
    analysis = analyse_graph(graph)
    return Network(analysis.trainable_parameters, analysis.macs, analysis.activation_elements, analysis.peak_elements)


def _part(candidate: Candidate, names: Iterable[str]) -> str:
    return canonical({name: candidate.values[name] for name in names if name in candidate.values})


# -- which values reach what -----------------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def _reaching(spec: Spec, sections: Sequence[str]) -> list[str]:
    """The names of the space that can change these sections: paths into them, and parameters that they use."""
    tree = spec.tree.plain()
    dimensions = spec.search.space.dimensions if spec.search else ()
    places = {one.name: steps_of(one.name, spec.tree) for one in dimensions}
    options = {one.name: list(_texts(getattr(one.domain, "options", ()))) for one in dimensions}
    texts = [text for section in sections for text in _texts(tree.get(section))]
    texts += [text for name, steps in places.items() if steps[0] in sections for text in options[name]]
    used: set[str] = set()
    while texts:
        found = {name for text in texts for part in PATTERN.findall(text) for name in _IDENTIFIER.findall(part)}
        new, used = found - used, used | found
        texts = [text for name in new for text in _texts((tree.get("params") or {}).get(name))]
        texts += [text for name, steps in places.items() if _parameter(steps) in new for text in options[name]]
    return [name for name, steps in places.items() if steps[0] in sections or _parameter(steps) in used]


def _parameter(steps: Sequence[str | int]) -> str | int | None:
    return steps[1] if steps[0] == "params" and len(steps) > 1 else None


def _texts(value: Any) -> Iterator[str]:
    """All texts with expressions in plain data."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif has_expression(value):
        yield value


# -- sameness --------------------------------------------------------------------------------------------------------


def identity(spec: Spec) -> str:
    """A text that two specs share if they train the same network in the same way, however either is written.

    Names of layers, the order in which branches are written, and the spelling of parameters and schedules do not
    matter; the operations, the data and every number of the recipe do.
    """
    parts = [*_operations(spec.graph), repr(_spelt_out(spec.train))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _operations(graph: Graph) -> Iterator[str]:
    """The operations as a depth-first walk from the output meets them, with their inputs in order."""
    numbers: dict[int, int] = {}
    stack: list[tuple[int, bool]] = [(len(graph.nodes) - 1, False)]
    while stack:
        position, ready = stack.pop()
        node = graph.nodes[position]
        if position in numbers:
            continue
        if ready:
            numbers[position] = len(numbers)
            yield f"{node.op!r} {[numbers[index] for index in node.inputs]}"
        else:
            stack.append((position, True))
            stack += [(index, False) for index in reversed(node.inputs)]


def _spelt_out(train: Train | None) -> Train | None:
    if train is None:
        return None
    return dataclasses.replace(train, learning_rate=train.schedule, weight_decay=train.penalty)
