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
class Front:
    """The Pareto front of a chunk.

    Attributes:
      costs: cycles per image, DSP slices, block RAMs, float64[F, 3], by cycles.
      designs: decisions of the chunk, F.
      enumerated: designs it was chosen from.
    """

    costs: np.ndarray
    designs: tuple[Design, ...]
    enumerated: int


def pareto_rows(costs: np.ndarray) -> np.ndarray:
    """Rows of [D, 3] than which none is better in one cost and no worse in the others, by the first; equal ones once."""
    order = np.lexsort(costs.T[::-1])
    ordered = costs[order]
    # Of equal ones the first in the list of designs; eight times as fast as `np.unique` along an axis.
    rows = order[np.concatenate([[True], np.any(ordered[1:] != ordered[:-1], axis=1)])]
    rows = rows[moocore.is_nondominated(costs[rows])]
    return rows[np.argsort(costs[rows, 0], kind="stable")]


@dataclasses.dataclass(frozen=True)
class DesignGrid:
    """All designs of a chunk: compute modes one after another, the last knob varies fastest.

    Attributes:
      chunk: which.
      modes: its compute modes.
      knobs: options "tile/unrolled" of the KNOBS, in order.
    """

    chunk: Chunk
    modes: tuple[str, ...]
    knobs: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, space: Space, chunk: Chunk) -> "DesignGrid":
        """Those that a space leaves to a chunk."""

        def left(knob: str) -> tuple[str, ...]:
            return tuple(map(str, space.allowed(knob_name(chunk, knob))))

        # A depthwise chunk has no tiles of inputs.
        knobs = tuple(("1/1",) if chunk.depthwise and knob == "inputs" else left(knob) for knob in KNOBS)
        return cls(chunk, left("parallel"), knobs)

    def sizes(self) -> ChunkDesign:
        """Tiles, and what is unrolled of them, of one mode: float64[D / modes] each where 64-bit numbers are enabled."""
        pairs = [np.array([tile_and_unrolled(option) for option in options], float) for options in self.knobs]
        index = np.meshgrid(*(np.arange(len(pair)) for pair in pairs), indexing="ij")
        return ChunkDesign(
            *(jnp.asarray(pair[i.ravel(), side]) for side in (0, 1) for pair, i in zip(pairs, index, strict=True))
        )

    def design(self, row: int) -> Design:
        """The decisions of a row."""
        mode, *indices = np.unravel_index(row, (len(self.modes), *map(len, self.knobs)))
        chosen: Design = {knob_name(self.chunk, "parallel"): self.modes[int(mode)]}
        for knob, options, index in zip(KNOBS, self.knobs, indices, strict=True):
            if not (self.chunk.depthwise and knob == "inputs"):
                chosen[knob_name(self.chunk, knob)] = options[int(index)]
        return chosen


def price_chunk_designs(
    chunk: Chunk, layers: Sequence[Layer], space: Space, model: Model, times: Sequence[float] | None = None
) -> np.ndarray:
    """Cycles per image, DSP slices and block RAMs of every design of a chunk, float64[D, 3], as `DesignGrid.of` orders them.

    Args:
      chunk: which.
      layers: that it runs, at least one.
      space: of the pipeline, with what is fixed.
      model: "released" or "corrected".
      times: how often each layer is expected; once by default.
    """
    grid = DesignGrid.of(space, chunk)
    with jax.enable_x64(True):
        work, sizes = chunk_layers(layers, jnp.float64, times=times), grid.sizes()
        priced = [_price(work, sizes, chunk.depthwise, mode, model) for mode in grid.modes]
        return np.concatenate([np.stack([cost.cycles, cost.dsp, cost.bram], axis=1) for cost in priced])


def chunk_front(
    chunk: Chunk, layers: Sequence[Layer], space: Space, model: Model, times: Sequence[float] | None = None
) -> Front:
    """The front of all designs of a chunk; arguments as in `price_chunk_designs`."""
    costs, grid = price_chunk_designs(chunk, layers, space, model, times), DesignGrid.of(space, chunk)
    rows = pareto_rows(costs)
    return Front(costs[rows], tuple(map(grid.design, rows)), len(costs))
