"""Which layers run on which chunk, and the layers of chunks as arrays."""

import collections
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jax.typing import DTypeLike

from dna_jax.hardware.fpga.layer import FpgaLayers
from dna_jax.spaces import Chunk, Option, boundary_name
from dna_jax.workload import Layer

ROWS = 8
"""Distinct layers of a chunk are padded to a multiple of this, so that chunks share compiled programs."""


@struct.dataclass
class ChunkLayers:
    """The layers of a chunk: distinct ones, and how often each comes.

    Attributes:
      layers: [..., L].
      count: [..., L], convolutions of each shape, every group one; 0 for rows that only pad.
    """

    layers: FpgaLayers
    count: Array


def is_depthwise(layer: Layer) -> bool:
    """Whether a layer convolves every channel by itself."""
    return layer.groups > 1 and layer.groups == layer.C == layer.K


def is_priced(layer: Layer) -> bool:
    """Whether a layer runs on a chunk: what has no weights (additions, pooling) rides along at no cost."""
    return layer.weight_bits > 0


def chunk_of(layer: Layer, boundaries: Mapping[str, Option]) -> Chunk:
    """The chunk of a layer under an allocation, the values of the two `boundary_name` decisions.

    Raises:
      ValueError: if the layer's maps or kernel are not square, or its operands differ in width.
    """
    if layer.P != layer.Q or layer.R != layer.S or layer.N != 1:
        raise ValueError(
            f"Layer {layer.name!r}: FPGA pipelines are priced for one image at a time, square maps and kernels."
        )
    if layer.weight_bits != layer.input_bits:
        raise ValueError(f"Layer {layer.name!r}: weights and inputs on an FPGA pipeline have one width.")
    depthwise = is_depthwise(layer)
    return Chunk(depthwise, int(boundaries[boundary_name(depthwise)]) <= layer.P, layer.weight_bits)


def allocate(layers: Sequence[Layer], boundaries: Mapping[str, Option]) -> dict[Chunk, list[Layer]]:
    """The layers of every chunk that has some, in order."""
    allocated: dict[Chunk, list[Layer]] = collections.defaultdict(list)
    for layer in layers:
        if is_priced(layer):
            allocated[chunk_of(layer, boundaries)].append(layer)
    return dict(allocated)


def layer_fields(layer: Layer) -> tuple[int, ...]:
    """The fields of `FpgaLayers` of a layer, of one group where it has several."""
    if is_depthwise(layer):
        return 1, layer.K, layer.P, layer.R, layer.stride, layer.weight_bits
    return layer.C // layer.groups, layer.K // layer.groups, layer.P, layer.R, layer.stride, layer.weight_bits


def layer_counts(layers: Sequence[Layer], times: Sequence[float] | None = None) -> dict[tuple[int, ...], float]:
    """How often each distinct layer of a chunk comes, every group one: `layer_fields` -> count.

    Args:
      layers: of the chunk.
      times: how often each is expected; once by default.
    """
    counts: dict[tuple[int, ...], float] = collections.defaultdict(float)
    for layer, expected in zip(layers, times or [1.0] * len(layers), strict=True):
        counts[layer_fields(layer)] += expected * (1 if is_depthwise(layer) else layer.groups)
    return dict(counts)


def chunk_layers(
    layers: Sequence[Layer], dtype: DTypeLike, rows: int | None = None, times: Sequence[float] | None = None
) -> ChunkLayers:
    """Layers of one chunk, equal ones once.

    Args:
      layers: at least one.
      dtype: of all numbers.
      rows: L; by default the next multiple of ROWS.
      times: how often each layer is expected; once by default.
    """
    counts = layer_counts(layers, times)
    rows = rows or -(-len(counts) // ROWS) * ROWS
    padding = rows - len(counts)
    table = np.array([*counts, *[next(iter(counts))] * padding], float)
    count = np.array([*counts.values(), *[0] * padding], float)
    return ChunkLayers(FpgaLayers(*(jnp.asarray(column, dtype) for column in table.T)), jnp.asarray(count, dtype))
