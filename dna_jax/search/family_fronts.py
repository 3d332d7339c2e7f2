"""Fronts of a chunk for any network of a family, from the few designs that are enough for all of them.

A chunk takes the cycles of its layers one after another, and the DSP slices and block RAMs of the layer that needs most. So
a design is never needed if another takes no more of any of the three for any layer that the chunk may get: whatever layers
a network has, and however often, the other is as good. Of up to 67,500 designs of a chunk ten to a few hundred remain.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.fpga import ChunkDesign, FpgaLayers, Model, allocate, chunk_layers, cost_on_chunk, layer_counts
from dna_jax.search.chunk_designs import DesignGrid, Front, pareto_rows
from dna_jax.spaces import Chunk, Design, Space, boundary_name
from dna_jax.workload import Layer


@functools.partial(jax.jit, static_argnames=("depthwise", "parallel", "model"))
def _layer_costs(layers: FpgaLayers, design: ChunkDesign, depthwise: bool, parallel: str, model: Model) -> jax.Array:
    """Cycles, DSP slices and block RAMs of layers [L] on designs [D], [3, D, L]."""
    cost = cost_on_chunk(layers, jax.tree.map(lambda leaf: leaf[:, None], design), depthwise, parallel, model)
    shape = design.rows.size, layers.rows.size
    return jnp.stack([jnp.broadcast_to(part, shape) for part in (cost.cycles, cost.dsp, cost.bram)])


def _distinct_columns(table: np.ndarray) -> np.ndarray:
    """[D, L] with equal columns once."""
    return np.stack(list({column.tobytes(): column for column in np.ascontiguousarray(table.T)}.values()), axis=1)


def unbeaten_rows(costs: np.ndarray) -> np.ndarray:
    """Rows of [D, C], positive, that may be needed: every other one is matched or undercut in all columns by one of them.

    Of equal rows it is the first. In ascending order.
    """
    left = np.argsort(np.sum(costs / np.max(costs, axis=0), axis=1), kind="stable")
    kept = []
    while len(left):
        # None that is left has a smaller sum, so that none beats it.
        kept.append(left[0])
        left = left[np.any(costs[left] < costs[left[0]], axis=1)]
    return np.sort(np.array(kept, int))


@dataclasses.dataclass(frozen=True)
class EnoughDesigns:
    """The designs of a chunk that are enough for every network of a family.

    Attributes:
      designs: decisions of the chunk, F.
      costs: cycles, DSP slices and block RAMs of every layer, of one group, float64[3, F, L].
      columns: position of a distinct layer, a key of `layer_counts`, among the L.
      enumerated: designs they were chosen from.
    """

    designs: tuple[Design, ...]
    costs: np.ndarray
    columns: Mapping[tuple[int, ...], int]
    enumerated: int

    def front(self, counts: Mapping[tuple[int, ...], float]) -> Front:
        """Of the layers of one network, by how often each comes."""
        cycles, dsp, bram = self.costs[:, :, [self.columns[layer] for layer in counts]]
        costs = np.stack([cycles @ np.array(list(counts.values())), dsp.max(axis=1), bram.max(axis=1)], axis=1)
        rows = pareto_rows(costs)
        return Front(costs[rows], tuple(self.designs[row] for row in rows), self.enumerated)


def enough_designs(chunk: Chunk, layers: Sequence[Layer], space: Space, model: Model) -> EnoughDesigns:
    """The designs of a chunk that are enough for all networks with some of these layers.

    Args:
      chunk: which.
      layers: that it may get, at least one.
      space: of the pipeline, with what is fixed.
      model: "released" or "corrected".
    """
    grid, distinct = DesignGrid.of(space, chunk), layer_counts(layers)
    with jax.enable_x64(True):
        work, sizes = chunk_layers(layers, jnp.float64).layers, grid.sizes()
        priced = [np.asarray(_layer_costs(work, sizes, chunk.depthwise, mode, model)) for mode in grid.modes]
    # What only pads comes last.
    costs = np.concatenate(priced, axis=1)[:, :, : len(distinct)]
    cycles, dsp, bram = costs
    # Few layers differ in what they need, most in their cycles.
    rows = unbeaten_rows(np.concatenate([cycles, _distinct_columns(dsp), _distinct_columns(bram)], axis=1))
    columns = {layer: column for column, layer in enumerate(distinct)}
    return EnoughDesigns(tuple(map(grid.design, rows)), costs[:, rows], columns, costs.shape[1])


class FamilyFronts:
    """Fronts of chunks for networks of one family; what is the same for all of them is priced when it is first needed."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        """Of all networks that have some of these layers."""
        self._layers = list(dict.fromkeys(layers))
        self._made: dict[tuple[object, ...], EnoughDesigns | None] = {}

    def _enough(self, chunk: Chunk, boundary: int, space: Space, model: Model) -> EnoughDesigns | None:
        """None if no network of the family has a layer for the chunk."""
        key = chunk, boundary, DesignGrid.of(space, chunk), model
        if key not in self._made:
            possible = allocate(self._layers, {boundary_name(depthwise): boundary for depthwise in (False, True)})
            self._made[key] = enough_designs(chunk, possible[chunk], space, model) if chunk in possible else None
        return self._made[key]

    def front(
        self,
        chunk: Chunk,
        boundary: int,
        layers: Sequence[Layer],
        space: Space,
        model: Model,
        times: Sequence[float] | None = None,
    ) -> Front:
        """The front of a chunk.

        Args:
          chunk: which.
          boundary: of maps that are large, in its kind of layers.
          layers: of one network, those that the chunk runs under this boundary.
          space: of the pipeline, with what is fixed.
          model: "released" or "corrected".
          times: how often each layer is expected; once by default.

        Raises:
          ValueError: if no network of the family has one of the layers on this chunk.
        """
        enough, counts = self._enough(chunk, boundary, space, model), layer_counts(layers, times)
        if enough is None or not counts.keys() <= enough.columns.keys():
            raise ValueError(f"No network of the family has all of these layers on the chunk {chunk.name}.")
        return enough.front(counts)
