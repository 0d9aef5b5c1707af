"""Pages of drawings: what stands in the file, and in Chromium, what its script does."""

import json
import re

import pytest
from hypothesis import given

import archspec
from tests.browser import needs_chromium, run_in_page
from tests.randomised import examples
from tests.strategies import specs

DIGITS = {"depth": 1}


def parts(page):
    (text,) = re.findall(r'<script type="application/json" id="parts">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


@pytest.fixture(scope="module")
def digits():
    return archspec.draw("digits", **DIGITS).html()


@pytest.fixture(scope="module")
def resnet152():
    return archspec.draw("resnet152").html()


def test_a_page_is_one_file_that_asks_for_nothing(resnet152):
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", resnet152)
    assert len(resnet152.encode()) <= 500_000
    assert resnet152 == archspec.draw("resnet152").html()


def test_a_page_has_the_numbers_of_the_analysis(resnet152):
    folded, opened = parts(resnet152)
    analysis = archspec.analyse("resnet152")
    assert folded[0]["total"] == opened[0]["total"] == {"weights": analysis.parameters, "macs": analysis.macs}
    layers = [one for one in opened if "box" in one and one["what"].count("conv")]
    assert len(layers) == 155  # He et al. 2015, table 1: 151 convolutions, and the projections of four stages
    paths = {one["path"]: one for one in opened}
    first = paths["conv1"]
    assert (first["takes"], first["shape"], first["weights"]) == ("224 × 224 × 3", "112 × 112 × 64", 9408 + 4 * 64)
    assert (first["field"], first["stride"]) == ("7×7", "2")
    assert [opened[to]["path"] for to in first["to"]] == ["pool1"]
    (repeat,) = [one for one in folded if one["path"] == "stage3.block2 to block36"]
    assert repeat["copies"] == 35


def test_edges_lead_to_boxes_and_everything_is_reached(digits):
    for drawing in parts(digits):
        reached = {0}.union(*({*one["to"]} for one in drawing))
        assert {at for at, one in enumerate(drawing) if one["to"]} <= reached
        assert all("box" in drawing[to] for one in drawing for to in one["to"])


@given(spec=specs())
@examples(25)
def test_random_networks_have_pages(spec):
    page = archspec.draw(spec).html()
    for drawing in parts(page):
        assert drawing[0]["to"]
        assert all("box" in drawing[to] for one in drawing for to in one["to"])
    assert page.count("<title>") == 1 and page.count("<style>") == 2  # those of the page, and that of the drawings


def test_what_a_comparison_says_of_a_part_stands_on_the_page():
    page = archspec.draw("digits", depth=1, marks={"conv1": "removed", "stage2": "changed"}).html()
    folded, opened = ({one["path"]: one.get("mark") for one in drawing} for drawing in parts(page))
    assert (folded["conv1"], folded["stage1"], folded["stage2"]) == ("removed", "", "changed")
    assert opened["stage2.block1.conv1"] == "changed"


def test_names_that_look_like_markup_stay_text():
    network = {
        "name": "odd",
        "model": {"input": [8, 8, 3], "layers": [{"conv": {"filters": 2, "kernel": 1, "name": "c#"}}]},
    }
    page = archspec.draw(network).html()
    assert "<title>odd</title>" in page
    assert page.count("</script>") == 2


def test_a_page_of_open_parts_has_nothing_to_open(digits):
    assert 'id="opener"' in digits
    page = archspec.draw("digits", open=["all"]).html()
    assert 'id="opener"' not in page
    assert len(parts(page)) == 1


def test_too_many_parts_are_not_offered_to_be_opened():
    page = archspec.draw("resnet1202_cifar").html()
    assert 'id="opener"' not in page
    assert len(page) < 100_000


# -- in Chromium -------------------------------------------------------------------------------------------------------

HELPERS = """
const key = (name, more = {}) => (document.activeElement || document.body).dispatchEvent(
  new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true, ...more}));
const title = () => document.querySelector("#panel h2")?.textContent ?? null;
const row = label => [...document.querySelectorAll("#panel tr")].find(one => one.cells[0].textContent === label)
  ?.cells[1].textContent ?? null;
const boxes = () => [...document.querySelectorAll("#stage > svg:not([hidden]) .part")];
const box = name => boxes().find(one => one.getAttribute("aria-label").startsWith(name + ":"));
const view = () => document.querySelector("#stage > svg:not([hidden])").getAttribute("viewBox").split(" ").map(Number);
const point = (where, type) => { const {x, y, width, height} = where.getBoundingClientRect();
  where.dispatchEvent(new PointerEvent(type, {bubbles: true, clientX: x + width / 2, clientY: y + height / 2})); };
const type = text => { $("search").value = text; $("search").dispatchEvent(new Event("input", {bubbles: true})); };
"""


NUMBERS = """
const said = [];
point(box("conv1"), "pointermove"); said.push(title(), row("output"), row("parameters"));
point(box("stage2"), "pointermove"); said.push(title());
box("stage2").dispatchEvent(new MouseEvent("click", {bubbles: true}));
point(box("conv1"), "pointermove"); said.push(title());
document.querySelector("#panel button").click(); said.push(title());
key("Escape"); said.push(title());
return said;
"""
SEARCH = """
key("/");
const said = [document.activeElement.id];
type("stage4 3x3"); said.push($("found").textContent);
key("Enter"); said.push($("found").textContent, title());
key("Enter"); said.push($("found").textContent, title());
key("Enter", {shiftKey: true}); said.push(title());
type("no such layer"); said.push($("found").textContent);
type("block17.conv2"); said.push($("found").textContent);
key("Enter"); said.push($("found").textContent, title(), $("opener").textContent);
key("Escape"); said.push($("search").value, document.querySelectorAll(".hit").length);
return said;
"""
ARROWS = """
const said = [], named = () => title();
key("ArrowDown"); said.push(named());
key("ArrowDown"); said.push(named());
key("ArrowDown"); said.push(named());
key("ArrowUp"); said.push(named());
said.push(document.activeElement.getAttribute("role"), document.activeElement.getAttribute("tabindex"));
const widths = [view()[2]];
key("+"); widths.push(view()[2]);
key("-"); widths.push(view()[2]);
key("0"); const [x, y, width, height] = view();
const last = boxes().at(-1).getBBox();
return [said, widths[1] < widths[0], Math.abs(widths[2] - widths[0]) < 0.01,
        x <= 0 && y <= 0 && last.y + last.height <= y + height];
"""
WHEEL = """
const at = (x, y) => { const [a, b, w, h] = view();
  return [a + w * x / stage.clientWidth, b + h * y / stage.clientHeight]; };
const {left, top} = stage.getBoundingClientRect(), place = [300 - left, 300 - top], before = at(...place);
stage.dispatchEvent(new WheelEvent("wheel", {deltaY: -100, clientX: 300, clientY: 300}));
const after = at(...place), [x0, y0, width] = view();
stage.setPointerCapture = () => {};
const drag = (type, x, y) => stage.dispatchEvent(
  new PointerEvent(type, {bubbles: true, pointerId: 1, clientX: x, clientY: y}));
for (const [type, x, y] of [["down", 400, 400], ["move", 420, 370], ["move", 440, 340], ["up", 440, 340]])
  drag("pointer" + type, x, y);
const [x1, y1] = view(), scale = stage.clientWidth / width;
return [Math.hypot(before[0] - after[0], before[1] - after[1]), (x0 - x1) * scale, (y0 - y1) * scale];
"""
NARROW = """
const named = [...document.querySelectorAll("button, input, .part, main, aside")]
  .every(one => (one.getAttribute("aria-label") || one.textContent).trim());
const reached = boxes().filter(one => one.getAttribute("tabindex") === "0").length;
const {scrollWidth, scrollHeight} = document.documentElement;
const fits = scrollWidth <= innerWidth && scrollHeight <= innerHeight;
key("ArrowDown"); key("ArrowDown");
const before = [title(), boxes().length];
$("opener").click();
const opened = [title(), boxes().length > 200];
$("opener").click();
return [innerWidth, fits, $("stage").clientHeight > 300, named, reached, before, opened, [title(), boxes().length]];
"""


def results(page, scripts, width=1200):
    """What each of several scripts returns in one page, which is as it was opened before each."""
    again = "choose(null); type(''); frame(false);"
    each = (f"{again} said.push(await (async () => {{ {script} }})());" for script in scripts)
    return run_in_page(page, f"{HELPERS} const said = []; {' '.join(each)} return said;", width=width)


@pytest.fixture(scope="module")
def on_digits(digits):
    return results(digits, [NUMBERS, ARROWS, WHEEL])


@pytest.fixture(scope="module")
def on_resnet152(resnet152):
    return results(resnet152, [NARROW, SEARCH], width=400)


@needs_chromium
def test_numbers_are_shown_where_one_points_and_stay_where_one_clicks(on_digits):
    assert on_digits[0] == [
        "conv1", "8 × 8 × 16", "208 (0.5 %)", "stage2", "stage2", "stage1", None,
    ]  # fmt: skip


@needs_chromium
def test_the_search_finds_names_and_operations_and_enter_goes_to_the_next(on_resnet152):
    assert on_resnet152[1] == [
        "search", "2 found", "1 of 2", "stage4.block1.conv2", "2 of 2", "stage4.block2.conv2",
        "stage4.block1.conv2", "none", "1 when opened", "1 of 1", "stage3.block17.conv2", "Fold", "", 0,
    ]  # fmt: skip


@needs_chromium
def test_arrows_follow_the_edges_and_keys_zoom(on_digits):
    said, nearer, back, whole = on_digits[1]
    assert said[:4] == ["conv1", "stage1", "stage2", "stage1"]
    assert said[4:] == ["button", "0"]
    assert nearer and back and whole


@needs_chromium
def test_the_wheel_zooms_where_it_points_and_dragging_moves(on_digits):
    drift, right, down = on_digits[2]
    assert drift < 0.01
    assert (round(right), round(down)) == (40, -60)


@needs_chromium
def test_a_narrow_window_is_filled_and_everything_is_named_for_those_who_do_not_see_it(on_resnet152):
    width, fits, roomy, named, reached, before, opened, after = on_resnet152[0]
    assert width <= 500  # the least that Chromium without a screen takes
    assert fits and roomy and named
    assert reached == 1
    assert before == after
    assert opened == ["pool1", True]
