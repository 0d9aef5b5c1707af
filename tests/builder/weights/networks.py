"""Small networks for the tests of weights."""

from tests.strategies import load


def network(*layers, size=(8, 8, 3)):
    return load({"name": "net", "model": {"input": list(size), "layers": list(layers)}})


def conv(filters, kernel=3, **options):
    return {"conv": {"filters": filters, "kernel": kernel, **options}}
