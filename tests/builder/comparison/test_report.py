"""The report: files, what they show, and how a browser shows them."""

import html
import json
import re
import shutil
import subprocess

import pytest

from archspec.errors import UserError
from builder.comparison.comparison import compare
from tests.builder.comparison.made import make

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DIRECTORY = "holds {}, which is of no comparison, and nothing is overwritten; name another with directory"


@pytest.fixture(scope="module")
def real(runs, tmp_path_factory):
    """Two runs that were trained on the digits, evaluated, and one on other data; with their report."""
    from builder.evaluation.evaluator import evaluate

    folder = tmp_path_factory.mktemp("real")
    for name in ("one", "two", "photo_run"):
        shutil.copytree(runs / name, folder / name)
    for name in ("one", "two"):
        evaluate(folder / name, say=lambda line: None)
    comparison = compare([folder / name for name in ("one", "two", "photo_run")])
    return folder, comparison, comparison.save(folder / "report")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Twenty-one recipes, more than there are colours, with long names and one that is being trained."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(21):
        make(folder / f"a-long-name-of-a-run-{number}", (0.9, 0.5, 0.1 + number / 100), {"width": 2 + number})
    make(folder / "stopped", (0.5,), {"train.epochs": 3}, is_finished=False)
    return compare(sorted(folder.iterdir()))


def test_the_files_are_there_and_small(real):
    _, _, paths = real
    names = ["report.html", "comparison.json", "learning_curves-1.png", "learning_curves-2.png", "disagreement.png"]
    assert [path.name for path in paths] == names
    assert all(path.stat().st_size > 1000 for path in paths)
    assert sum(path.stat().st_size for path in paths[:1]) < 1_000_000


def test_the_report_needs_no_network_and_shows_no_folders_of_the_machine(real):
    folder, _, paths = real
    text = paths[0].read_text()
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=\"(?!data:)", text)
    assert str(folder) not in text and str(folder) not in paths[1].read_text()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_pictures_that_one_alone_recognises_are_shown(real):
    _, comparison, paths = real
    (pair,) = comparison.disagreements
    assert pair.pictures == 360 and pair.first_alone + pair.second_alone > 0
    expected = min(12, pair.first_alone) + min(12, pair.second_alone)
    assert paths[0].read_text().count('src="data:image/png;base64,') == expected


def test_equal_runs_make_equal_files(real, tmp_path):
    _, comparison, paths = real
    again = compare([one.directory for one in comparison.records]).save(tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_pictures_that_are_gone_are_said(real, tmp_path, monkeypatch):
    _, comparison, _ = real
    from builder.runs.run import Run

    def gone(*arguments):
        raise OSError("the disk is gone")

    monkeypatch.setattr(Run, "data", gone)
    paths = comparison.save(tmp_path / "report")
    assert "the pictures could not be read: the disk is gone" in paths[0].read_text()


def test_many_runs_stay_readable(many, tmp_path):
    paths = many.save(tmp_path / "report")
    text = paths[0].read_text()
    assert len(text) < 1_000_000 and "stopped was stopped and does not count: after epoch 1 of 3" in text
    assert text.count('<tr data-mark="') >= 22


def test_a_notebook_shows_it(many):
    shown = many._repr_html_()
    assert shown.startswith('<div class="runs"><style>.runs{') and "<svg" in shown and "<script" not in shown


def test_only_comparisons_are_replaced(tmp_path):
    found, folder = compare(make(tmp_path / "run")), tmp_path / "report"
    folder.mkdir()
    found.save(folder)
    (folder / "costs.png").write_bytes(b"old")
    found.save(folder)
    assert json.loads((folder / "comparison.json").read_text())["runs"]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError) as caught:
        found.save(folder)
    assert str(caught.value) == f"{folder}: {DIRECTORY.format('notes.txt')}"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.html").write_text("of something else")
    with pytest.raises(UserError, match="nothing is overwritten"):
        found.save(tmp_path / "other")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to: Not a directory"):
        found.save(tmp_path / "file")


def test_one_run_alone(tmp_path):
    found = compare(make(tmp_path / "a"))
    assert str(found).startswith("1 run\n\ndigits: 1,437 training and 360 validation pictures, 10 classes\n")
    text = found.save(tmp_path / "report")[0].read_text()
    assert "<h2>What differs</h2>" not in text and "<h2>Runs</h2>" in text


def test_the_bars_of_a_group_are_its_deviations(tmp_path):
    """What is drawn is what is said: the band of the learning curves, and the bars against cost."""
    from builder.comparison.charts import panel
    from builder.comparison.looks import looks

    for name, width, errors in (("a", 8, (0.02, 0.04)), ("b", 4, (0.1, 0.1))):
        for seed, error in enumerate(errors):
            make(tmp_path / f"{name}{seed}", (0.5, error), {"width": width, "train.seed": seed})
    (task,) = compare(sorted(tmp_path.iterdir())).tasks
    curves = panel(task, "error", looks(task.groups)).axes[0]
    means = {line.get_gid(): line.get_ydata() for line in curves.lines if line.get_linewidth() > 1.5}
    assert sorted(tuple(map(float, values.round(6))) for values in means.values()) == [(50.0, 3.0), (50.0, 10.0)]
    costs = panel(task, "parameters", looks(task.groups)).axes[0]
    ((first, *_),) = (line.get_segments() for line in costs.collections if line.get_segments()[0][0][1] < 3)
    assert [value for _, value in first] == pytest.approx([3 - 2**0.5, 3 + 2**0.5])


PROBE = """<!doctype html><title>waiting</title><script>
function probe(frame) {
  const inside = frame.contentDocument;
  for (const head of inside.querySelectorAll("th")) head.click();
  const errors = frame.contentWindow.errors;
  document.title = `${inside.documentElement.scrollWidth} of ${frame.contentWindow.innerWidth}, ${errors.join("; ")}.`;
}
</script><iframe width="WIDTH" height="900" style="border: 0" onload="probe(this)" srcdoc="PAGE"></iframe>"""
"""A page that shows another in a frame, as Chromium has no windows narrower than 500 pixels, clicks on all headings,
and says in its title how wide the other is, and what errors it has met."""
CATCH = "<script>window.errors = []; window.onerror = message => errors.push(message);</script>"


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it_without_errors_and_without_scrolling_sideways(real, tmp_path, width):
    report = real[2][0].read_text().replace("<head>", f"<head>{CATCH}")
    page = tmp_path / "page.html"
    page.write_text(PROBE.replace("WIDTH", str(width)).replace("PAGE", html.escape(report, quote=True)))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom"]
    shown = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120).stdout
    assert re.search("<title>(.*?)</title>", shown)[1] == f"{width} of {width}, ."
