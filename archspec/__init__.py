"""The language of network specs and its analysis; needs no framework.

    spec = archspec.load("specs/resnet50.yaml", {"train.epochs": 3})
    print(archspec.analyse(spec).macs)
    print(archspec.summary(spec))

A network is given as the path of a spec, its data as a mapping, a `Spec` or a `Graph`; a text goes through `loads`.
"""

from archspec.analysis import Analysis, LayerAnalysis
from archspec.errors import Problem, SpecError, UserError
from archspec.graph.graph import Graph, Node
from archspec.network import analyse, summary
from archspec.spec.spec import Spec, load, loads

__all__ = [
    "Analysis",
    "Graph",
    "LayerAnalysis",
    "Node",
    "Problem",
    "Spec",
    "SpecError",
    "UserError",
    "analyse",
    "load",
    "loads",
    "summary",
]


def __dir__() -> list[str]:
    """The public names, which tab completion offers."""
    return [*__all__]
