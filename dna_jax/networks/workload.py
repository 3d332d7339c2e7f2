"""The workload of a network family: every layer that some choice would bring, weighted by how likely it is.

A choice of kernel and expansion replaces layers by others, so the relaxed workload lists the layers of all options and
weights each with the probability of the options it needs. Costs of layers add up; hence the relaxed cost is the expected
cost under independent choices, its gradient is exact, and at a one-hot point only the chosen layers have weight.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.networks.specification import Block, Specification
from dna_jax.spaces import Option, Point, expansion_name, kernel_name
from dna_jax.workload import Layer, Workload, elementwise, global_pooling, merge_equal_layers, workload_from_layers


@dataclasses.dataclass(frozen=True)
class ConditionalLayer:
    """A layer and the choices that bring it: decision -> option, all of which must hold."""

    layer: Layer
    needs: Mapping[str, Option]


def _output_size(size: int, stride: int) -> int:
    return -(-size // stride)


def _activation(name: str, specification: Specification, channels: int, size: int) -> list[Layer]:
    """What an activation costs: clipping ends the layer before it for free, swish is a pass over all elements."""
    return [elementwise(f"{name}.swish", channels, size, size)] if specification.activation == "swish" else []


def _block_layers(specification: Specification, block: Block, size: int) -> list[ConditionalLayer]:
    """Layers of a block whose input is `size` pixels wide, for every option."""
    kernel, expansion = kernel_name(block.index), expansion_name(block.index)
    prefix = f"block_{block.index:02d}"
    out = _output_size(size, block.stride)
    layers = []
    for e in block.expansions:
        hidden = e * block.in_channels
        needs = {expansion: e}
        if e > 1:
            expand = Layer(f"{prefix}.expand", K=hidden, C=block.in_channels, P=size, Q=size)
            activation = _activation(expand.name, specification, hidden, size)
            layers += [ConditionalLayer(layer, needs) for layer in (expand, *activation)]
        for k in block.kernels:
            depthwise = Layer(
                f"{prefix}.depthwise",
                K=hidden,
                C=hidden,
                P=out,
                Q=out,
                R=k,
                S=k,
                stride=block.stride,
                groups=hidden,
                input_rows=size,
                input_columns=size,
            )
            layers.append(ConditionalLayer(depthwise, {**needs, kernel: k}))
        activation = _activation(f"{prefix}.depthwise", specification, hidden, out)
        layers += [ConditionalLayer(layer, needs) for layer in activation]
        if block.squeeze_channels:
            pool = global_pooling(f"{prefix}.squeeze.pool", hidden, out, out)
            scale = elementwise(f"{prefix}.excite.scale", hidden, out, out)
            squeeze = Layer(f"{prefix}.squeeze", K=block.squeeze_channels, C=hidden, P=1, Q=1)
            excite = Layer(f"{prefix}.excite", K=hidden, C=block.squeeze_channels, P=1, Q=1)
            layers += [ConditionalLayer(layer, needs) for layer in (pool, squeeze, excite, scale)]
        project = Layer(f"{prefix}.project", K=block.out_channels, C=hidden, P=out, Q=out)
        layers.append(ConditionalLayer(project, needs))
    if block.residual:
        layers.append(ConditionalLayer(elementwise(f"{prefix}.add", block.out_channels, out, out, inputs=2), {}))
    return layers


def conditional_layers(specification: Specification) -> list[ConditionalLayer]:
    """All layers of a family in order, each with the choices that bring it; stem, head and classifier always come.

    Batch normalisation is folded into convolutions; additions of residual blocks, pooling, and what squeeze-excite and swish
    do element by element are layers of their own.
    """
    size = _output_size(specification.image_size, specification.stem_stride)
    stem = Layer(
        "stem",
        K=specification.stem_channels,
        C=specification.image_channels,
        P=size,
        Q=size,
        R=3,
        S=3,
        stride=specification.stem_stride,
        input_rows=specification.image_size,
        input_columns=specification.image_size,
    )
    always = [stem, *_activation("stem", specification, specification.stem_channels, size)]
    layers = [ConditionalLayer(layer, {}) for layer in always]
    for block in specification.blocks:
        layers += _block_layers(specification, block, size)
        size = _output_size(size, block.stride)
    last, channels = specification.blocks[-1].out_channels, specification.head_channels
    head = Layer("head", K=channels, C=last, P=size, Q=size)
    pool = global_pooling("pool", channels, size, size)
    classifier = Layer("classifier", K=specification.classes, C=channels, P=1, Q=1)
    always = [head, *_activation("head", specification, channels, size), pool, classifier]
    return [*layers, *(ConditionalLayer(layer, {}) for layer in always)]


def chosen_layers(specification: Specification, design: Mapping[str, Option]) -> list[Layer]:
    """The layers of one network, in order."""
    return [
        row.layer
        for row in conditional_layers(specification)
        if all(design[name] == option for name, option in row.needs.items())
    ]


def relaxed_workload(specification: Specification, point: Mapping[str, jax.Array]) -> Workload:
    """The expected workload at a point: equal shapes once, weighted by their expected number.

    Args:
      specification: a family.
      point: probabilities of its decisions, soft or one-hot, without leading axes; their type is that of the workload.
    """
    rows = conditional_layers(specification)
    options = {kernel_name(b.index): b.kernels for b in specification.blocks}
    options |= {expansion_name(b.index): b.expansions for b in specification.blocks}
    names = [name for name in point if name in options]
    chosen = Point.of(point).select(names).rows
    # All probabilities in one vector behind a leading 1, so that the weights of all rows are two lookups and a product.
    start = {name: 1 + row * chosen.shape[-1] for row, name in enumerate(names)}
    probabilities = jnp.concatenate([jnp.ones(1, chosen.dtype), chosen.ravel()])
    lookup = np.zeros((len(rows), 2), np.int32)
    for i, row in enumerate(rows):
        needed = [start[name] + options[name].index(int(option)) for name, option in row.needs.items()]
        lookup[i, : len(needed)] = needed
    layers, matrix = merge_equal_layers([row.layer for row in rows])
    # A sum of ones and zeros times probabilities: at a default precision an accelerator would round it.
    weight = jnp.matmul(jnp.asarray(matrix, chosen.dtype), jnp.prod(probabilities[lookup], axis=-1), precision="highest")
    return workload_from_layers(layers, weight, chosen.dtype)


def macs(specification: Specification, design: Mapping[str, Option]) -> int:
    """Multiply-accumulates of one network: convolutions and the classifier."""
    return sum(layer.macs for layer in chosen_layers(specification, design) if layer.weight_bits)
