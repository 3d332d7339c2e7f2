"""Every design of a board that can be the best for some layers.

Cycles grow with the sizes of tiles as long as the number of tiles stays the same, and so do block RAMs and DSP slices. A
size can therefore be lowered until the number of tiles of some layer would change: no best design is lost where sizes are
ceil(extent / tiles) of the layers' extents. Every way to deal out the ports is among them.
"""

from collections.abc import Collection

import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.multi_fpga.board import Board
from dna_jax.hardware.multi_fpga.layer import BoardDesigns, block_rams, dsp_slices


def tile_sizes(extents: Collection[int]) -> np.ndarray:
    """All ceil(extent / tiles), ascending, int[n]."""
    return np.unique([-(-extent // tiles) for extent in extents for tiles in range(1, extent + 1)])


def port_splits(board: Board) -> np.ndarray:
    """Words a cycle of inputs, weights and outputs, int[n, 3]: every way to give each at least a port, none left over."""
    parts = [
        (inputs, weights, board.ports - inputs - weights)
        for inputs in range(1, board.ports - 1)
        for weights in range(1, board.ports - inputs)
    ]
    return np.array(parts) * board.words_per_port


def board_designs(board: Board, outputs: Collection[int], inputs: Collection[int], sizes: Collection[int]) -> BoardDesigns:
    """Designs within the limits of a board, for 1x1 kernels at least, those of fewer DSP slices first.

    Args:
      board: with its limits.
      outputs, inputs: channels that layers may have.
      sizes: sides of square output maps that layers may have; rows and columns are alike, so that of a tile and the one
        that lies across it only one is kept.

    Raises:
      ValueError: if the smallest design exceeds the limits.
    """
    sides, splits = tile_sizes(sizes), port_splits(board)
    axes = np.meshgrid(tile_sizes(outputs), tile_sizes(inputs), sides, sides, np.arange(len(splits)), indexing="ij")
    tm, tn, rows, columns, split = (axis.ravel() for axis in axes)
    kept = (rows <= columns) & (tm * tn * board.dsp_per_multiplier <= board.dsp)
    words = splits[split[kept]]
    designs = BoardDesigns(
        *(jnp.asarray(axis[kept], jnp.float32) for axis in (tm, tn, rows, columns)),
        *(jnp.asarray(words[:, operand], jnp.float32) for operand in range(3)),
    )
    slices = np.asarray(dsp_slices(designs, board))
    fits = (np.asarray(block_rams(jnp.ones(()), designs, board)) <= board.bram) & (slices <= board.dsp)
    if not fits.any():
        raise ValueError(f"No design fits the board {board.name}: {board.dsp} DSP slices, {board.bram} blocks.")
    order = np.argsort(slices, kind="stable")
    where = order[fits[order]]
    return BoardDesigns(**{name: values[where] for name, values in vars(designs).items()})
