"""The workload of a model in ONNX, so that networks trained elsewhere can be priced (extra `onnx`)."""

import math
import pathlib
from collections.abc import Sequence
from typing import Any

from dna_jax.errors import UserError
from dna_jax.workload import Layer, elementwise, global_pooling

_FREE = frozenset(
    [
        "BatchNormalization",
        "Cast",
        "Clip",
        "Concat",
        "Constant",
        "ConstantOfShape",
        "DequantizeLinear",
        "Dropout",
        "Equal",
        "Expand",
        "Flatten",
        "Gather",
        "Identity",
        "LeakyRelu",
        "PRelu",
        "Pad",
        "QuantizeLinear",
        "Range",
        "Relu",
        "Reshape",
        "Shape",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
        "Where",
    ]
)
"""Fused into the layer before, or only a way to look at data: no cost of their own."""

_ELEMENTWISE = frozenset(
    [
        "Add",
        "Div",
        "Elu",
        "Erf",
        "Exp",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "LayerNormalization",
        "LogSoftmax",
        "Mish",
        "Mul",
        "Pow",
        "Sigmoid",
        "Softmax",
        "Softplus",
        "Sqrt",
        "Sub",
        "Sum",
        "Swish",
        "Tanh",
    ]
)
_POOLING = frozenset({"MaxPool", "AveragePool"})
_REDUCTIONS = frozenset({"GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"})


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _square(values: Sequence[int], what: str, name: str) -> int:
    if len(set(values)) > 1:
        raise UserError(f"Layer {name} has {what} {list(values)}; only equal ones in both directions can be priced.")
    return int(values[0])


def _image(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Batch, channels, rows and columns of a tensor; what has fewer dimensions is one row of them."""
    padded = [*shape, 1, 1, 1][: max(4, len(shape))]
    if len(shape) == 3:
        # Batch, tokens, features.
        return shape[0], shape[2], shape[1], 1
    return padded[0], padded[1], padded[2], math.prod(padded[3:])


def _convolution(name: str, attributes: dict[str, Any], shapes: list[tuple[int, ...]], output: tuple[int, ...]) -> Layer:
    data, weight = shapes[0], shapes[1]
    if len(data) != 4:
        raise UserError(f"Layer {name} is a convolution over {len(data) - 2} dimensions; only two can be priced.")
    return Layer(
        name,
        N=output[0],
        K=output[1],
        C=data[1],
        P=output[2],
        Q=output[3],
        R=weight[2],
        S=weight[3],
        stride=_square(attributes.get("strides", [1, 1]), "strides", name),
        dilation=_square(attributes.get("dilations", [1, 1]), "dilations", name),
        groups=int(attributes.get("group", 1)),
        input_rows=data[2],
        input_columns=data[3],
    )


def _product(name: str, summed: int, output: Sequence[int], batched: bool) -> Layer:
    """A matrix product with the output [..., rows, K]; `batched` if each of the leading entries has weights of its own."""
    *leading, rows, channels = (1, *output)
    batch = math.prod(leading)
    groups = batch if batched else 1
    return Layer(name, N=batch // groups, K=channels * groups, C=summed * groups, P=rows, Q=1, groups=groups)


def _layers_of(
    node: Any, name: str, shapes: list[tuple[int, ...]], output: tuple[int, ...], constant: list[bool]
) -> list[Layer]:
    attributes = _attributes(node)
    kind = node.op_type
    if kind == "Conv":
        return [_convolution(name, attributes, shapes, output)]
    if kind == "Gemm":
        summed = shapes[0][0 if attributes.get("transA") else 1]
        return [_product(name, summed, output, batched=False)]
    if kind == "MatMul":
        # A vector is a matrix of one row, or of one column.
        rows = list(output) if len(shapes[1]) > 1 else [*output, 1]
        if len(shapes[0]) == 1:
            rows.insert(len(rows) - 1, 1)
        return [_product(name, shapes[0][-1], rows, batched=math.prod(shapes[1][:-2]) > 1)]
    batch, channels, rows, columns = _image(output)
    if kind in _POOLING:
        if len(shapes[0]) != 4:
            raise UserError(f"Layer {name} pools over {len(shapes[0]) - 2} dimensions; only two can be priced.")
        kernel = attributes["kernel_shape"]
        return [
            Layer(
                name,
                N=batch,
                K=channels,
                C=channels,
                P=rows,
                Q=columns,
                R=kernel[0],
                S=kernel[-1],
                stride=_square(attributes.get("strides", [1]), "strides", name),
                dilation=_square(attributes.get("dilations", [1]), "dilations", name),
                groups=channels,
                weight_bits=0,
                input_rows=shapes[0][2],
                input_columns=shapes[0][3],
            )
        ]
    if kind in _REDUCTIONS:
        results = math.prod(output)
        return [global_pooling(name, results, math.prod(shapes[0]) // results, 1)]
    if kind in _ELEMENTWISE:
        # Operands as large as the result; constants and broadcast ones are too little to matter.
        inputs = sum(not fixed and shape == output for shape, fixed in zip(shapes, constant, strict=True))
        return [elementwise(name, channels, rows, columns * batch, inputs=max(1, inputs))]
    raise UserError(f"Layer {name} is a {kind}, which has no price; remove it from the model or price its parts.")


def read_onnx(path: pathlib.Path) -> list[Layer]:
    """The layers of a model, in order; all sizes of its input must be fixed.

    Convolutions, matrix products, pooling and element-wise operations are layers; activations that clip, normalisation and
    changes of shape cost nothing of their own.

    Raises:
      UserError: if the extra is not installed, or the file, a shape or an operation cannot be used.
    """
    try:
        import onnx
    except ImportError as error:
        raise UserError("Reading a model needs the extra onnx; install it with: pip install 'dna-jax[onnx]'.") from error
    try:
        model = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True, data_prop=True)
    except OSError as error:
        raise UserError(f"The network {path} cannot be read ({error.strerror}).") from error
    except Exception as error:
        # Protobuf and shape inference raise errors of their own, all about the contents of the file.
        raise UserError(f"The network {path} is not a valid ONNX model ({' '.join(str(error).split())[:200]}).") from error
    graph = model.graph
    shapes: dict[str, tuple[int, ...]] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    fixed = set(shapes)
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
    layers: list[Layer] = []
    for index, node in enumerate(graph.node):
        if node.op_type == "Constant":
            fixed.update(node.output)
        if node.op_type in _FREE:
            continue
        name = node.name or f"{node.op_type.lower()}_{index}"
        tensors = [tensor for tensor in node.input if tensor]
        for tensor in (*tensors, node.output[0]):
            if tensor not in shapes or 0 in shapes[tensor]:
                raise UserError(f"Layer {name}: the shape of {tensor!r} is not fixed; export the model with fixed sizes.")
        inputs, constant = [shapes[tensor] for tensor in tensors], [tensor in fixed for tensor in tensors]
        layers += _layers_of(node, name, inputs, shapes[node.output[0]], constant)
    if not layers:
        raise UserError(f"The network {path} has no layer that costs anything.")
    return layers
