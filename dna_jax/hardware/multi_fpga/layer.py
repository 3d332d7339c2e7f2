"""Cycles, block RAMs and DSP slices of convolutions on one board of a pipeline of FPGAs.

Jiang et al., "Hardware/Software Co-Exploration of Neural Architectures" (TCAD 2020, arXiv:1907.04650): a board has Tm x Tn
multipliers, which work through output maps of Tr x Tc pixels. Loading inputs and weights, computing, and storing outputs
overlap, so that the slowest counts. As in the paper, an input tile is counted as large as the output tile, whatever kernel
and stride, and a tile that sticks out of its layer takes as long as a full one.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.hardware.multi_fpga.board import BLOCK_BITS, Board
from dna_jax.workload import Layer


@struct.dataclass
class Convolutions:
    """Convolutions as a struct of arrays [L].

    Attributes:
      batch: images at a time, the paper's B.
      outputs, inputs: channels, M and N.
      rows, columns: of the output map, R and C.
      taps: of the kernel, K^2.
    """

    batch: jax.Array
    outputs: jax.Array
    inputs: jax.Array
    rows: jax.Array
    columns: jax.Array
    taps: jax.Array


def convolutions(layers: Sequence[Layer]) -> Convolutions:
    """Layers as arrays; ValueError for grouped ones, which the paper's boards do not know."""
    for layer in layers:
        if layer.groups != 1 or not layer.weight_bits:
            raise ValueError(f"Layer {layer.name!r} is no dense convolution, and boards of this kind compute nothing else.")
    table = jnp.asarray([(y.N, y.K, y.C, y.P, y.Q, y.R * y.S) for y in layers], jnp.float32)
    return Convolutions(*(table[:, column] for column in range(table.shape[1])))


@struct.dataclass
class BoardDesigns:
    """Designs of a board as a struct of arrays [D].

    Attributes:
      outputs, inputs: channels of a tile, Tm and Tn.
      rows, columns: of a tile, Tr and Tc.
      input_words, weight_words, output_words: read or written in a cycle: I, W and O.
    """

    outputs: jax.Array
    inputs: jax.Array
    rows: jax.Array
    columns: jax.Array
    input_words: jax.Array
    weight_words: jax.Array
    output_words: jax.Array


def cycles(layer: Convolutions, design: BoardDesigns) -> jax.Array:
    """Cycles of a layer on a board; arrays of both broadcast.

    Lat1 = max(Tn Tr Tc / I, Tm Tn K^2 / W, K^2 Tr Tc), Lat2 = max(ceil(N / Tn) Lat1, Tm Tr Tc / O) and
    Lat = B ceil(R / Tr) ceil(C / Tc) ceil(M / Tm) Lat2.
    """
    pixels = design.rows * design.columns
    loading_inputs = design.inputs * pixels / design.input_words
    loading_weights = design.outputs * design.inputs * layer.taps / design.weight_words
    tile = jnp.maximum(jnp.maximum(loading_inputs, loading_weights), layer.taps * pixels)
    output_tile = jnp.maximum(jnp.ceil(layer.inputs / design.inputs) * tile, design.outputs * pixels / design.output_words)
    tiles = jnp.ceil(layer.rows / design.rows) * jnp.ceil(layer.columns / design.columns)
    return layer.batch * tiles * jnp.ceil(layer.outputs / design.outputs) * output_tile


def weight_blocks(taps: jax.Array, board: Board) -> jax.Array:
    """Block RAMs of one of the Tm x Tn kernels: ceil(K^2 bits / 18000)."""
    return jnp.ceil(taps * board.bits / BLOCK_BITS)


def activation_blocks(design: BoardDesigns, board: Board) -> jax.Array:
    """Block RAMs of inputs and outputs, both double-buffered: 2 (Tn + Tm) ceil(Tr Tc bits / 18000)."""
    return 2 * (design.inputs + design.outputs) * jnp.ceil(design.rows * design.columns * board.bits / BLOCK_BITS)


def block_rams(taps: jax.Array, design: BoardDesigns, board: Board) -> jax.Array:
    """Block RAMs of a board whose largest kernel has so many taps."""
    return activation_blocks(design, board) + design.outputs * design.inputs * weight_blocks(taps, board)


def dsp_slices(design: BoardDesigns, board: Board) -> jax.Array:
    """DSP slices of a board: Tm Tn of 16 bits, 5 Tm Tn of 32."""
    return design.outputs * design.inputs * board.dsp_per_multiplier
