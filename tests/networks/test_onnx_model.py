"""Models in ONNX as workloads (needs the extra `onnx`)."""

import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.networks.onnx_model import read_onnx

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")


def _weight(name, *shape):
    return onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)


def _save(path, nodes, weights, inputs=(1, 3, 32, 32), outputs=None):
    graph = onnx.helper.make_graph(
        nodes,
        "model",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, inputs)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, outputs)],
        weights,
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    return path


def _small_network(path):
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "w1"], ["a"], name="stem", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "w2"], ["c"], name="depthwise", group=16, dilations=[2, 2], pads=[2, 2, 2, 2]),
        node("Conv", ["c", "w3"], ["d"], name="project"),
        node("Add", ["d", "b"], ["e"], name="add"),
        node("MaxPool", ["e"], ["f"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["f"], ["g"], name="mean"),
        node("Flatten", ["g"], ["h"]),
        node("Gemm", ["h", "w4"], ["y"], name="classifier", transB=1),
    ]
    weights = [_weight("w1", 16, 3, 3, 3), _weight("w2", 16, 1, 3, 3), _weight("w3", 16, 16, 1, 1), _weight("w4", 10, 16)]
    return _save(path, nodes, weights, outputs=(1, 10))


def test_layers_of_a_convolutional_network(tmp_path):
    layers = {layer.name: layer for layer in read_onnx(_small_network(tmp_path / "model.onnx"))}
    assert list(layers) == ["stem", "depthwise", "project", "add", "pool", "mean", "classifier"]
    stem = layers["stem"]
    assert (stem.K, stem.C, stem.P, stem.Q, stem.R, stem.stride, stem.input_rows) == (16, 3, 16, 16, 3, 2, 32)
    assert (layers["depthwise"].groups, layers["depthwise"].dilation) == (16, 2)
    assert layers["depthwise"].macs == 16 * 9 * 16 * 16
    assert layers["add"].C == 2 * layers["add"].K == 32
    assert layers["pool"].macs == 16 * 8 * 8 * 4
    assert (layers["mean"].macs, layers["mean"].weight_bits) == (16 * 8 * 8, 0)
    assert (layers["classifier"].K, layers["classifier"].C, layers["classifier"].macs) == (10, 16, 160)


def test_attention_is_a_batch_of_products(tmp_path):
    node = onnx.helper.make_node
    nodes = [
        node("MatMul", ["x", "w"], ["q"], name="project"),
        node("Transpose", ["q"], ["k"], perm=[0, 2, 1]),
        node("MatMul", ["q", "k"], ["s"], name="scores"),
        node("Softmax", ["s"], ["y"], name="softmax"),
    ]
    path = _save(tmp_path / "m.onnx", nodes, [_weight("w", 64, 64)], (4, 49, 64), (4, 49, 49))
    project, scores, softmax = read_onnx(path)
    assert project.macs == 4 * 49 * 64 * 64
    assert (scores.groups, scores.macs) == (4, 4 * 49 * 49 * 64)
    assert softmax.macs == 4 * 49 * 49


@pytest.mark.parametrize(
    ("node", "weight", "input_shape", "output_shape", "macs"),
    [
        (("MatMul", {}), (7,), (7,), (), 7),
        (("MatMul", {}), (7, 5), (7,), (5,), 35),
        (("MatMul", {}), (7,), (3, 7), (3,), 21),
        (("MatMul", {}), (4, 7, 5), (4, 3, 7), (4, 3, 5), 4 * 3 * 7 * 5),
        (("GlobalAveragePool", {}), None, (4, 3, 8, 8), (4, 3, 1, 1), 4 * 3 * 64),
        (("ReduceMean", {"axes": [-1]}), None, (4, 49, 64), (4, 49, 1), 4 * 49 * 64),
        (("MaxPool", {"kernel_shape": [3, 3], "dilations": [2, 2]}), None, (2, 3, 8, 8), (2, 3, 4, 4), 2 * 3 * 16 * 9),
        (("Sum", {}), None, (2, 3, 8, 8), (2, 3, 8, 8), 2 * 3 * 64),
    ],
)
def test_operations_of_unusual_shapes(tmp_path, node, weight, input_shape, output_shape, macs):
    kind, attributes = node
    weights = [] if weight is None else [_weight("w", *weight)]
    names = ["x"] if weight is None else ["x", "w"]
    operation = onnx.helper.make_node(kind, names, ["y"], name="it", **attributes)
    (layer,) = read_onnx(_save(tmp_path / "m.onnx", [operation], weights, input_shape, output_shape))
    assert layer.macs == macs
    if kind == "MatMul" and len(weight) == 3:
        # Each matrix of the batch has weights of its own.
        assert layer.groups == 4
    if kind == "MaxPool":
        assert layer.dilation == 2


def test_pooling_over_one_dimension_is_refused(tmp_path):
    pool = onnx.helper.make_node("MaxPool", ["x"], ["y"], name="pool", kernel_shape=[2])
    with pytest.raises(UserError, match="pools over 1 dimensions"):
        read_onnx(_save(tmp_path / "m.onnx", [pool], [], (1, 3, 8), (1, 3, 7)))


def test_what_cannot_be_priced_is_named(tmp_path):
    node = onnx.helper.make_node
    path = _save(tmp_path / "m.onnx", [node("Det", ["x"], ["y"], name="odd")], [], (3, 3), ())
    with pytest.raises(UserError, match="odd is a Det"):
        read_onnx(path)
    open_sized = _save(tmp_path / "n.onnx", [node("Sigmoid", ["x"], ["y"], name="act")], [], ("batch", 3), ("batch", 3))
    with pytest.raises(UserError, match="not fixed"):
        read_onnx(open_sized)
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="not a valid ONNX"):
        read_onnx(tmp_path / "bad.onnx")
