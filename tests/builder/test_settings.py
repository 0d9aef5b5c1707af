"""The settings that importing `builder` makes for TensorFlow."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USES_ONEDNN = "import builder; from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for x86")
@pytest.mark.parametrize(("given", "used"), [({}, "True"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "False")])
def test_onednn_is_used_on_every_cpu_unless_the_environment_says_no(given, used):
    environment = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    result = subprocess.run(
        [sys.executable, "-c", USES_ONEDNN], env={**environment, **given}, cwd=ROOT, capture_output=True, text=True
    )
    assert result.stdout.split() == [used], result.stderr


@pytest.mark.parametrize(
    ("machine", "set_to"), [("x86_64", ["1", "0"]), ("AMD64", ["1", "0"]), ("aarch64", ["None", "None"])]
)
def test_onednn_is_requested_and_keeps_what_it_prepares_on_x86_only(machine, set_to):
    variables = ("TF_ENABLE_ONEDNN_OPTS", "TF_MKL_OPTIMIZE_PRIMITIVE_MEMUSE")
    code = f"import os, platform; platform.machine = lambda: '{machine}'; import builder"
    environment = {key: value for key, value in os.environ.items() if key not in variables}
    command = [sys.executable, "-c", f"{code}; print(*map(os.environ.get, {variables}))"]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.split() == set_to, result.stderr
