"""The best pipeline of boards for a network: which layers go to which board, and the design of every board.

Layers stay in order, each board takes some that follow one another and computes one after the other; the boards work on
successive images side by side, so that the slowest sets the throughput. Every design is priced for every run of layers,
which leaves the least cycles of a run with so many DSP slices. How the layers are then dealt out is a shortest path for
every number of cycles that the slowest board may take.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.errors import OutOfReachError
from dna_jax.hardware.multi_fpga.board import Board
from dna_jax.hardware.multi_fpga.dealing import deal_out
from dna_jax.hardware.multi_fpga.layer import (
    BoardDesigns,
    Convolutions,
    activation_blocks,
    convolutions,
    cycles,
    dsp_slices,
    weight_blocks,
)
from dna_jax.hardware.multi_fpga.pipeline import Pipeline, Stage
from dna_jax.workload import Layer

_ROUNDING = 1e-6
"""Share by which sums of cycles in single precision may differ from what they should be: no throughput is missed by less."""


@functools.partial(jax.jit, static_argnames=("board", "levels"))
def _least_cycles(
    layers: Convolutions, designs: BoardDesigns, level: jax.Array, board: Board, levels: int
) -> tuple[jax.Array, jax.Array]:
    """For every run of layers and every number of DSP slices the least cycles of a board.

    Args:
      level: of each design, which of the numbers of slices it has, int[D], ascending.
      levels: numbers of slices there are.

    Returns:
      Cycles of the run from layer i to layer j with level k, and index of the design, [L, L, levels]; infinite where j < i
      or nothing fits.
    """
    each = jax.vmap(cycles, in_axes=(0, None))(layers, designs)
    count, size = each.shape
    blocks = weight_blocks(layers.taps, board)
    multipliers, activations = designs.outputs * designs.inputs, activation_blocks(designs, board)
    best_of = functools.partial(jax.ops.segment_min, segment_ids=level, num_segments=levels, indices_are_sorted=True)

    def runs_from(first: jax.Array) -> tuple[jax.Array, jax.Array]:
        def longer(carried, last):
            total, largest = carried
            total = total + jnp.where(last >= first, each[last], 0)
            largest = jnp.maximum(largest, jnp.where(last >= first, blocks[last], 0))
            fits = (activations + multipliers * largest <= board.bram) & (last >= first)
            value = jnp.where(fits, total, jnp.inf)
            least = best_of(value)
            return (total, largest), (least, best_of(jnp.where(value <= least[level], jnp.arange(size), size - 1)))

        start = (jnp.zeros(size), jnp.zeros(()))
        return jax.lax.scan(longer, start, jnp.arange(count))[1]

    return jax.lax.map(runs_from, jnp.arange(count))


def best_pipeline(
    layers: Sequence[Layer], designs: BoardDesigns, board: Board, boards: int, images_per_second: float
) -> Pipeline:
    """The most efficient pipeline of those that take at least so many images a second; the fastest where none does.

    Of equally efficient ones the fastest, and of equally fast ones the most efficient. Exact over tiles, ports and
    partitions where `designs` are those of `board_designs` for channels and sizes of these layers.

    Args:
      boards: at most so many.
      images_per_second: required; infinite asks for the fastest.

    Raises:
      ValueError: if designs are not in the order of their DSP slices, in which `board_designs` has them.
      OutOfReachError: if no design has the block RAMs for a layer.
    """
    slices, level = np.unique(np.asarray(dsp_slices(designs, board)), return_inverse=True)
    if np.any(np.diff(level) < 0):
        raise ValueError("Designs must be in the order of their DSP slices, as those of board_designs are.")
    least, chosen = (
        np.asarray(x) for x in _least_cycles(convolutions(layers), designs, jnp.asarray(level), board, len(slices))
    )
    fastest = deal_out(least.min(axis=-1)[None], boards, np.maximum).cost[0]
    if not np.isfinite(fastest):
        raise OutOfReachError(f"No design of the board {board.name} has the block RAMs for every layer.")
    # What the slowest board may take: nothing between two values that some run of layers takes makes a difference.
    limits = np.unique(least[np.isfinite(least) & (least >= fastest)])
    allowed = limits[limits <= board.clock_hz / images_per_second * (1 + _ROUNDING)]
    limits = allowed if len(allowed) else limits[:1]
    # Of each run the first number of slices with which it takes no more, [limits, L, L]; one past the last if there is none.
    descending = np.minimum.accumulate(least, axis=-1)
    fewest = np.apply_along_axis(lambda run: np.searchsorted(-run, -limits), -1, descending)
    fewest = np.moveaxis(fewest, -1, 0)
    dealt = deal_out(np.append(slices, np.inf)[fewest], boards, np.add)
    best = int(np.argmin(limits.astype(np.float64) * dealt.cost))
    return Pipeline(
        board,
        tuple(
            _stage(layers[first : last + 1], designs, int(chosen[first, last, fewest[best, first, last]]), board)
            for first, last in dealt.runs(best)
        ),
    )


def _stage(layers: Sequence[Layer], designs: BoardDesigns, index: int, board: Board) -> Stage:
    design = BoardDesigns(**{name: values[index] for name, values in vars(designs).items()})
    arrays = convolutions(layers)
    bram = activation_blocks(design, board) + design.outputs * design.inputs * jnp.max(weight_blocks(arrays.taps, board))
    return Stage(
        layers=tuple(layer.name for layer in layers),
        macs=sum(layer.macs for layer in layers),
        cycles=float(jnp.sum(cycles(arrays, design))),
        dsp=int(dsp_slices(design, board)),
        bram=int(bram),
        tile=(int(design.outputs), int(design.inputs), int(design.rows), int(design.columns)),
        words=(float(design.input_words), float(design.weight_words), float(design.output_words)),
    )
