"""The language and its analysis need no framework."""

import pkgutil
import subprocess
import sys

import archspec


def test_no_module_of_archspec_imports_a_framework():
    modules = [module.name for module in pkgutil.walk_packages(archspec.__path__, "archspec.")]
    assert "archspec.ops.kernels" in modules
    code = f"import sys, {', '.join(modules)}\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = {name.partition(".")[0] for name in result.stdout.split()}
    assert "archspec" in imported
    assert not imported & {"tensorflow", "keras", "keras_tuner", "tensorflow_datasets", "numpy", "builder"}
