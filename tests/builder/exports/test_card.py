"""The model card of an export: read as a person, the Hub and a Python interpreter would read it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import yaml
from markdown_it import MarkdownIt
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

import archspec
import builder
from archspec import UserError
from archspec.recipe.resizing import Resizing
from builder.exports import card, runtimes, usage
from builder.exports.formats import FORMATS
from builder.exports.markdown import block, code, escaped
from builder.exports.versions import check_folder
from builder.pictures.resizing import fitted
from builder.runs.description import described
from builder.runs.environment import package_version
from builder.runs.run import open_run
from tests.processes import process


@pytest.fixture(scope="module")
def readme(exported):
    return (exported[0] / "1" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(exported):
    return json.loads((exported[0] / "1" / "export.json").read_text(encoding="utf-8"))


def front_matter(text):
    begin, matter, rest = text.split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(matter), rest


def programs(text):
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


# -- what it says ------------------------------------------------------------------------------------------------------


def test_the_front_matter_is_what_the_hub_reads(readme, run_dir):
    """The required fields of https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    matter, _ = front_matter(readme)
    assert (matter["library_name"], matter["pipeline_tag"]) == ("keras", "image-classification")
    assert {"convspec", "keras", "tensorflow", "onnx", "tflite"} <= set(matter["tags"])
    assert "license" not in matter and "datasets" not in matter
    (model,) = matter["model-index"]
    (result,) = model["results"]
    assert model["name"] == "digits" and result["task"]["type"] == "image-classification"
    assert result["dataset"] == {"type": "digits", "name": "digits", "split": "validation"}
    best = open_run(run_dir).best_row()
    top1, top5 = result["metrics"]
    assert top1 == {
        "type": "accuracy",
        "value": pytest.approx(best["val_accuracy"], abs=1e-6),
        "name": "Top-1 accuracy",
    }
    assert top5["value"] == pytest.approx(best["val_top5_accuracy"], abs=1e-6)


def test_it_says_what_was_trained_on_what_and_how_well_it_does(readme, run_dir, report):
    run = open_run(run_dir)
    best = run.best_row()
    analysis = archspec.analyse(run.spec)
    for words in (
        f"| parameters | {analysis.trainable_parameters:,}, and {analysis.non_trainable_parameters:,} statistics |",
        f"| multiply-accumulates | {analysis.macs:,} for a picture |",
        "| data | digits: 1,437 pictures for training, 360 for validation |",
        "| augmentation | random_crop (pad 1) |",
        "| optimizer | sgd (momentum 0.9, nesterov false), batches of 64 |",
        f"| epochs | 3; the weights are those of epoch {int(best['epoch'])}, the best by `val_accuracy` |",
        "| seed | 0 |",
        f"after epoch {int(best['epoch'])} | {100 * best['val_accuracy']:.2f} |",
        "`convspec evaluate RUN --crops ten`",
        "one of its 10 classes, even one that shows none of them: `0`, `1`, `2`",
    ):
        assert words in readme
    for one in report["formats"]:
        name = f"`{one['file']}`" if one["file"] else "this folder (SavedModel)"
        times = " | ".join(f"{ms:.2f}" for ms in one["milliseconds"].values())
        (row,) = re.findall(rf"^\| {re.escape(name)} \|.*$", readme, re.MULTILINE)
        assert f" | {times} | {one['largest_difference']:.1e} | {one['agreement']:.2%} | " in row
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert archspec.loads(text) == run.spec


def test_it_says_what_else_is_known_of_the_files(readme, report, run_dir):
    """What an export says on the screen of single formats stands in the card, too."""
    assert "\n`model.int8.tflite`: calibrated on 200 training pictures of digits.\n" in readme
    assert "All files but the SavedModels take" in readme and "(`pip install numpy pillow`):" in readme
    noted = [{**one, "note": f"slow | {one['format']}"} for one in report["formats"]]
    text = card.text(open_run(run_dir), {**report, "formats": noted})
    assert "\n`bfloat16`: slow &#124; saved_model-bfloat16.\n" in text


def test_the_hub_loads_with_keras_only_where_there_is_a_file_of_it(report, run_dir):
    formats = [one for one in report["formats"] if one["format"] == "onnx"]
    matter, _ = front_matter(card.text(open_run(run_dir), {**report, "formats": formats}))
    assert "library_name" not in matter and matter["tags"] == ["convspec", "image-classification", "onnx"]


def test_it_is_well_formed(readme):
    """Tables, lists and blocks as a reader of Markdown sees them: nothing runs into anything else."""
    tokens = MarkdownIt("commonmark").enable("table").parse(front_matter(readme)[1])
    headings = [tokens[number + 1].content for number, one in enumerate(tokens) if one.type == "heading_open"]
    assert headings == [
        "digits", "Training", "Results", "Files", "How to use it", *FORMATS, "The name of the class", "Limits"
    ]  # fmt: skip
    assert sum(one.type == "table_open" for one in tokens) == 4
    assert {one.info for one in tokens if one.type == "fence"} == {"yaml", "python"}


@pytest.fixture
def copy(run_dir, tmp_path):
    return Path(shutil.copytree(run_dir, tmp_path / "run"))


def test_evaluations_of_the_best_epoch_are_shown(copy, report):
    builder.evaluate(copy, "ten", say=lambda line: None)
    views = "ten crops of 8x8, shorter side 9"
    text = card.text(open_run(copy), report)
    top1 = json.loads((copy / "evaluation" / "ten" / "evaluation.json").read_text())["runs"]["run"]["top1"]
    assert f"| digits, 360 validation pictures | {views} | {100 * top1:.2f} | " in text
    assert "was not evaluated" not in text
    matter, _ = front_matter(text)
    names = [one["name"] for one in matter["model-index"][0]["results"][0]["metrics"]]
    assert names[2:] == [f"Top-1 accuracy, {views}", f"Top-5 accuracy, {views}"]
    path = copy / "evaluation" / "ten" / "evaluation.json"
    path.write_text(path.read_text().replace('"epoch": ', '"epoch": 9'))
    (copy / "evaluation" / "dense").mkdir()
    (copy / "evaluation" / "dense" / "evaluation.json").write_text("{}")
    text = card.text(open_run(copy), report)
    assert views not in text and "was not evaluated" in text
    best = int(open_run(copy).best_row()["epoch"])
    left_out = (
        "evaluation/dense/evaluation.json is damaged: KeyError: 'runs'; evaluation/ten/evaluation.json is of epoch "
    )
    assert f"Left out: {left_out}9{best}, and the best one is now {best}." in text


def test_a_data_set_of_the_hub_is_linked(copy, report):
    spec = copy / "spec.yaml"
    spec.write_text(spec.read_text().replace("data: digits", "data: {tfds: cifar10}"))
    matter, rest = front_matter(card.text(open_run(copy), report))
    assert matter["datasets"] == ["uoft-cs/cifar10"]
    assert matter["model-index"][0]["results"][0]["dataset"]["type"] == "uoft-cs/cifar10"
    assert "[digits](https://huggingface.co/datasets/uoft-cs/cifar10)" in rest


HOSTILE = "no | `x` *y* <b>$z$</b> [l](m)\n--- # \\ ``` & : 'é"


def test_names_mean_nothing_but_themselves(run_dir, report):
    run = open_run(run_dir)
    about = described(
        {**json.loads((run_dir / "environment.json").read_text())["data"], "name": HOSTILE, "classes": [HOSTILE] * 50}
    )
    spec = replace(run.spec, name=HOSTILE, description="- a list\n# *x*")
    matter, rest = front_matter(card.text(replace(run, about=about, spec=spec), report))
    assert matter["model-index"][0]["name"] == HOSTILE
    assert matter["model-index"][0]["results"][0]["dataset"]["name"] == HOSTILE
    tokens = MarkdownIt("commonmark").enable("table").parse(rest)
    inline = [one for token in tokens for one in token.children or ()]
    shown = HOSTILE.replace("\n", "\\n")
    texts = [one.content for one in inline if one.type == "code_inline"]
    assert texts.count(shown) == card.CLASSES and "and 10 more, which `export.json` lists" in rest
    assert not {"em_open", "html_inline", "link_open"} & {one.type for one in inline}
    whole = ["".join(one.content for one in token.children) for token in tokens if token.type == "inline"]
    assert shown in whole[0] and whole[1] == "- a list\\n# *x*"
    assert any(f"{shown}: 1,437 pictures" in cell for cell in whole)


@pytest.mark.parametrize(
    "text", ["a_b", "*a*", "# a", "- a", "1. a", "a|b", "<i>", "$a$", "![a](b)", "&amp;", "a\\b", "=="]
)
def test_an_escaped_text_is_a_text(text):
    (_, inline, _) = MarkdownIt("commonmark").enable("table").parse(escaped(text))
    assert "".join(one.content for one in inline.children) == text
    assert {one.type for one in inline.children} <= {"text", "text_special"}


def test_code_may_hold_backticks():
    assert code("a`b``c") == "```a`b``c```" and code("`") == "`` ` ``" and code("") == "` `"
    assert block("```\nx\n", "yaml") == "````yaml\n```\nx\n````"


def test_imported_weights_have_no_results(copy, report):
    environment = copy / "environment.json"
    content = json.loads(environment.read_text())
    content["weights"] = "/srv/hunter2/some weights.pth"
    content["data"] |= {"name": "weights from elsewhere", "fingerprint": ""}
    environment.write_text(json.dumps(content))
    (copy / "metrics.csv").unlink()
    text = card.text(open_run(copy), report)
    assert "not trained here but imported: some weights.pth." in text and "hunter2" not in text
    assert "Its accuracy is not recorded." in text and "`convspec evaluate RUN --data PATH`" in text
    assert "model-index" not in front_matter(text)[0]


def test_a_readme_of_the_users_own_stays(exported, run_dir, tmp_path):
    """Each export is a new folder, and what lies beside it is left alone; a folder of something else is refused."""
    own = exported[0] / "README.md"
    own.write_text("mine")
    try:
        check_folder(exported[0], "digits")
        assert own.read_text() == "mine"
    finally:
        own.unlink()
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(
        UserError, match=r"is not a folder of exports: it holds README\.md; name a new folder with --out"
    ):
        check_folder(tmp_path, "digits")


# -- its programs ------------------------------------------------------------------------------------------------------


def test_its_programs_run_in_the_folder_as_they_stand(exported, run_dir, readme, tmp_path):
    """From the first to the last, in a fresh process, with a picture that has to be resized and cropped."""
    folder = Path(shutil.copytree(exported[0] / "1", tmp_path / "export"))
    picture = Image.fromarray(np.uint8(load_digits().images[3] * 255 / 16)).resize((30, 24), Image.Resampling.BICUBIC)
    picture.save(folder / "picture.png")
    first, *others, last = programs(readme)
    assert len(others) == len(FORMATS) and first == usage.preparation((8, 8, 1), Resizing())
    kept = "answers.append(probabilities)\n"
    lines = ["answers = []\n", first, *(f"{one}{kept}" for one in others), last]
    lines.append('np.save("answers.npy", np.stack([one.reshape(10) for one in answers]))\n')
    printed = process("-c", "".join(lines), cwd=folder)
    ((expected, share), *_) = builder.predict(run_dir, folder / "picture.png")[0].classes
    assert printed.startswith(f"{expected} ")
    answers = np.load(folder / "answers.npy")
    for name, answer in zip(FORMATS, answers, strict=True):
        assert answer.argmax() == int(expected), name
        assert answer.max() == pytest.approx(share, abs=max(0.05, FORMATS[name].tolerance.difference / 2)), name


def test_files_that_xnnpack_refuses_are_loaded_without_it(exported, run_dir, report, monkeypatch):
    (one,) = (dict(one) for one in report["formats"] if one["format"] == "litert-float32")
    text = card.text(open_run(run_dir), {**report, "formats": [{**one, "note": runtimes.WITHOUT_XNNPACK}]})
    monkeypatch.chdir(exported[0] / "1")
    found = {"pictures": np.zeros((1, 8, 8, 1), np.float32)}
    exec(programs(text)[1], found)
    assert "BUILTIN_WITHOUT_DEFAULT_DELEGATES" in programs(text)[1] and found["probabilities"].shape == (1, 10)


def test_a_saved_model_of_other_channels_takes_arrays(run_dir, report):
    run = open_run(run_dir)
    layers = ["flatten", {"dense": 10}]
    spec = archspec.loads({"name": "two", "model": {"input": [8, 8, 2], "layers": layers}})
    first, saved, *_ = programs(card.text(replace(run, spec=replace(run.spec, graph=spec.graph)), report))
    assert first == usage.preparation((8, 8, 2), Resizing()) and 'signatures["serving_default"]' in saved


def test_each_program_loads_in_three_lines():
    for name, one in FORMATS.items():
        lines = [line for line in one.usage.program.splitlines() if line]
        assert len(lines) <= 3 or name == "litert-int8", name


RESIZINGS = [Resizing(), Resizing("crop", 40), Resizing("stretch"), Resizing("pad")]


@pytest.mark.parametrize("resizing", RESIZINGS, ids=["crop", "side", "stretch", "pad"])
@pytest.mark.parametrize("shape", [(32, 32, 3), (24, 36, 1), (427, 640, 3)])
def test_pictures_are_prepared_as_the_evaluation_transform_does(resizing, shape, tmp_path, monkeypatch):
    if resizing.side is not None and max(shape) > resizing.side:
        resizing = Resizing("crop", 500)
    monkeypatch.chdir(tmp_path)
    picture = load_sample_images().images[1]
    Image.fromarray(picture).save("picture.png")
    found = {}
    exec(usage.preparation(shape, resizing), found)
    expected = fitted(
        picture if shape[2] == 3 else np.asarray(Image.fromarray(picture).convert("L"))[..., None], shape, resizing
    )
    difference = np.abs(found["pictures"][0] - np.float32(expected))
    assert difference.mean() < 0.2 and difference.max() <= 2
    assert found["pictures"].dtype == np.float32 and found["pictures"].shape == (1, *shape)


def test_other_channels_are_prepared_by_the_user():
    found = {}
    exec(usage.preparation((5, 4, 2), Resizing()), found)
    assert found["pictures"].shape == (1, 5, 4, 2)


# -- ONNX's metadata ---------------------------------------------------------------------------------------------------


def test_onnx_files_say_what_they_are(exported, run_dir):
    path = str(exported[0] / "1" / "model.onnx")
    metadata = {one.key: one.value for one in onnx.load(path).metadata_props}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == metadata
    about = open_run(run_dir).about
    assert metadata["name"] == "digits"
    assert json.loads(metadata["classes"]) == list(about.class_names)
    assert json.loads(metadata["mean"]) == list(about.mean) and json.loads(metadata["std"]) == list(about.std)
    assert json.loads(metadata["pixel_range"]) == [0, 255]
    assert json.loads(metadata["input"]) == {
        "shape": [8, 8, 1], "resize": "crop", "eval_resize": None, "pixels": "0 to 255"
    }  # fmt: skip
    assert archspec.loads(metadata["spec.yaml"]) == open_run(run_dir).spec
    assert metadata.get("version") == package_version("convspec")
