"""What every layer costs on chunks under every style and schedule.

Of the whole chunk only the link to DRAM changes with the bandwidth: `price_mappings` prices all mappings but for it, and
`choose` adds it and takes the best, so that other bandwidths cost next to nothing.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware import surrogate
from dna_jax.hardware.candidates import CandidateSet, Objective
from dna_jax.hardware.loopnest import nest_cost
from dna_jax.hardware.mapper import cut, unroll
from dna_jax.hardware.templates.asic_chunk import CLOCK_HZ, chunk_architecture
from dna_jax.hardware.templates.asic_chunk_mappings import PER_SCHEDULE, chunk_candidates
from dna_jax.spaces import Point
from dna_jax.spaces.asic_pipeline import SCHEDULES, STYLES
from dna_jax.workload import Workload


@struct.dataclass
class MappingTable:
    """Costs of layers on one chunk under all mappings, [L, styles, schedules but "auto", mappings].

    Attributes:
      chip_cycles: of arithmetic and all ports on the chip, the longest.
      link_bytes: over the link to DRAM.
      energy_pj, overflow_bytes: as in `LayerCost`, all levels together.
      area_mm2: of the chunk, scalar.
    """

    chip_cycles: jax.Array
    link_bytes: jax.Array
    energy_pj: jax.Array
    overflow_bytes: jax.Array
    area_mm2: jax.Array


@struct.dataclass
class ChoiceTable:
    """Costs of layers on one chunk by style and schedule, [L, styles, schedules].

    Attributes:
      milliseconds, millijoules: of one instance of a layer.
      overflow_kib: by which its tiles exceed memories.
    """

    milliseconds: jax.Array
    millijoules: jax.Array
    overflow_kib: jax.Array


def price_mappings(layers: Workload, point: Point) -> MappingTable:
    """Costs of all mappings of layers on one chunk.

    One part of the program prices all mappings. With a part for each it would run five times as fast and compile seven
    times as long, which pays after a thousand steps.

    Args:
      layers: [L].
      point: of ARCHITECTURE_KNOBS, by their plain names.
    """
    architecture = chunk_architecture(point, jnp.ones((), layers.bounds.dtype), layers.bounds.dtype)

    candidates = CandidateSet(tuple(pair for style in STYLES for pair in chunk_candidates(style).pairs))
    # Written out side by side, for it is elementwise: layers, then mappings.
    layer = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1)[..., None], layers)
    spatial, remaining = unroll(layer, architecture, candidates)
    temporal = cut(layer, architecture, candidates, spatial, remaining)
    cost = nest_cost(layer, architecture, temporal, spatial, candidates.order)
    *ports, link = cost.level_cycles
    chip = surrogate.largest([cost.compute_cycles + cost.exposed_cycles, *ports])
    overflow = functools.reduce(jnp.add, cost.overflow_bytes)
    shape = (len(layers.bounds), len(STYLES), len(SCHEDULES) - 1, PER_SCHEDULE)
    columns = (
        jnp.broadcast_to(column, (shape[0], candidates.size)).reshape(shape)
        for column in (chip, link, cost.energy_pj, overflow)
    )
    return MappingTable(*columns, area_mm2=architecture.total_area_mm2)


def what_counts(objective: Objective) -> np.ndarray:
    """Whether cycles, and whether energy, count for an objective of the mapper, bool[2]: data, so programs serve all."""
    return np.array([objective != "energy", objective != "latency"])


def choose(table: MappingTable, dram_bytes: jax.Array, counts: jax.Array | np.ndarray) -> ChoiceTable:
    """The best mapping of each schedule, and for "auto" the best of those; the rule is that of the mapper.

    Args:
      table: of one chunk.
      dram_bytes: bytes/cycle that the chunk has of the link to DRAM.
      counts: `what_counts` for the objective of the mapper.
    """
    cycles = surrogate.largest([table.chip_cycles, table.link_bytes / dram_bytes])
    misfit = jnp.where(table.overflow_bytes > 0, 1e6 * (1 + table.overflow_bytes), 1)
    merit = jnp.where(counts[0], cycles, 1) * jnp.where(counts[1], table.energy_pj, 1) * misfit

    def least(merit: jax.Array, cycles: jax.Array, energy: jax.Array, overflow: jax.Array) -> tuple[jax.Array, ...]:
        return surrogate.take_least(merit, energy, (merit, cycles, energy, overflow))[1]

    for_schedule = least
    for _ in range(cycles.ndim - 1):
        for_schedule = jax.vmap(for_schedule)
    named = for_schedule(merit, cycles, table.energy_pj, table.overflow_bytes)
    automatic = jax.vmap(jax.vmap(least))(*named)
    _, cycles, energy, overflow = (
        jnp.concatenate([best[..., None], each], axis=-1) for best, each in zip(automatic, named, strict=True)
    )
    return ChoiceTable(cycles * (1e3 / CLOCK_HZ), energy * 1e-9, overflow / 1024)
