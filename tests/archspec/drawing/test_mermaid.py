"""Flowcharts for Markdown. A small grammar of what is written stands here, so that every machine checks it; where Node
and Mermaid are, the real parser reads every network too."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given

import archspec
from archspec.drawing.mermaid import label
from tests.randomised import examples
from tests.strategies import specs

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))
LABEL = r'"(?P<label>(?:[A-Za-z0-9 ,/–×]|#\d+;|<br/>|(?<=\w)[._-](?=\w))+)"'
NODE = re.compile(rf" +(?P<id>[a-z]\w*)(?:\(\[{LABEL}\]\)|\[LABEL\]|\[\[LABEL\]\]|\(\(LABEL\)\))".replace(
    "LABEL", LABEL.replace("?P<label>", "")
))  # fmt: skip
GROUP = re.compile(rf" +subgraph (?P<id>[a-z]\w*)\[{LABEL}\]")
LINK = re.compile(r" +(?P<source>[a-z]\w*) --> (?P<target>[a-z]\w*)")


def chart(*networks, **options):
    return archspec.draw([str(one) if isinstance(one, Path) else one for one in networks], **options).mermaid()


def parsed(text):
    """The boxes with their labels, the groups with theirs, and the links of a flowchart.

    Raises:
        AssertionError: it has something else, an identifier twice, or a link to what is not there.
    """
    first, *rest = text.splitlines()
    assert first == "flowchart TB"
    assert text.endswith("\n")
    boxes, groups, links, open_groups = {}, {}, [], 0
    for line in rest:
        if link := LINK.fullmatch(line):
            assert {link["source"], link["target"]} <= boxes.keys()
            links.append((link["source"], link["target"]))
        elif group := GROUP.fullmatch(line):
            assert group["id"] not in {*boxes, *groups}
            groups[group["id"]] = decoded(group["label"])
            open_groups += 1
        elif line.strip() == "end":
            open_groups -= 1
            assert open_groups >= 0
        else:
            node = NODE.fullmatch(line)
            assert node, line
            assert node["id"] not in {*boxes, *groups}
            boxes[node["id"]] = decoded(line[line.index('"') + 1 : line.rindex('"')])
    assert open_groups == 0
    return boxes, groups, links


def decoded(text):
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", text.replace("<br/>", "\n")))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_network_is_a_flowchart(path):
    boxes, _, links = parsed(chart(path))
    targets = {target for _, target in links}
    assert [one for one in boxes if one not in targets] == ["b0"]  # all but the picture take something


@given(spec=specs())
@examples(25)
def test_random_networks_are_flowcharts(spec):
    for depth in (None, 1):
        boxes, _, links = parsed(chart(spec, depth=depth))
        taken = {source for source, _ in links}
        graph = archspec.loads(spec).graph
        loose = sum(not consumers for consumers in graph.consumers)
        assert len([one for one in boxes if one not in taken]) <= loose


def test_groups_are_subgraphs_and_repeats_say_how_often():
    boxes, groups, links = parsed(chart("resnet50"))
    assert list(groups.values())[:3] == ["stage1", "block1", "block2–3 × 2"]
    assert "conv1\n7×7 conv, 64, /2\nbatch norm, ReLU\n112 × 112 × 64\n9.66K parameters" in boxes.values()
    assert boxes["b0"] == "input\n224 × 224 × 3"
    names = {name: text.partition("\n")[0] for name, text in boxes.items()}
    (shortcut,) = [name for name, text in names.items() if text == "shortcut" and "56 × 56 × 256" in boxes[name]]
    assert ("b4", shortcut) in links  # from pool1, around the block


def test_folded_groups_have_double_sides_and_their_sums():
    text = chart("resnet50", depth=1)
    # torchvision's layer1 has 215,808 weights, and 2,816 moving means and variances
    assert '[["stage1<br/>56 × 56 × 256<br/>219K parameters"]]' in text
    assert text.count("-->") == 8


def test_the_page_shows_what_is_written():
    page = (Path(__file__).parents[3] / "docs" / "seeing.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{chart('digits', depth=1)}```\n" in page


def test_several_networks_stand_side_by_side():
    boxes, groups, _ = parsed(chart("plain34", "resnet34"))
    totals = ["plain34: 21.6M parameters, 3.64G MACs", "resnet34: 21.8M parameters, 3.66G MACs"]
    assert [title for title in groups.values() if "MACs" in title] == totals
    assert {"n0b0", "n1b0"} <= boxes.keys()


ODD = ['a"b', "#quot;", "1. first", "- list", "_a_", "<b>", "&amp;", "`code`", "end", "%%{init}%%", "[x]", "(y)", "{z}",
    "|", "\\n", "a;b", "click", "x\ny", "c#", "*", "--> b", "$$x$$", "😀"]  # fmt: skip


def test_numbers_and_differences_are_said():
    boxes, groups, _ = parsed(chart("digits", by="macs", marks={"conv1": "removed", "stage2": "changed"}))
    assert "conv1\n3×3 conv, 16\nbatch norm, ReLU\n8 × 8 × 16\nmacs 9.22K · 0.8 %\n− removed" in boxes.values()
    assert "stage2, ~ changed" in groups.values()


@pytest.mark.parametrize("text", ODD)
def test_no_character_means_anything_to_mermaid(text):
    quoted = label([text])
    assert re.fullmatch(LABEL, quoted)
    assert decoded(quoted[1:-1]) == text.replace("\n", "\\n")


# -- the real parser ---------------------------------------------------------------------------------------------------

MERMAID = os.environ.get("MERMAID", "")
"""A folder in which `npm install mermaid jsdom` has been run."""
PARSE = """
import { JSDOM } from "jsdom";
import { readFileSync } from "node:fs";
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const mermaid = (await import("mermaid")).default;
const kinds = {};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  try { kinds[name] = (await mermaid.parse(text)).diagramType; } catch (error) { kinds[name] = String(error); }
}
console.log(JSON.stringify(kinds));
"""


@pytest.mark.skipif(
    not (MERMAID and shutil.which("node")), reason="MERMAID names no folder with Mermaid and jsdom in it"
)
def test_mermaid_itself_reads_every_network():
    charts = {path.stem: chart(path) for path in SPECS}
    charts |= {f"{path.stem}, all": chart(path, open=["all"]) for path in SPECS if "1202" not in path.stem}
    charts["labels"] = "flowchart TB\n" + "".join(f"  b{at}[{label([text])}]\n" for at, text in enumerate(ODD))
    node = ["node", "--input-type=module", "-e", PARSE]
    result = subprocess.run(node, cwd=MERMAID, input=json.dumps(charts), capture_output=True, text=True, timeout=300)
    assert json.loads(result.stdout) == dict.fromkeys(charts, "flowchart-v2"), result.stderr
