"""Every design of a chunk priced for the layers it runs, and its Pareto front in cycles, DSP slices and block RAMs."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import moocore
import numpy as np

from dna_jax.hardware.fpga import ChunkDesign, Model, chunk_cost, chunk_layers
from dna_jax.spaces import KNOBS, Chunk, Design, Space, knob_name, tile_and_unrolled
from dna_jax.workload import Layer

_price = jax.jit(chunk_cost, static_argnames=("depthwise", "parallel", "model"))


@dataclasses.dataclass(frozen=True)
class ChunkDesigns:
    """All designs of a chunk.

    Attributes:
      chunk: which.
      modes: its compute modes.
      knobs: options "tile/unrolled" of the KNOBS, in order.
      costs: cycles per image, DSP slices, block RAMs, float64[D, 3]; modes one after another, the last knob varies fastest.
    """

    chunk: Chunk
    modes: tuple[str, ...]
    knobs: tuple[tuple[str, ...], ...]
    costs: np.ndarray

    def design(self, row: int) -> Design:
        """The decisions of a row."""
        mode, *indices = np.unravel_index(row, (len(self.modes), *map(len, self.knobs)))
        chosen: Design = {knob_name(self.chunk, "parallel"): self.modes[int(mode)]}
        for knob, options, index in zip(KNOBS, self.knobs, indices, strict=True):
            # A depthwise chunk has no such decision.
            if not (self.chunk.depthwise and knob == "inputs"):
                chosen[knob_name(self.chunk, knob)] = options[int(index)]
        return chosen

    def front(self) -> np.ndarray:
        """Rows than which no other is better in one cost and no worse in the others, by cycles; of equal ones, one."""
        order = np.lexsort(self.costs.T[::-1])
        ordered = self.costs[order]
        # Of equal ones the first in the list of designs; eight times as fast as `np.unique` along an axis.
        rows = order[np.concatenate([[True], np.any(ordered[1:] != ordered[:-1], axis=1)])]
        rows = rows[moocore.is_nondominated(self.costs[rows])]
        return rows[np.argsort(self.costs[rows, 0], kind="stable")]


def chunk_options(space: Space, chunk: Chunk) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Compute modes and, by KNOBS, pairs "tile/unrolled" that a space leaves to a chunk."""

    def left(knob: str) -> tuple[str, ...]:
        return tuple(map(str, space.allowed(knob_name(chunk, knob))))

    modes = left("parallel")
    knobs = tuple(("1/1",) if chunk.depthwise and knob == "inputs" else left(knob) for knob in KNOBS)
    return modes, knobs


def _grid(knobs: Sequence[tuple[str, ...]]) -> np.ndarray:
    """All combinations of pairs "tile/unrolled", float64[8, D]: four tiles, then four unrolled parts."""
    pairs = [np.array([tile_and_unrolled(option) for option in options], float) for options in knobs]
    index = np.meshgrid(*(np.arange(len(pair)) for pair in pairs), indexing="ij")
    return np.stack([pair[i.ravel(), side] for side in (0, 1) for pair, i in zip(pairs, index, strict=True)])


def price_chunk_designs(
    chunk: Chunk, layers: Sequence[Layer], space: Space, model: Model, times: Sequence[float] | None = None
) -> ChunkDesigns:
    """Price every design of a chunk, in float64.

    Args:
      chunk: which.
      layers: that it runs, at least one.
      space: of the pipeline, with what is fixed.
      model: "released" or "corrected".
      times: how often each layer is expected; once by default.
    """
    modes, knobs = chunk_options(space, chunk)
    with jax.enable_x64(True):
        work = chunk_layers(layers, jnp.float64, times=times)
        sizes = ChunkDesign(*map(jnp.asarray, _grid(knobs)))
        priced = [_price(work, sizes, chunk.depthwise, mode, model) for mode in modes]
        costs = [np.stack([cost.cycles, cost.dsp, cost.bram], axis=1) for cost in priced]
    return ChunkDesigns(chunk, modes, knobs, np.concatenate(costs))
