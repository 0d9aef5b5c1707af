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


@pytest.mark.parametrize(("machine", "set_to"), [("x86_64", "1"), ("AMD64", "1"), ("aarch64", "None")])
def test_onednn_is_requested_on_x86_only(machine, set_to):
    code = f"import os, platform; platform.machine = lambda: '{machine}'; import builder"
    environment = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    command = [sys.executable, "-c", f"{code}; print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))"]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.split() == [set_to], result.stderr
