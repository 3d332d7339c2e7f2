"""The best pipeline of boards for a network: which layers go to which board, and the design of every board.

Layers stay in order, each board takes some that follow one another and computes one after the other; the boards work on
successive images side by side, so that the slowest sets the throughput. Every design is priced for every run of layers
(`board_designs` loses none that could be best); how the layers are then dealt out is two shortest-path problems: first the
least cycles of the slowest board, then the fewest DSP slices among all pipelines that take no more.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.errors import OutOfReachError
from dna_jax.hardware.multi_fpga.board import Board
from dna_jax.hardware.multi_fpga.layer import (
    BoardDesigns,
    Convolutions,
    activation_blocks,
    convolutions,
    cycles,
    dsp_slices,
    weight_blocks,
)
from dna_jax.workload import Layer

_ROUNDING = 1e-6
"""Share by which sums of cycles in single precision may differ between two compiled programs."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """One board of a pipeline.

    Attributes:
      layers: their names, in order.
      macs: of these layers for an image.
      cycles: for an image.
      dsp, bram: slices and blocks in use.
      tile: Tm, Tn, Tr and Tc.
      words: read or written in a cycle, of inputs, weights and outputs.
    """

    layers: tuple[str, ...]
    macs: int
    cycles: float
    dsp: int
    bram: int
    tile: tuple[int, int, int, int]
    words: tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """A pipeline of boards and what it does.

    Attributes:
      board: what each stage runs on.
      stages: in order.
    """

    board: Board
    stages: tuple[Stage, ...]

    @property
    def cycles(self) -> float:
        """Between two images: those of the slowest board."""
        return max(stage.cycles for stage in self.stages)

    @property
    def images_per_second(self) -> float:
        """Throughput."""
        return self.board.clock_hz / self.cycles

    @property
    def dsp(self) -> int:
        """Slices in use on all boards."""
        return sum(stage.dsp for stage in self.stages)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an image."""
        return sum(stage.macs for stage in self.stages)

    @property
    def efficiency(self) -> float:
        """Share of the multipliers' cycles that are multiply-accumulates of the network, of all multipliers in use on all
        boards: MACs / (cycles of the slowest board * multipliers). What waits for the slowest board or for memory lowers it,
        and so does a tile that sticks out of its layer; boards count by their multipliers."""
        return self.macs / (self.cycles * self.dsp / self.board.dsp_per_multiplier)

    @property
    def gops_per_board(self) -> float:
        """10^9 operations a second (a multiply-accumulate is two) for each board that is powered. In place of operations a
        joule, of which this is the part that depends on a design where every board draws the same power."""
        return 2e-9 * self.macs * self.images_per_second / len(self.stages)

    @property
    def balance(self) -> float:
        """Mean over boards of the share of time in which they are busy, whether they compute or wait for memory."""
        return sum(stage.cycles for stage in self.stages) / (self.cycles * len(self.stages))


@functools.partial(jax.jit, static_argnames="board")
def _least(
    layers: Convolutions, designs: BoardDesigns, board: Board, most_cycles: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """For every run of layers the least cycles of a board, or without a limit on cycles the fewest DSP slices.

    Returns:
      Value and index of the design for the run from layer i to layer j, [L, L]; infinite where j < i or nothing fits.
    """
    each = jax.vmap(cycles, in_axes=(0, None))(layers, designs)
    count = each.shape[0]
    blocks = weight_blocks(layers.taps, board)
    multipliers, activations = designs.outputs * designs.inputs, activation_blocks(designs, board)
    slices = dsp_slices(designs, board)

    def runs_from(first: jax.Array) -> tuple[jax.Array, jax.Array]:
        def longer(carried, last):
            total, largest = carried
            total = total + jnp.where(last >= first, each[last], 0)
            largest = jnp.maximum(largest, jnp.where(last >= first, blocks[last], 0))
            fits = activations + multipliers * largest <= board.bram
            if most_cycles is None:
                value = total
            else:
                fits &= total <= most_cycles * (1 + _ROUNDING)
                value = slices
            value = jnp.where(fits & (last >= first), value, jnp.inf)
            best = jnp.argmin(value)
            return (total, largest), (value[best], best)

        start = (jnp.zeros_like(slices), jnp.zeros(()))
        return jax.lax.scan(longer, start, jnp.arange(count))[1]

    return jax.lax.map(runs_from, jnp.arange(count))


def deal_out(cost: np.ndarray, boards: int, join: Callable[[float, float], float]) -> tuple[float, list[tuple[int, int]]]:
    """Layers dealt out to boards in order, at least cost.

    Args:
      cost: of a board with the layers from i to j, [L, L]; infinite where there is none.
      boards: at most so many; fewer where they are as good.
      join: cost of two parts together, not decreasing in either: `max` or a sum.

    Returns:
      The cost, and of each board its first and last layer; infinite and no boards if nothing is possible.
    """
    count = len(cost)
    best, runs = float("inf"), []
    # Of the first `last + 1` layers on so many boards: their cost, and the runs of layers.
    parts: list[tuple[float, list[tuple[int, int]]]] = [(cost[0, last], [(0, last)]) for last in range(count)]
    for _ in range(boards):
        if parts[-1][0] < best:
            best, runs = parts[-1]
        parts = [
            min(
                (
                    (join(parts[first - 1][0], cost[first, last]), [*parts[first - 1][1], (first, last)])
                    for first in range(1, last + 1)
                ),
                default=(float("inf"), []),
            )
            for last in range(count)
        ]
    return float(best), runs


def best_pipeline(layers: Sequence[Layer], designs: BoardDesigns, board: Board, boards: int) -> Pipeline:
    """The pipeline of most images a second on at most so many boards, and of those the one of fewest DSP slices.

    Exact over tiles and partitions where `designs` are those of `board_designs` for channels and sizes of these layers.

    Raises:
      OutOfReachError: if no design has the block RAMs for a layer.
    """
    arrays = convolutions(layers)
    fastest = np.asarray(_least(arrays, designs, board, None)[0], np.float64)
    slowest_cycles, _ = deal_out(fastest, boards, max)
    if not np.isfinite(slowest_cycles):
        raise OutOfReachError(f"No design of the board {board.name} has the block RAMs for every layer.")
    slices, chosen = (np.asarray(x) for x in _least(arrays, designs, board, jnp.asarray(slowest_cycles, jnp.float32)))
    _, runs = deal_out(slices.astype(np.float64), boards, lambda one, other: one + other)
    return Pipeline(
        board, tuple(_stage(layers[first : last + 1], designs, int(chosen[first, last]), board) for first, last in runs)
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
