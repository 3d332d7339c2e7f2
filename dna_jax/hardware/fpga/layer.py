"""Cycles, DSP slices and block RAMs of a layer on one sub-accelerator ("chunk") of an FPGA pipeline.

The model is that of Auto-NBA (Fu et al., ICML 2021; release of MIT licence, commit 8ddaf3e, `analytical_prediction.py`), in
two forms. "released" follows that code, defects included. "corrected" mends them: tiles are clipped to the layer and every
loop count is rounded up; inputs are read with the halo that stride and kernel need; weight buffers take block RAM; the
buffers and the port of inputs count all channels and rows that they hold where rows work in parallel; multipliers come in
whole DSP slices. Two traits of the release stay: transfers, and the clearing of sums with them, are scaled by the operand
width after they are rounded up, so that cycles may be fractions; and pipelines are not replicated where the device has room.

A tile of the output (rows, columns, output channels, input channels) is computed at a time, some of its loops unrolled:
inputs are read while the tile before is computed, weights and outputs are not.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.hardware import surrogate

Model = Literal["released", "corrected"]
CLOCK_HZ = 200e6
BLOCK_RAM_BITS = 18_000
"""Of a block RAM, as the release counts (an 18 Kb block of the device holds 18,432)."""

WORD_BITS = 16
"""A DSP slice multiplies, and a memory port moves, one word of this width a cycle; narrower operands share it."""


@struct.dataclass
class FpgaLayers:
    """Layers as a chunk sees them, a struct of arrays of one shape.

    Attributes:
      in_channels, out_channels: of one group; 1 and all channels where the convolution is depthwise.
      rows: height and width of the output.
      kernel: side of the kernel.
      stride: same in both directions; the released model does not read it.
      bits: width of operands.
    """

    in_channels: jax.Array
    out_channels: jax.Array
    rows: jax.Array
    kernel: jax.Array
    stride: jax.Array
    bits: jax.Array


@struct.dataclass
class ChunkDesign:
    """What one chunk is, a struct of arrays that broadcast with the layers.

    Attributes:
      tile_rows, tile_columns, tile_outputs, tile_inputs: of the tile that its buffers hold.
      rows, columns, outputs, inputs: unrolled of each, at most the tile's.
    """

    tile_rows: jax.Array
    tile_columns: jax.Array
    tile_outputs: jax.Array
    tile_inputs: jax.Array
    rows: jax.Array
    columns: jax.Array
    outputs: jax.Array
    inputs: jax.Array


@struct.dataclass
class FpgaLayerCost:
    """What a layer costs on a chunk.

    Attributes:
      compute, read_inputs, read_weights, write: cycles of a tile.
      cycles: of one group of the layer.
      dsp, bram: what the chunk needs to run it: DSP slices, block RAMs.
    """

    compute: jax.Array
    read_inputs: jax.Array
    read_weights: jax.Array
    write: jax.Array
    cycles: jax.Array
    dsp: jax.Array
    bram: jax.Array


def _port(unrolled: jax.Array) -> jax.Array:
    """Words a cycle between buffers and memory: as many as are worked on, from 2 to 4."""
    return surrogate.minimum(jnp.asarray(4.0, unrolled.dtype), surrogate.maximum(jnp.asarray(2.0, unrolled.dtype), unrolled))


def _blocks(words: jax.Array, bits: jax.Array) -> jax.Array:
    """Block RAMs of a bank."""
    return surrogate.ceil(words * bits / BLOCK_RAM_BITS)


def _clip(layers: FpgaLayers, design: ChunkDesign, depthwise: bool) -> ChunkDesign:
    """The tile and the unrolled part of it that a layer fills."""
    rows = surrogate.minimum(design.tile_rows, layers.rows)
    columns = surrogate.minimum(design.tile_columns, layers.rows)
    outputs = surrogate.minimum(design.tile_outputs, layers.out_channels)
    inputs = design.tile_inputs if depthwise else surrogate.minimum(design.tile_inputs, layers.in_channels)
    return ChunkDesign(
        tile_rows=rows,
        tile_columns=columns,
        tile_outputs=outputs,
        tile_inputs=inputs,
        rows=surrogate.minimum(design.rows, rows),
        columns=surrogate.minimum(design.columns, columns),
        outputs=surrogate.minimum(design.outputs, outputs),
        inputs=surrogate.minimum(design.inputs, inputs),
    )


def _halo(layers: FpgaLayers, design: ChunkDesign, model: Model) -> tuple[jax.Array, jax.Array]:
    """Rows and columns of the input that a tile needs."""
    if model == "released":
        return (
            surrogate.maximum(design.tile_rows, design.rows + layers.kernel - 1),
            surrogate.maximum(design.tile_columns, design.columns + layers.kernel - 1),
        )
    return (
        (design.tile_rows - 1) * layers.stride + layers.kernel,
        (design.tile_columns - 1) * layers.stride + layers.kernel,
    )


def _quotient(whole: jax.Array, part: jax.Array, model: Model) -> jax.Array:
    """How many parts a whole takes: the released model counts fractions of a part."""
    return whole / part if model == "released" else surrogate.ceil(whole / part)


def _multipliers(design: ChunkDesign, parallel: str, depthwise: bool) -> jax.Array:
    """Multiplications side by side."""
    if parallel == "rows":
        return design.rows
    if parallel == "channels" and not depthwise:
        return design.outputs * design.inputs
    return design.outputs


def _block_rams(layers: FpgaLayers, design: ChunkDesign, depthwise: bool, parallel: str, model: Model) -> jax.Array:
    """Of the buffers of inputs (twice, to read ahead), outputs and weights; hardware is sized by whole tiles."""
    bits, taps = layers.bits, layers.kernel**2
    halo_rows, halo_columns = _halo(layers, design, model)
    released = model == "released"
    tile_inputs = jnp.ones_like(design.tile_inputs) if depthwise else design.tile_inputs
    if parallel == "rows":
        channels = design.tile_outputs if depthwise and not released else tile_inputs
        inputs = 2 * halo_rows * _blocks(halo_columns * channels, bits)
        outputs = design.rows * _blocks(design.tile_columns * design.tile_outputs, bits)
        return inputs + outputs + layers.kernel * _blocks(layers.kernel * design.tile_outputs * tile_inputs, bits)
    # One bank for each channel that is worked on; every bank holds its share of the tile.
    banks, tile = (design.outputs, design.tile_outputs) if depthwise else (design.inputs, design.tile_inputs)
    inputs = 2 * banks * _blocks(halo_rows * halo_columns * tile / banks, bits)
    outputs = design.outputs * _blocks(design.tile_rows * design.tile_columns * design.tile_outputs / design.outputs, bits)
    if released:
        return inputs + outputs
    outputs_each = design.tile_outputs / design.outputs
    if parallel == "channels" and not depthwise:
        weights = design.outputs * design.inputs * _blocks(taps * (design.tile_inputs / design.inputs) * outputs_each, bits)
    else:
        weights = design.outputs * _blocks(taps * tile_inputs * outputs_each, bits)
    return inputs + outputs + weights


def cost_on_chunk(layers: FpgaLayers, design: ChunkDesign, depthwise: bool, parallel: str, model: Model) -> FpgaLayerCost:
    """Cost of layers on a chunk, elementwise over arrays that broadcast.

    Args:
      layers: of one kind.
      design: of the chunk.
      depthwise: whether the chunk is for depthwise convolutions; its `tile_inputs` and `inputs` are 1.
      parallel: the chunk's compute mode, one of `spaces.fpga_pipeline`'s STANDARD_MODES or DEPTHWISE_MODES.
      model: "released" or "corrected".
    """
    released = model == "released"
    share = layers.bits / WORD_BITS
    sizes = design if released else _clip(layers, design, depthwise)
    taps = layers.kernel**2
    halo_rows, halo_columns = _halo(layers, sizes, model)
    tile_inputs = jnp.ones_like(sizes.tile_inputs) if depthwise else sizes.tile_inputs
    channels_read = sizes.tile_outputs if depthwise else tile_inputs

    # Clearing the accumulators takes a cycle for each group of outputs that are worked on.
    if parallel == "rows":
        clear = sizes.tile_columns * sizes.tile_outputs * _quotient(sizes.tile_rows, sizes.rows, model)
        compute = clear * tile_inputs * taps
        # The release tests for the number of a mode that depthwise chunks do not have, and gives them the other port.
        read_port = _port(sizes.outputs) if depthwise and released else _port(halo_rows)
        write_port = _port(sizes.rows)
        read_weights = share * sizes.tile_outputs * tile_inputs * layers.kernel
    else:
        clear = sizes.tile_rows * sizes.tile_columns * _quotient(sizes.tile_outputs, sizes.outputs, model)
        side_by_side = parallel == "channels" and not depthwise
        compute = clear * taps * (_quotient(tile_inputs, sizes.inputs, model) if side_by_side else tile_inputs)
        read_port = _port(sizes.outputs if depthwise else sizes.inputs)
        write_port = _port(sizes.outputs)
        read_weights = share * surrogate.ceil(sizes.tile_outputs * tile_inputs * taps / write_port)
    read_inputs = share * surrogate.ceil(channels_read * halo_columns * halo_rows / read_port)
    written = sizes.tile_outputs * sizes.tile_rows * sizes.tile_columns
    write = share * (surrogate.ceil(written / write_port) + clear)

    tiles = (
        _quotient(layers.rows, sizes.tile_columns, model)
        * _quotient(layers.rows, sizes.tile_rows, model)
        * _quotient(layers.out_channels, sizes.tile_outputs, model)
    )
    passes = jnp.ones_like(tiles) if depthwise else _quotient(layers.in_channels, sizes.tile_inputs, model)
    dsp = _multipliers(design, parallel, depthwise) * share
    return FpgaLayerCost(
        compute=compute,
        read_inputs=read_inputs,
        read_weights=read_weights,
        write=write,
        cycles=tiles * ((surrogate.maximum(compute, read_inputs) + read_weights) * passes + write),
        dsp=dsp if released else surrogate.ceil(dsp),
        bram=_block_rams(layers, design, depthwise, parallel, model),
    )
