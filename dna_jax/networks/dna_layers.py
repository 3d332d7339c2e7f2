"""Layers of the DNA networks: as they are, under every choice; and as the released cost model lists them.

Batch normalisation is folded into the convolutions. The release (Auto-NBA, MIT licence, commit 8ddaf3e,
`model_search.py`) differs in five ways, which `released_layers` keeps: blocks that follow a skip take over the bits of a
neighbour, the first convolution of a block with stride 2 is counted at its output size, the sixth stage is wider, and
neither skips that change the shape nor stem, head and classifier are there.
"""

from collections.abc import Sequence

from dna_jax.networks.dna_blocks import DnaBlock, DnaLayout
from dna_jax.networks.family import ConditionalLayer
from dna_jax.spaces import OPERATIONS, SKIP, bits_name, operation, operation_name
from dna_jax.workload import Layer, elementwise, global_pooling


def _convolution(name: str, out_channels: int, in_channels: int, rows: int, bits: int, **fields: int) -> Layer:
    """A convolution of square maps with operands of one width."""
    return Layer(
        name,
        K=out_channels,
        C=in_channels,
        P=rows,
        Q=rows,
        weight_bits=bits,
        input_bits=bits,
        output_bits=bits,
        **fields,
    )


def _depthwise(name: str, channels: int, rows: int, kernel: int, bits: int, **fields: int) -> Layer:
    return _convolution(name, channels, channels, rows, bits, R=kernel, S=kernel, groups=channels, **fields)


def _operation_layers(block: DnaBlock, chosen: str, bits: int) -> list[Layer]:
    """Layers of a block under one choice."""
    prefix = f"block_{block.index:02d}"
    if chosen == SKIP:
        if block.keeps_shape:
            return []
        fields = {"stride": block.stride, "input_rows": block.in_rows, "input_columns": block.in_rows}
        return [_convolution(f"{prefix}.skip", block.out_channels, block.in_channels, block.rows, bits, **fields)]
    parts = operation(chosen)
    hidden = parts.expansion * block.in_channels
    fields = {"stride": block.stride, "input_rows": block.in_rows, "input_columns": block.in_rows}
    layers = [
        _convolution(f"{prefix}.expand", hidden, block.in_channels, block.in_rows, bits, groups=parts.groups),
        _depthwise(f"{prefix}.depthwise", hidden, block.rows, parts.kernel, bits, **fields),
        _convolution(f"{prefix}.project", block.out_channels, hidden, block.rows, bits, groups=parts.groups),
    ]
    if block.keeps_shape:
        layers.append(elementwise(f"{prefix}.add", block.out_channels, block.rows, block.rows, inputs=2))
    return layers


def _fixed_layers(specification: DnaLayout) -> tuple[list[Layer], list[Layer]]:
    """What stands before and behind the blocks; nothing where a family is known by its blocks alone."""
    if not specification.head_channels:
        return [], []
    bits, channels = specification.fixed_bits, specification.head_channels
    size, last = specification.image_size, specification.blocks[-1]
    stem = _convolution(
        "stem",
        specification.stem_channels,
        specification.image_channels,
        -(-size // specification.stem_stride),
        bits,
        R=3,
        S=3,
        stride=specification.stem_stride,
        input_rows=size,
        input_columns=size,
    )
    head = _convolution("head", channels, last.out_channels, last.rows, bits)
    classifier = _convolution("classifier", specification.classes, channels, 1, bits)
    return [stem], [head, global_pooling("pool", channels, last.rows, last.rows), classifier]


def dna_conditional_layers(specification: DnaLayout) -> list[ConditionalLayer]:
    """All layers of a family in order, each with the operation and width that bring it."""
    before, behind = _fixed_layers(specification)
    rows = [ConditionalLayer(layer, {}) for layer in before]
    for block in specification.blocks:
        for chosen in OPERATIONS:
            for bits in specification.widths:
                needs = {operation_name(block.index): chosen, bits_name(block.index): bits}
                rows += [ConditionalLayer(layer, needs) for layer in _operation_layers(block, chosen, bits)]
    return rows + [ConditionalLayer(layer, {}) for layer in behind]


def dna_layers(specification: DnaLayout, operations: Sequence[str], bits: Sequence[int]) -> list[Layer]:
    """Layers of one network, in order; an operation and a width per block."""
    before, behind = _fixed_layers(specification)
    chosen = zip(specification.blocks, operations, bits, strict=True)
    return [*before, *(layer for block, name, width in chosen for layer in _operation_layers(block, name, width)), *behind]


def released_layers(specification: DnaLayout, operations: Sequence[str], bits: Sequence[int]) -> list[Layer]:
    """Layers of one network as the release lists them.

    Args:
      specification: a family with the channels of the release (`as_released`).
      operations: one per block.
      bits: a queue from which every block but the skips takes the next width.
    """
    layers: list[Layer] = []
    queue = iter(bits)
    for block, chosen in zip(specification.blocks, operations, strict=True):
        if chosen == SKIP:
            continue
        width, parts, prefix, rows = next(queue), operation(chosen), f"block_{block.index:02d}", block.rows
        hidden = parts.expansion * block.in_channels
        layers += [
            _convolution(
                f"{prefix}.expand", hidden, block.in_channels, rows, width, groups=parts.groups, stride=block.stride
            ),
            _depthwise(f"{prefix}.depthwise", hidden, rows, parts.kernel, width),
            _convolution(f"{prefix}.project", block.out_channels, hidden, rows, width, groups=parts.groups),
        ]
    return layers
