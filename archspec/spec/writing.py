"""Writing a resolved spec as the text of a file that means the same."""

from __future__ import annotations

from typing import Any

import yaml

from archspec.source.tree import Tree, resolve_scalar
from archspec.spec.expectations import digits_of


def yaml_text(tree: Tree) -> str:
    """A resolved spec as YAML, parameters and expressions kept."""
    return yaml.dump(
        _with_digits(tree), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
    )


_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's writes the same, 20 times as fast


class _Dumper(_SafeDumper):  # type: ignore[misc]  # its base is one of two
    def ignore_aliases(self, data: Any) -> bool:
        return True


_WORDS_OF_YAML_1_1 = {"y", "n", "yes", "no", "on", "off"}


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Writes a text without quotes only where readers of YAML 1.1 and of 1.2 both take it for a text."""
    plain = text.isidentifier() and isinstance(resolve_scalar(text), str) and text.lower() not in _WORDS_OF_YAML_1_1
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


class _Rounded(float):
    """A rounded number of `expect`, which is written with its digits."""

    digits: str


def _represent_rounded(dumper: yaml.SafeDumper, number: _Rounded) -> yaml.Node:
    resolver: Any = dumper  # untyped; a tag that readers would not infer is written out
    tag = resolver.resolve(yaml.ScalarNode, number.digits, (True, False))
    return dumper.represent_scalar(tag, number.digits)


_Dumper.add_representer(_Rounded, _represent_rounded)


def _with_digits(tree: Tree) -> Any:
    """The values of a spec's tree, the rounded numbers of `expect` with the digits that were written."""
    plain = tree.plain()
    for name, child in tree.value["expect"].value.items() if plain.get("expect") else ():
        if isinstance(child.value, float):
            plain["expect"][name] = _Rounded(child.value)
            plain["expect"][name].digits = digits_of(child)
    return plain
