"""The model card of an export, `README.md`: what the network is, how it was trained, how good it is, what its files are
and how each is loaded, and what is not known of it.

It is for whoever gets the export, on the Hugging Face Hub or elsewhere, and says nothing of the machine that it was
made on but its CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import archspec
from archspec import UserError, tables
from archspec.ops import show
from archspec.wording import counted
from builder.exports import recipe_text
from builder.exports.formats import FORMATS
from builder.exports.front_matter import front_matter, hub_dataset
from builder.exports.markdown import block, code, escaped
from builder.exports.runtimes import WITHOUT_XNNPACK
from builder.exports.usage import (
    MODES,
    PREPARATION_PACKAGES,
    SAVED_MODEL_OF_ARRAYS,
    Shape,
    Usage,
    preparation,
    without_xnnpack,
)
from builder.runs.environment import package_version
from builder.runs.evaluations import evaluations
from builder.runs.names import CARD, EXPORT, NETWORK
from builder.runs.public import public_spec, public_text
from builder.runs.run import Run
from builder.system.files import write_text

CLASSES = 40
"""Up to this many classes are all named."""


def write(folder: Path, run: Run, report: Mapping[str, Any]) -> None:
    """Writes the card, and a drawing of the network beside it, unless the network is too large to be drawn.

    Args:
        folder: the export's.
        run: the run that was exported.
        report: the contents of `export.json`.

    Raises:
        FileError: the disk is full, or the folder cannot be written.
    """
    drawing = drawn(run)
    if drawing:
        write_text(folder / NETWORK, drawing)
    write_text(folder / CARD, text(run, report, bool(drawing)))


def drawn(run: Run) -> str:
    """The network as SVG; empty if it cannot be drawn."""
    try:
        return archspec.draw(run.spec).svg()
    except UserError:
        return ""


def text(run: Run, report: Mapping[str, Any], is_drawn: bool = True) -> str:
    """The card as Markdown with YAML front matter.

    Args:
        run: the run that was exported.
        report: the contents of `export.json`.
        is_drawn: whether the drawing is beside it.
    """
    best = run.best_row()
    formats = [one["format"] for one in report["formats"]]
    parts = [
        front_matter(run, formats, best, evaluations(run)[0]),
        *_network(run, is_drawn),
        *_training(run, best),
        *_results(run, best),
        *_files(report),
        *_usage(run, report),
        *_limits(run),
        f"---\n\nThis card was written by convspec{_version()}; `{EXPORT}` has its figures for programs.",
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _version() -> str:
    version = package_version("convspec")
    return f" {version}" if version else ""


# -- what it is ------------------------------------------------------------------------------------------------------


def _network(run: Run, is_drawn: bool) -> Iterator[str]:
    spec = run.spec
    analysis = archspec.analyse(spec)
    yield f"# {escaped(spec.name)}"
    yield escaped(public_text(spec.description)) or "A convolutional network that classifies pictures."
    drawing = f"![The layers of {escaped(spec.name)}]({NETWORK})"
    yield drawing if is_drawn else "The network is too large to be drawn."
    others = f", and {analysis.non_trainable_parameters:,} statistics" if analysis.non_trainable_parameters else ""
    rows = [
        ("input", f"{show(analysis.input)} (height x width x channels), pixels from 0 to 255"),
        ("classes", f"{len(run.about.class_names):,}"),
        ("parameters", f"{analysis.trainable_parameters:,}{others}"),
        ("multiply-accumulates", f"{analysis.macs:,} for a picture"),
        ("receptive field", f"{show(analysis.receptive_field)} pixels"),
    ]
    yield tables.markdown(("network", ""), rows, text_columns=2)
    yield "<details>\n<summary>The spec from which convspec builds and trains it</summary>"
    yield block(public_spec(spec), "yaml")
    yield "</details>"


# -- what it was trained on --------------------------------------------------------------------------------------------


def _training(run: Run, best: Mapping[str, float] | None) -> Iterator[str]:
    yield "## Training"
    if run.is_imported:
        weights = escaped(public_text(str(run.environment.get("weights", "elsewhere"))))
        yield f"Its weights were not trained here but imported: {weights}. What they were trained on is not recorded."
        return
    hub = hub_dataset(run)
    data = escaped(run.about.name)
    data = f"[{data}](https://huggingface.co/datasets/{hub})" if hub else data
    train, validation = (f"{count:,}" for count in (run.about.train_count, run.about.validation_count))
    rows = [
        ("data", f"{data}: {train} pictures for training, {validation} for validation"),
        *recipe_text.rows(run, best),
    ]
    yield tables.markdown(("training", ""), rows, text_columns=2)


# -- how well it does --------------------------------------------------------------------------------------------------


def _results(run: Run, best: Mapping[str, float] | None) -> Iterator[str]:
    found, left_out = evaluations(run)
    evaluated = sorted(found, key=lambda one: not one.is_own)
    yield "## Results"
    own = escaped(run.about.name)
    rows = []
    if best is not None:
        measured = (best["val_accuracy"], best["val_top5_accuracy"], best["val_loss"])
        pictures = counted(run.about.validation_count, "validation picture")
        rows.append(
            (f"{own}, {pictures}", f"one, as in the validation after epoch {int(best['epoch'])}", *_figures(*measured))
        )
    for one in evaluated:
        pictures = counted(one.pictures, "validation picture" if one.is_own else "picture")
        data = own if one.is_own else escaped(one.data)
        rows.append((f"{data}, {pictures}", escaped(one.views), *_figures(one.top1, one.top5, one.loss)))
    if rows:
        yield tables.markdown(("pictures", "views of each", "top-1 %", "top-5 %", "loss"), rows, text_columns=2)
    else:
        yield "Its accuracy is not recorded."
    if best is not None:
        yield "The validation pictures also decided which epoch was kept, so their figures are a little too good."
    if not any(one.is_own for one in evaluated):
        yield _not_evaluated("--data PATH" if run.is_imported else "--crops ten")
    if left_out:
        yield f"Left out: {escaped('; '.join(f'{one.path} {one.reason}' for one in left_out))}."


def _not_evaluated(options: str) -> str:
    return (
        f"It was not evaluated with several views of each picture, as papers do. `convspec evaluate RUN {options}` "
        "does that, with the directory of the run for `RUN`, and an export made afterwards shows the figures."
    )


def _figures(top1: float, top5: float | None, loss: float | None) -> tuple[str, str, str]:
    return f"{100 * top1:.2f}", "-" if top5 is None else f"{100 * top5:.2f}", "-" if loss is None else f"{loss:.4f}"


# -- its files ---------------------------------------------------------------------------------------------------------


def _files(report: Mapping[str, Any]) -> Iterator[str]:
    check = report["check"]
    yield "## Files"
    rows = [
        (
            _file(one),
            FORMATS[one["format"]].usage.purpose,
            tables.size(one["bytes"]),
            *(f"{ms:.2f}" for ms in one["milliseconds"].values()),
            f"{one['largest_difference']:.1e}",
            f"{one['agreement']:.2%}",
            "-" if one["accuracy"] is None else f"{one['accuracy']:.2%}",
        )
        for one in report["formats"]
    ]
    times = [f"ms, {batch}" for batch in check["milliseconds"]]
    header = ("file", "for", "size", *times, "difference", "agreement", "accuracy")
    yield tables.markdown(header, rows, text_columns=2)
    pictures = f"{check['pictures']:,} {escaped(check['kind'])}"
    yield (
        f"Each file ran in its own runtime on {pictures}, and its probabilities were compared with those of the "
        "trained model: the largest difference, the share of pictures with the same top class, and the accuracy on "
        "these pictures. `ms` is the median time of a call with 1 picture, and with 8, on "
        f"{escaped(report['measured_on'])}."
    )
    for one in report["formats"]:
        if seen := one.get("calibration"):
            yield f"{_file(one)}: calibrated on {seen['pictures']:,} {escaped(seen['kind'])}."
        if one["note"]:
            yield f"{_file(one)}: {escaped(one['note'])}."


def _file(result: Mapping[str, Any]) -> str:
    return f"`{result['file']}`" if result["file"] else "this folder (SavedModel)"


# -- how it is used ----------------------------------------------------------------------------------------------------


def _usage(run: Run, report: Mapping[str, Any]) -> Iterator[str]:
    height, width, channels = run.spec.graph.input.shape
    shape = height, width, channels
    formats = {one["format"]: FORMATS[one["format"]] for one in report["formats"]}
    yield "## How to use it"
    yield "The programs run in this folder and classify `picture.png`."
    reading = [_reads_files(one.usage, shape) for one in formats.values()]
    if not all(reading):
        which = f"All files but the SavedModel{'s' if sum(reading) > 1 else ''} take" if any(reading) else "It takes"
        yield (
            f"The network normalises pixels from 0 to 255 itself. {which} pictures of {height}x{width} pixels as an "
            f"array, which is made like this (`pip install {PREPARATION_PACKAGES}`):"
        )
        yield block(preparation(shape, run.recipe.resizing), "python")
    for result in report["formats"]:
        usage = formats[result["format"]].usage
        yield f"### {result['format']}"
        yield f"`pip install {usage.packages}`{_READS if _reads_files(usage, shape) else ''}"
        program = _program(usage, shape, has_xnnpack=result["note"] != WITHOUT_XNNPACK)
        yield block(program.format(file=result["file"] or "."), "python")
    yield "### The name of the class"
    yield block(
        f'import json\n\nclasses = json.load(open("{EXPORT}", encoding="utf-8"))["classes"]\n'
        "print(classes[probabilities[0].argmax()], probabilities[0].max())",
        "python",
    )


def _program(usage: Usage, shape: Shape, has_xnnpack: bool) -> str:
    """The program that a format's file of this network needs."""
    if usage.reads_files and not _reads_files(usage, shape):
        return SAVED_MODEL_OF_ARRAYS
    return usage.program if has_xnnpack else without_xnnpack(usage.program)


_READS = ". It decodes, resizes and crops pictures itself."


def _reads_files(usage: Usage, shape: Shape) -> bool:
    """Whether a program takes a file, and no array. There are no files of pictures with other channels."""
    return usage.reads_files and shape[2] in MODES


# -- what it does not do -----------------------------------------------------------------------------------------------


def _limits(run: Run) -> Iterator[str]:
    names = run.about.class_names
    shown = ", ".join(map(code, names[:CLASSES]))
    more = f" and {len(names) - CLASSES:,} more, which `{EXPORT}` lists" if len(names) > CLASSES else ""
    channels = run.spec.graph.input.shape[-1]
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}.get(channels, f"{channels}-channel")
    lines = [
        f"It expects upright {kind} pictures{_pixels(run)}, of the kind that it was trained on.",
        f"It answers every picture with one of its {counted(len(names), 'class', 'classes')}, even one that shows none "
        f"of them: {shown}{more}.",
        "Not measured: how it does on pictures from elsewhere, whether its probabilities are calibrated, whether it "
        "does worse for some groups of people, places or things, and its speed on other machines.",
        "No license is given with it. Its owner may name one as `license` in the front matter of this card.",
    ]
    yield "## Limits"
    yield "\n".join(f"- {line}" for line in lines)


def _pixels(run: Run) -> str:
    least, most = run.about.pixel_range
    return "" if run.is_imported or (least, most) == (0, 255) else f" with pixels from {least} to {most}"
