"""The language of network specs and its analysis; needs no framework.

    spec = archspec.load("specs/resnet50.yaml", {"train.epochs": 3})
    print(archspec.analyse(spec).macs)
    print(archspec.summary(spec))

A network is given as the path of a spec, its data as a mapping, a `Spec` or a `Graph`; a text goes through `loads`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors; `MODULES` says the same to Python
    from archspec.analysis import Analysis, LayerAnalysis
    from archspec.comparison.comparison import compare
    from archspec.drawing import Drawing
    from archspec.errors import Problem, SpecError, UserError
    from archspec.graph.graph import Graph, Node
    from archspec.network import analyse, draw, draw_field, summary
    from archspec.spec.spec import Spec, load, loads

__all__ = [
    "Analysis",
    "Drawing",
    "Graph",
    "LayerAnalysis",
    "Node",
    "Problem",
    "Spec",
    "SpecError",
    "UserError",
    "analyse",
    "compare",
    "draw",
    "draw_field",
    "load",
    "loads",
    "summary",
]

MODULES = {
    "Analysis": "analysis",
    "Drawing": "drawing",
    "Graph": "graph.graph",
    "LayerAnalysis": "analysis",
    "Node": "graph.graph",
    "Problem": "errors",
    "Spec": "spec.spec",
    "SpecError": "errors",
    "UserError": "errors",
    "analyse": "network",
    "compare": "comparison.comparison",
    "draw": "network",
    "draw_field": "network",
    "load": "spec.spec",
    "loads": "spec.spec",
    "summary": "network",
}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    """A public name, imported with its module when it is first used, so that importing the package takes no time."""
    if name in MODULES:
        return getattr(import_module(f"archspec.{MODULES[name]}"), name)
    from archspec.wording import did_you_mean

    raise AttributeError(f"module 'archspec' has no attribute '{name}'{did_you_mean(name, __all__, few=0)}")


def __dir__() -> list[str]:
    """The public names, which tab completion offers."""
    return [*__all__]
