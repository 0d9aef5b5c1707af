"""What goes into the wheel; pyproject.toml, which has everything else, cannot say it. Two folders have other names in
the wheel: the commands in `tools/` are the package `convspec`, and the networks in `specs/` belong to `archspec`, which
finds them by their names."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["archspec*", "builder*"]), "archspec.specs", "convspec"],
    package_dir={"archspec.specs": "specs", "convspec": "tools"},
    package_data={"archspec.specs": ["*.yaml", "schema.json"]},
)
