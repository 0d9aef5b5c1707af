"""Pages opened in Chromium, for tests of what their scripts do. Where it is not installed, such tests are skipped."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000")
COLLECT = """<script>
{
  const problems = [];
  addEventListener("error", event => problems.push(String(event.message)));
  addEventListener("load", async () => {
    let result = null;
    try { result = await (async () => { SCRIPT })(); } catch (error) { problems.push(String(error)); }
    const said = document.createElement("pre");
    said.id = "said-by-test";
    said.textContent = JSON.stringify({result, problems, fetched: performance.getEntriesByType("resource").length});
    document.body.append(said);
  });
}
</script>"""


def run_in_page(page: str, script: str, width: int = 1200, height: int = 800) -> Any:
    """What a script returns in a page that has been loaded.

    The page must ask for nothing else, and no script in it may fail.

    Args:
        page: HTML.
        script: the body of an asynchronous function, whose result is JSON.
        width, height: of the window.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page.replace("<body>", "<body>" + COLLECT.replace("SCRIPT", script), 1), encoding="utf-8")
        command = [
            CHROMIUM, *OPTIONS, f"--window-size={width},{height}", f"--user-data-dir={folder}/profile", "--dump-dom",
            path.as_uri(),
        ]  # fmt: skip
        dom = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    found = re.search(r'<pre id="said-by-test">(.*?)</pre>', dom, re.DOTALL)
    assert found, f"the page has not been loaded: {dom[-500:]}"
    said = json.loads(html.unescape(found[1]))
    assert said["problems"] == []
    assert said["fetched"] == 0
    return said["result"]
