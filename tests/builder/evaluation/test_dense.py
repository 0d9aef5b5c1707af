"""A classifier as a fully convolutional network gives what the classifier gives, at every position."""

from pathlib import Path

import numpy as np
import pytest

from archspec import UserError, analyse, load
from builder import build
from builder.evaluation.dense import dense_network, fully_convolutional, resized

SPECS = sorted(path for path in Path("specs").glob("*.yaml") if "1202" not in path.name)
HEADS = {
    "flatten": "flatten, {dense: {units: 12, activation: relu}}, {dropout: 0.5}, {dense: 5}",
    "dropout first": "flatten, {dropout: 0.5}, {dense: {units: 12, norm: batch, activation: relu}}, {dense: 5}",
    "pooled": "global_avg_pool, {dense: 5}",
    "pooled to a picture": "{global_avg_pool: {keep_dims: true}}, flatten, {dense: {units: 12}}, softmax, {dense: 5}",
}
BODIES = {
    "valid": "{conv: {filters: 6, kernel: 3, stride: 2, padding: valid, activation: relu}}, {max_pool: 2}",
    "symmetric": "{conv: {filters: 6, kernel: 7, stride: 2, padding: symmetric, norm: batch, activation: relu}}, "
    "{max_pool: {size: 3, stride: 2, padding: 1}}",
    "same": "{conv: {filters: 6, kernel: 3, stride: 2}}, "
    "{towers: {count: 2, layers: [{conv: {filters: 4, kernel: 3}}]}}, "
    "local_response_norm, {squeeze_excite: {filters: 8, ratio: 4}}, {avg_pool: {size: 2, padding: same}}",
}


def network(tmp_path, layers, size="[20, 16, 3]"):
    """A spec's graph and its model, all weights drawn."""
    (tmp_path / "net.yaml").write_text(f"name: net\nmodel:\n  input: {size}\n  layers: [{layers}]\n")
    graph = load(tmp_path / "net.yaml").graph
    model = build(graph, "portable")
    generator = np.random.default_rng(0)
    model.set_weights([generator.uniform(0.1, 0.5, weight.shape) - 0.2 * (weight.ndim > 1) for weight in model.weights])
    return graph, model


def pictures(height, width, count=3):
    return np.random.default_rng(1).normal(size=(count, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("head", HEADS)
def test_a_picture_of_the_training_size_gets_the_same_logits(head, body, tmp_path):
    graph, model = network(tmp_path, f"{BODIES[body]}, {HEADS[head]}")
    some = pictures(20, 16)
    dense = dense_network(graph, model)
    np.testing.assert_allclose(dense(some), model(some), rtol=1e-4, atol=1e-5)
    assert dense(pictures(33, 47)).shape == (3, 5)


def test_a_larger_picture_gets_the_mean_over_all_positions_of_the_classifier(tmp_path):
    """Without padding a position of the dense network is the classifier on a part: here each 4 pixels, the stride."""
    graph, model = network(tmp_path, f"{BODIES['valid']}, {HEADS['flatten']}")
    large = pictures(20 + 2 * 4, 16 + 4)
    parts = [large[:, top : top + 20, left : left + 16] for top in (0, 4, 8) for left in (0, 4)]
    expected = np.mean([model(part) for part in parts], 0)
    np.testing.assert_allclose(dense_network(graph, model)(large), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_network_has_a_dense_form_with_the_same_weights(path):
    graph = load(path).graph
    dense = fully_convolutional(graph)
    assert analyse(dense).parameters == analyse(graph).parameters
    assert dense.output.shape == graph.output.shape
    larger = resized(dense, (2 * graph.input.shape[0], 3 * graph.input.shape[1]))
    assert larger.output.shape == graph.output.shape


def test_vgg_has_the_papers_map_of_scores():
    """Simonyan and Zisserman 2014, section 3.2: 7x7 and 1x1 convolutions; at 256 pixels 2x2 positions."""
    dense = resized(fully_convolutional(load("specs/vgg_d.yaml").graph), (256, 384))
    kernels = [node.op.kernel for node in dense.nodes if node.op.kind == "conv"][-3:]
    assert kernels == [(7, 7), (1, 1), (1, 1)]
    assert dense.nodes[-2].shape == (2, 6, 1000) and dense.output.op.kind == "global_avg_pool"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("{reshape: {target: [10, 32, 3]}}, flatten, {dense: 5}", "the layer 'reshape1' has the fixed shape 10x32x3"),
        ("flatten, softmax, {dense: 5}", "the layer 'softmax1' is a softmax of a flattened picture"),
        ("flatten, {reshape: {target: [960]}}, {dense: 5}", "the layer 'reshape1' is a reshape of a flattened picture"),
    ],
)
def test_what_ties_a_network_to_its_size_is_named(layers, message, tmp_path):
    graph, _ = network(tmp_path, layers)
    with pytest.raises(UserError) as caught:
        fully_convolutional(graph)
    expected = f"{message}, so the network takes pictures of its own size only; use another --crops"
    assert str(caught.value) == f"--crops dense: {expected}"
