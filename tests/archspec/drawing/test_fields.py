"""What elements see, as numbers and as drawings.

Sources: vgg is Simonyan and Zisserman 2014, arXiv:1409.1556, section 2.3; araujo is Araujo, Norris, Sim 2019,
"Computing receptive fields of convolutional neural networks" (Distill, 10.23915/distill.00021), and its table.
"""

import io
import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from PIL import Image
from sklearn.datasets import load_sample_images

import archspec
from archspec import palette
from archspec.drawing.fields.layer_fields import MOST_LEVELS, layer_field, span, within
from archspec.network import draw_field
from tests.randomised import examples
from tests.strategies import specs

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"


def stack(*kernels, channels=64, size=15, name="stack", **options):
    """Convolutions with as many channels everywhere, each with a ReLU, as in vgg's argument."""
    conv = {"filters": channels, "padding": "same", "bias": False, "activation": "relu", **options}
    layers = [{"conv": {**conv, "kernel": kernel}} for kernel in kernels]
    return {"name": name, "model": {"input": [size, size, channels], "layers": layers}}


def seen(network, layer=None):
    spec = archspec.loads(network) if isinstance(network, dict) else archspec.load(network)
    return layer_field(spec.graph, layer)


@pytest.mark.parametrize(
    ("kernels", "field", "squares"),
    [((5,), 5, 25), ((3, 3), 5, 18), ((7,), 7, 49), ((3, 3, 3), 7, 27)],
)
def test_stacked_convolutions_of_3x3_see_what_a_larger_one_sees_with_fewer_parameters(kernels, field, squares):
    one = seen(stack(*kernels))
    assert one.field.size == (field, field)
    assert one.parameters == squares * 64**2  # vgg: 27 C^2 for three of 3x3, 49 C^2 for one of 7x7
    assert one.activations == len(kernels)  # vgg: "three non-linear rectification layers instead of a single one"
    assert [level.size[0] for level in one.levels] == list(itertools.accumulate(kernels, lambda a, b: a + b - 1))


@pytest.mark.parametrize(
    ("name", "layer", "field", "stride"),
    [
        ("vgg_d", None, 212, 32),  # araujo: vgg_16
        ("alexnet", "pool5", 195, 32),  # araujo: alexnet_v2
        ("alexnet", "conv2", 51, 8),
        ("resnet50", "conv1", 7, 2),
        ("resnet50", None, 427, 32),  # the golden figure of specs/resnet50.yaml's summary
    ],
)
def test_fields_and_strides_are_those_of_the_literature(name, layer, field, stride):
    one = seen(name, layer)
    assert one.field.size == (field, field)
    assert one.stride == (stride, stride)


@pytest.mark.parametrize(
    ("name", "activations"),
    [("vgg_d", 13), ("alexnet", 5), ("resnet18", 17), ("resnet152", 151)],
)
def test_non_linearities_are_those_in_a_row(name, activations):
    """One behind each convolution, as their papers say; shortcuts have none."""
    assert seen(name).activations == activations


def test_the_last_feature_map_is_meant_where_no_layer_is_named():
    assert [seen(name).layer for name in ("vgg_d", "resnet18", "digits")] == ["pool5", "stage4", "stage2"]


def test_few_levels_are_drawn_and_how_many_are_not_is_counted():
    one = seen("resnet152")
    assert [level.name for level in one.levels] == ["conv1", "pool1", "stage1", "stage2", "stage3", "stage4"]
    widening = sum(layer.op == "max_pool" or " 3x3" in layer.label or " 7x7" in layer.label
                   for layer in archspec.analyse("resnet152").layers)  # fmt: skip
    assert len(one.levels) + one.left_out == widening
    assert "46 more layers" in draw_field("resnet152").svg()


def test_after_a_global_pool_every_element_sees_all():
    one = seen("resnet18", "fc")
    assert one.sees_all
    assert one.field.window == ((0, 224), (0, 224))
    text = shown(draw_field("resnet18", "fc").svg())
    assert "every element of fc sees 224×224" in text


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("stagee2", "--field: resnet18 has no layer 'stagee2'; did you mean 'stage2'?"),
        ("stage2.blok1", "--field: resnet18 has no layer 'stage2.blok1'; did you mean 'stage2.block1'?"),
        (
            "quux",
            "--field: resnet18 has no layer 'quux'; it has input, conv1, pool1, stage1, stage2, stage3, stage4, "
            "global_avg_pool1, fc",
        ),
    ],
)  # fmt: skip
def test_an_unknown_layer_is_reported(layer, message):
    with pytest.raises(archspec.UserError) as error:
        draw_field("resnet18", layer, option="--field")
    assert str(error.value) == message


def test_the_picture_itself_sees_its_own_pixels():
    one = seen("resnet18", "input")
    assert (one.field.size, one.parameters, one.activations) == ((1, 1), 0, 0)
    assert "an element of input sees 1×1" in shown(draw_field("resnet18", "input").svg())


def test_a_network_of_vectors_has_no_field():
    network = {"name": "plain", "model": {"input": [12], "layers": [{"dense": 3}]}}
    with pytest.raises(archspec.UserError) as error:
        draw_field(network)
    assert str(error.value) == (
        "layer: plain takes a vector of 12; a receptive field is a part of a picture (height x width x channels)"
    )


# -- drawings ----------------------------------------------------------------------------------------------------------


def shown(svg):
    """All that stands in a drawing, a line for each text."""
    return "\n".join(element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def test_two_networks_stand_side_by_side_with_what_tells_them_apart():
    drawing = draw_field([stack(5, name="one_5x5"), stack(3, 3, name="two_3x3")])
    lines = shown(drawing.svg()).splitlines()
    for line in ("one_5x5", "two_3x3", "102,400", "73,728", "28 % fewer", "5×5 conv, 64", "picture", "15 × 15 × 64"):
        assert line in lines
    assert lines.count("5×5") == 2
    assert str(drawing) == drawing.svg() == drawing._repr_html_() == draw_field(
        [stack(5, name="one_5x5"), stack(3, 3, name="two_3x3")]
    ).svg()  # fmt: skip


def test_a_drawing_has_both_backgrounds_and_no_other_colours():
    svg = draw_field(["alexnet", "vgg_a"]).svg()
    assert "prefers-color-scheme:dark" in svg
    body = svg[svg.index("</style>") :]
    assert not re.findall(r"#[0-9a-f]{6}", body)
    assert set(re.findall(r"var\(--(\w+)\)", body)) <= palette.LIGHT.keys()


def boxes(svg):
    for element in ElementTree.fromstring(svg).iter(f"{SVG}rect"):
        if element.get("x") is not None:  # neither the paper nor the pattern of padding
            x, y, width, height = (float(element.get(name)) for name in ("x", "y", "width", "height"))
            yield x, y, x + width, y + height


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_network_can_be_drawn_in_its_frame(path):
    svg = draw_field(str(path)).svg()
    root = ElementTree.fromstring(svg)
    width, height = float(root.get("width")), float(root.get("height"))
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in boxes(svg))
    assert len(svg) < 30_000


@given(spec=specs())
@examples(30)
def test_levels_are_nested_and_end_in_the_field_of_the_analysis(spec):
    graph = archspec.loads(spec).graph
    analysis = archspec.analyse(graph)
    for layer in analysis.layers:
        one = layer_field(graph, layer.name)
        assert one.field.size == next(
            other.receptive_field for other in reversed(analysis.layers)
            if other.name == layer.name or other.name.startswith(f"{layer.name}.")
        )  # fmt: skip
        assert 1 <= len(one.levels) <= MOST_LEVELS
        sizes = [level.size for level in one.levels]
        assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(sizes))
    ElementTree.fromstring(draw_field(spec).svg())


@pytest.mark.parametrize("kernels", [(3, 3, 3), (7,), (5, 3)])
def test_the_elements_below_one_are_those_that_it_depends_on(kernels):
    """A row of the side view has as many elements as a chain of convolutions takes, counted from above."""
    one = seen(stack(*kernels))
    counts = [len(within(level.axes[1], one.field.window[1])) for level in one.levels]
    expected = [1]
    for kernel in reversed(kernels[1:]):
        expected.append(expected[-1] + kernel - 1)
    assert counts == expected[::-1]
    assert span(one.field.axes[1], one.field.element[1]) == one.field.window[1]


# -- on a picture ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "china.jpg"
    Image.fromarray(load_sample_images().images[0]).save(path)
    return path


def embedded(svg):
    import base64

    (uri,) = re.findall(r'href="data:image/\w+;base64,([^"]+)"', svg)
    return Image.open(io.BytesIO(base64.b64decode(uri)))


def test_a_picture_is_shown_as_the_network_takes_it(photo):
    svg = draw_field("resnet18", "stage2", photo).svg()
    assert embedded(svg).size == (224, 224)
    text = shown(svg)
    assert "an element of stage2 sees 99×99 pixels; the picture is 224×224" in text
    assert "28×28 elements, one every 8 pixels; a cell of the grid is one." in text
    assert svg == draw_field("resnet18", "stage2", photo).svg()


def test_a_picture_of_one_channel_is_grey_and_exact(photo):
    image = embedded(draw_field("digits", None, photo).svg())
    assert (image.mode, image.size, image.format) == ("L", (8, 8), "PNG")


def test_after_a_global_pool_the_whole_picture_is_outlined(photo):
    text = shown(draw_field("resnet18", "fc", photo).svg())
    assert "every element of fc sees 224×224 of the 224×224 pixels" in text
    assert "fc has no field of its own" in text


def test_upright_and_on_white(tmp_path):
    image = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by half
    image.save(tmp_path / "turned.png", exif=exif)
    network = stack(3, channels=3, size=20, name="small")
    found = embedded(draw_field(network, None, tmp_path / "turned.png").svg())
    assert found.size == (20, 20)
    assert found.getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "it is no picture that can be drawn on; expected a PNG, JPEG, GIF, BMP or WebP"),
        (b"name: tiny\n", "it is no picture that can be drawn on; expected a PNG, JPEG, GIF, BMP or WebP"),
        (None, "cannot read the picture: No such file or directory"),
    ],
)
def test_what_is_no_picture_is_reported(tmp_path, contents, message):
    path = tmp_path / "picture.jpg"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(archspec.UserError) as error:
        draw_field("digits", None, path)
    assert str(error.value) == f"{path}: {message}"


def test_pictures_of_any_size_and_inputs_of_any_size(tmp_path, photo, monkeypatch):
    large = {
        "name": "large",
        "model": {"input": [100_000, 50_000, 3], "layers": [{"conv": {"filters": 1, "kernel": 3}}]},
    }
    assert embedded(draw_field(large, None, photo).svg()).size == (512, 1024)
    monkeypatch.setattr("archspec.drawing.fields.photographs.MOST_PIXELS", 1000)
    with pytest.raises(archspec.UserError) as error:
        draw_field("digits", None, photo)
    assert str(error.value) == f"{photo}: it has 640 x 427 pixels; make it smaller first"


def test_a_damaged_picture_is_reported(tmp_path, photo):
    path = tmp_path / "half.jpg"
    path.write_bytes(photo.read_bytes()[:20_000])
    with pytest.raises(archspec.UserError, match="it is cut short or damaged: image file is truncated"):
        draw_field("digits", None, path)
