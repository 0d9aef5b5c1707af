"""Reports that `archspec.report` makes of an analysis, and tables that `archspec.tables` makes of cells."""

import json
import re
from pathlib import Path

import pytest

import archspec
from archspec import report, tables
from archspec.wording import columns

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))

NESTED = """\
name: nested
description: Blocks in blocks, names that are long, and numbers that are large.
model:
  input: [512, 256, 3]
  layers:
    - conv: {filters: 64, kernel: [3, 5], stride: [2, 1], norm: batch, activation: relu, name: stem}
    - sequence:
        name: a_stage_with_a_name_that_is_much_longer_than_any_column
        layers:
          - repeat:
              times: 2
              layers:
                - conv: {filters: 64, kernel: 3, groups: 2, dilation: 2, activation: relu}
                - parallel: {branches: [[], [{conv: {filters: 128, kernel: 1}}]]}
          - layer_norm
    - global_avg_pool
    - dense: {units: 1000000}
"""


@pytest.fixture
def nested(tmp_path):
    path = tmp_path / "nested.yaml"
    path.write_text(NESTED)
    return path


def summarised(path, **overrides):
    return report.summarise(archspec.load(path, overrides))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_table_fits_80_columns_and_has_every_layer(path):
    summary = summarised(path)
    text = report.table(summary)
    assert max(map(len, text.splitlines())) <= 80
    for layer in summary.analysis.layers:
        if layer.op in ("conv", "dense"):
            assert f" {layer.trainable_parameters:,} " in text


def test_long_names_are_shortened_in_the_middle(nested):
    text = report.table(summarised(nested))
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^a_stage\w*…\w+ ", text, re.MULTILINE)


def test_layers_stand_below_their_block_with_subtotals(nested):
    text = report.table(summarised(nested, **{"model.layers[1].sequence.name": "stage"}))
    header, _, *rows = text.split("\n\n")[1].splitlines()
    labels = [row[: header.index("operation")].rstrip() for row in rows]
    block = ["    conv1", "      .activation", "    parallel1", "      branch2.conv1", "      concat"]
    assert labels == [
        *("stem", "  .norm", "  .activation"),
        *("stage", "  repeat1", *block, "  repeat2", *block, "  layer_norm1"),
        *("global_avg_pool1", "dense1"),
    ]


@pytest.mark.parametrize("depth", [1, 2, None])
def test_subtotals_are_sums(nested, depth):
    summary = summarised(nested, **{"model.layers[1].sequence.name": "stage"})
    stage = [layer for layer in summary.analysis.layers if layer.name.startswith("stage.")]
    parameters = sum(layer.trainable_parameters + layer.non_trainable_parameters for layer in stage)
    row = next(line for line in report.table(summary, depth).splitlines() if line.startswith("stage "))
    assert f" {parameters:,} " in row
    assert f" {len(stage)} layers " in row
    assert f" {tables.compact(sum(layer.macs for layer in stage))} " in row


@pytest.mark.parametrize(("depth", "rows"), [(1, 4), (2, 9), (3, 13), (9, 19)])
def test_depth_folds_rows_and_keeps_totals(nested, depth, rows):
    summary = summarised(nested, **{"model.layers[1].sequence.name": "stage"})
    _, folded, totals = report.table(summary, depth=depth).split("\n\n")
    header, _, stem, *others = folded.splitlines()
    assert 1 + len(others) == rows
    operation = stem[header.index("operation") : header.index("output")].strip()
    assert operation == ("conv 3x5/2x1 +2" if depth == 1 else "conv 3x5/2x1")  # with its norm and activation
    assert totals == report.table(summary).split("\n\n")[2]


def test_a_window_that_is_not_square_has_two_numbers(nested):
    stem = next(line for line in report.table(summarised(nested)).splitlines() if line.startswith("stem"))
    assert stem.split()[-2:] == ["3x5", "2x1"]


def test_a_network_of_vectors_has_no_receptive_field(tmp_path):
    path = tmp_path / "vectors.yaml"
    path.write_text("{name: vectors, model: {input: [64], layers: [{dense: 10}]}}")
    text = report.table(summarised(path))
    assert re.search(r"^dense1 +dense +10 +650 +640 ", text, re.MULTILINE)
    assert "Receptive field" not in text


def test_memory_is_for_the_given_batch_size(nested):
    spec = archspec.load(nested)
    trained = archspec.load(nested, {"train": {"data": "digits", "batch_size": 32}})
    one, own, given = report.summarise(spec), report.summarise(trained), report.summarise(trained, 8)
    assert own.training_bytes == 32 * one.training_bytes
    assert given.training_bytes == 8 * one.training_bytes
    assert own.inference_bytes == one.inference_bytes
    assert "at batch 1 (see --batch-size)" in report.table(one)
    assert "at batch 32 (train.batch_size)" in report.table(own)
    assert "at batch 8 (--batch-size)" in report.table(given)


def test_half_precision_halves_activations_but_not_weights(nested):
    train = {"data": "digits", "batch_size": 1}
    full = report.summarise(archspec.load(nested, {"train": train}))
    half = report.summarise(archspec.load(nested, {"train": train | {"precision": "mixed_bfloat16"}}))
    assert half.training_bytes * 2 == full.training_bytes
    assert half.inference_bytes * 2 == full.inference_bytes
    assert report.to_json(half)["weights_bytes"] == report.to_json(full)["weights_bytes"]


def test_json_has_the_whole_analysis(nested):
    summary = summarised(nested)
    network = report.to_json(summary)
    assert json.loads(json.dumps(network)) == network
    assert len(network["layers"]) == len(summary.analysis.layers)
    for key in ("trainable_parameters", "non_trainable_parameters", "macs"):
        assert network[key] == sum(layer[key] for layer in network["layers"])
    assert network["flops"] == 2 * network["macs"]
    assert network["layers"][-1]["output_shape"] == network["output"] == [1000000]
    assert network["layers"][-1]["stride"] is None
    assert network["layers"][0]["label"] == "conv 3x5/2x1"


def test_characters_that_take_two_columns(tmp_path):
    path = tmp_path / "wide.yaml"
    words = "手写数字的残差网络 " * 9 + "残" * 100
    path.write_text(
        f"{{name: wide, description: {words}, model: {{input: [4], layers: [dense: 1]}}}}", encoding="utf-8"
    )
    title = report.table(summarised(path)).split("\n\n")[0]
    assert max(map(columns, title.splitlines())) <= 80
    assert title.replace("\n", "").replace(" ", "") == f"wide:{words}".replace(" ", "")
    assert len(title.splitlines()) == 6  # 166 columns of words in 3 lines, 200 in 3


def test_a_stride_of_less_than_a_pixel(tmp_path):
    path = tmp_path / "up.yaml"
    path.write_text("{name: up, model: {input: [8, 8, 1], layers: [{up_sample: {factor: [2, 1]}}, flatten]}}")
    summary = summarised(path)
    assert report.to_json(summary)["layers"][0]["stride"] == [0.5, 1]
    assert re.search(r"^up_sample1 .* 1/2x1$", report.table(summary), re.MULTILINE)


def test_a_comparison_has_one_row_per_network():
    text = report.comparison([summarised(path) for path in SPECS])
    assert max(map(len, text.splitlines())) <= 80
    assert [line.split()[0] for line in text.splitlines()[2 : 2 + len(SPECS)]] == [path.stem for path in SPECS]


def test_a_comparison_has_one_batch_size_for_all(nested):
    trained = archspec.load(nested, {"train": {"data": "digits", "batch_size": 32}})
    rows = report.comparison([report.summarise(archspec.load(nested)), report.summarise(trained)]).splitlines()
    assert rows[2] == rows[3]


def test_markdown_has_full_names_and_as_many_cells_in_each_row(nested):
    text = report.table(summarised(nested, **{"model.layers[1].sequence.name": "stage"}), markdown=True)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {8}
    assert any(row.startswith("| stage.repeat2.parallel1.branch2.conv1 | conv 1x1 |") for row in rows)


def test_huge_counts_are_rounded_in_the_table_and_exact_in_the_totals(nested):
    text = report.table(summarised(nested, **{"model.layers[3].dense.units": 1_000_000, "model.layers[2]": "flatten"}))
    assert max(map(len, text.splitlines())) <= 80
    units = 1_000_000 * (256 * 256 * 192 + 1)
    assert next(line for line in text.splitlines() if line.startswith("dense1")).split()[3] == tables.compact(units)
    total = next(line for line in text.splitlines() if line.startswith("Trainable")).split()[2]
    assert int(total.replace(",", "")) > units
    assert total.count(",") == 4


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1.00K"), (9999, "10.0K"), (118013952, "118M"), (999_500_000, "1.00G")],
)
def test_compact_counts(count, text):
    assert tables.compact(count) == text


def test_compact_counts_at_an_axis():
    counts = (0, 500, 1_500, 20_000, 1_234_000, 2e6)
    assert [tables.compact(count, exact=True) for count in counts] == ["0", "500", "1.5K", "20K", "1.234M", "2M"]


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1,023 B"), (1024, "1.00 KiB"), (10**8, "95.4 MiB")])
def test_sizes(count, text):
    assert tables.size(count) == text


@pytest.mark.parametrize("width", range(1, 12))
def test_shortened_texts_keep_both_ends(width):
    text = tables.shortened("stage1.conv", width)
    assert len(text) == min(width, 11)
    assert "stage1.conv".startswith(text.split("…")[0])
    assert "stage1.conv".endswith(text.split("…")[-1])


def test_an_automatic_batch_has_no_size_yet(nested):
    trained = archspec.load(nested, {"train": {"data": "digits", "batch_size": "auto"}})
    summary = report.summarise(trained)
    assert (summary.batch_size, summary.training_bytes) == (1, report.summarise(trained, 1).training_bytes)
    assert "at batch 1 (train.batch_size is auto)" in report.table(summary)
