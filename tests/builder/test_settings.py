"""What importing this package tells TensorFlow."""

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
