"""The language of network specs and its analysis; needs no framework.

spec = archspec.load("specs/resnet50.yaml", {"train.epochs": 3})
print(archspec.analyse(spec).macs)
"""

from archspec.analysis import Analysis, LayerAnalysis, analyse
from archspec.errors import Problem, SpecError, UserError
from archspec.graph.graph import Graph, Node
from archspec.spec.spec import Spec, load

__all__ = ["Analysis", "Graph", "LayerAnalysis", "Node", "Problem", "Spec", "SpecError", "UserError", "analyse", "load"]
