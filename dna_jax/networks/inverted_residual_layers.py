"""Layers of networks of inverted residual blocks under every choice of kernels and expansions."""

from dna_jax.networks.family import ConditionalLayer
from dna_jax.networks.inverted_residual import Block, Layout
from dna_jax.spaces import expansion_name, kernel_name
from dna_jax.workload import Layer, elementwise, global_pooling


def _output_size(size: int, stride: int) -> int:
    return -(-size // stride)


def _activation(name: str, specification: Layout, channels: int, size: int) -> list[Layer]:
    """What an activation costs: clipping ends the layer before it for free, swish is a pass over all elements."""
    return [elementwise(f"{name}.swish", channels, size, size)] if specification.activation == "swish" else []


def _block_layers(specification: Layout, block: Block, size: int) -> list[ConditionalLayer]:
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


def inverted_residual_layers(specification: Layout) -> list[ConditionalLayer]:
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
