"""PNGs of drawings, as resvg draws them."""

import io
import re
import sys

import pytest
from PIL import Image, ImageChops, ImageFont

import archspec
from archspec import palette
from archspec.drawing import png as module
from archspec.drawing.png import FONT_SIZE, fonts, is_covered, png

DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40" viewBox="0 0 120 40" '
    f'font-family="{palette.FONT}"><rect width="120" height="40" fill="{palette.LIGHT["paper"]}"/>'
    f'<text x="10" y="26" font-size="16" fill="{palette.LIGHT["ink"]}">conv1 3×3</text></svg>'
)


def opened(contents):
    return Image.open(io.BytesIO(contents)).convert("RGB")


def test_a_png_has_two_pixels_for_each_unit_and_is_the_same_twice():
    assert opened(png(DRAWING)).size == (240, 80)
    assert opened(png(DRAWING, scale=1)).size == (120, 40)
    assert png(DRAWING) == png(DRAWING)


@pytest.mark.parametrize("weight", ["400", "600"])
def test_text_is_there_without_any_font_of_the_system(weight):
    """Each glyph leaves dark pixels, in its place and in the palette's light colours."""
    drawing = DRAWING.replace("<text", f'<text font-weight="{weight}"')
    without = re.sub("<text.*?</text>", "", drawing)
    difference = ImageChops.difference(opened(png(drawing)), opened(png(without)))
    left, top, right, bottom = difference.getbbox()
    assert 16 <= left <= 26 and 150 < right < 230
    assert top >= 20 and bottom <= 60
    assert opened(png(drawing)).getpixel((2, 2)) == (255, 255, 255)
    colors = {color for _, color in opened(png(drawing)).getcolors(10_000)}
    ink = tuple(int(palette.LIGHT["ink"][at : at + 2], 16) for at in (1, 3, 5))
    assert ink in colors


def test_fonts_of_the_system_are_searched_for_other_scripts_alone():
    assert is_covered(DRAWING)
    assert is_covered("… × − – · → Ångström Ω")
    assert not is_covered("卷积")


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(archspec.UserError) as error:
        png(DRAWING)
    assert str(error.value) == ".png: needs resvg_py: install with pip install 'convspec[draw]'"


def test_a_missing_font_is_reported(monkeypatch):
    monkeypatch.setattr(module, "FONT_FILES", ("Missing.ttf",))
    with pytest.raises(archspec.UserError, match=r"Missing.ttf: the font of PNGs is missing, which Matplotlib brings"):
        png(DRAWING)


def test_a_png_of_too_many_pixels_is_refused():
    with pytest.raises(archspec.UserError) as error:
        png(DRAWING.replace('height="40"', 'height="400000"', 1))
    assert str(error.value) == (".png: it would have 240 x 800,000 pixels; write .svg or .html, or draw fewer parts")


@pytest.mark.parametrize("name", ["resnet50", "resnext50_32x4d", "vgg_e", "alexnet_two_gpus", "squeezenet1_0"])
def test_the_font_fits_where_that_of_the_layout_does(name):
    """No text on a box meets another one or leaves the box, with the widths of the font that the PNG has."""
    regular, bold = (ImageFont.truetype(str(path), 100) for path in fonts())

    def sides(text):
        wide = (bold if text.bold else regular).getlength(text.text) * FONT_SIZE * text.size / 100
        return text.x - {"start": 0, "middle": wide / 2, "end": wide}[text.anchor], wide

    (placed,) = archspec.draw(name).layout.networks
    for box in placed.canvas.boxes:
        ends = box.sides.left
        for left, wide in sorted(map(sides, box.texts)):
            assert left >= ends
            ends = left + wide
        assert ends <= box.sides.right
