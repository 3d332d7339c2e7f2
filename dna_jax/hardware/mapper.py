"""The mapper: from a layer and an architecture to the best of a template's candidate mappings, inside jit.

A template lists how its fan-outs may be used (`SpatialChoice`) and in which order tiles grow and loops run (`Schedule`).
For each such candidate the mapper unrolls dimensions over the fan-outs, then grows the tile of each memory level from the
inside out until the level is full, so that memory sizes act on traffic through a formula with a gradient. The candidate
with the fewest cycles (or the least energy, or the least product of both) is taken, among equals the one with the least
energy.

Gradient descent on continuous factors with rounding (Hong et al., MICRO 2023) was measured beside it
(`experiments.benchmark_mapper`, NAHAS edge template): in 190 times the time of these candidates its mappings take 4 % longer
than theirs, in 1,900 times 3 %.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware import surrogate
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet
from dna_jax.hardware.footprint import footprint, growth_slope
from dna_jax.hardware.loopnest import LayerCost, nest_cost
from dna_jax.hardware.mapping import Mapping
from dna_jax.hardware.nest import Factor
from dna_jax.workload import DIMENSIONS, OPERANDS, Workload, as_matrix_product


@struct.dataclass
class LayerPrice:
    """The part of a `LayerCost` that a search needs, of the chosen mapping.

    Attributes:
      cycles, energy_pj: of one instance of the layer.
      overflow_bytes: by how much the tiles exceed a level, V arrays; 0 where they fit.
    """

    cycles: jax.Array
    energy_pj: jax.Array
    overflow_bytes: list[jax.Array]


@struct.dataclass
class MappedLayer:
    """The chosen mapping of a layer and what it costs."""

    cost: LayerCost
    mapping: Mapping


CycleModel = Callable[[Workload, Architecture, MappedLayer], jax.Array]
"""From one layer, its accelerator and its mapping with the analytical cost to the cycles that it takes; differentiable. It
is part of the compiled program, known by its identity."""


@dataclasses.dataclass(frozen=True)
class _Choice:
    """All candidate mappings of a layer, and which is the best.

    Attributes:
      temporal, spatial: V x 8 and F x 8 factors, each [candidates].
      cost: of every candidate.
      index: of the best.
      price: of the best.
    """

    temporal: list[list[Factor]]
    spatial: list[list[Factor]]
    cost: LayerCost
    index: jax.Array
    price: LayerPrice


def _stored_bytes(elements: Sequence[Factor], width: Sequence[Factor]) -> Factor:
    """Bytes of the operands' elements; operands of a width of 0.0 are not stored."""
    return functools.reduce(jnp.add, [a * b for a, b in zip(elements, width, strict=True) if not isinstance(b, float)])


def _only(mask: np.ndarray, factor: Factor, otherwise: Factor) -> Factor:
    return factor if mask.all() else jnp.where(mask, factor, otherwise)


def unroll(
    layer: Workload, architecture: Architecture, candidates: CandidateSet
) -> tuple[list[list[Factor]], list[jax.Array]]:
    """Spatial factors F x 8 of every candidate, and what remains of each loop bound (8 arrays).

    A fan-out is never filled past its size, nor a dimension past its bound; what remains is rounded up.
    """
    remaining: list[jax.Array] = [layer.bounds[d] for d in range(len(DIMENSIONS))]
    factors: list[list[Factor]] = []
    for fanout in range(len(architecture.fanout_names)):
        room: jax.Array = architecture.fanout_size[fanout]
        used: list[Factor] = [1.0] * len(DIMENSIONS)
        steps = max(len(choice.fanouts[fanout]) for choice, _ in candidates.pairs)
        for step in range(steps):
            taken: Factor = 1.0
            for dimension, mask in candidates.fills(fanout, step).items():
                fit = surrogate.largest_divisor if candidates.divisors else surrogate.minimum
                factor = _only(mask, fit(*jnp.broadcast_arrays(remaining[dimension], room)), 1.0)
                used[dimension] = used[dimension] * factor
                remaining[dimension] = surrogate.ceil(remaining[dimension] / factor)
                taken = taken * factor
            if step + 1 < steps:
                room = jnp.maximum(surrogate.floor(room / taken), 1)
        factors.append(used)
    return factors, remaining


def _limiting(architecture: Architecture, level: int) -> list[int]:
    """Memories that limit a tile at a level: its own, and those further out that hold what the level does not."""
    further = range(level + 1, len(architecture.holds) - 1)
    return [level, *(upper for upper in further if set(architecture.holds[upper]) - set(architecture.holds[level]))]


def _growth_limit(
    layer: Workload, architecture: Architecture, memory: int, tile: Sequence[Factor], growing: dict[int, np.ndarray]
) -> jax.Array:
    """How many times its extent a dimension of the tile held in a memory may grow, of each candidate its own dimension."""
    width = [layer.bits[0] / 8, layer.bits[1] / 8, layer.partial_bits / 8]
    stored = [width[o] if name in architecture.holds[memory] else 0.0 for o, name in enumerate(OPERANDS)]
    within = [jnp.minimum(extent, layer.bounds[d]) for d, extent in enumerate(tile)]
    elements = footprint(within, layer, architecture.whole_rows)
    slope: Factor = 1.0
    for dimension, mask in growing.items():
        gains = growth_slope(within, layer, elements, dimension, architecture.whole_rows)
        slope = _only(mask, _stored_bytes(gains, stored), slope)
    left = architecture.usable_bytes[memory] - _stored_bytes(elements, stored)
    # What a memory does not store costs it nothing.
    return jnp.maximum(jnp.where(slope > 0, 1 + left / jnp.where(slope > 0, slope, 1), jnp.inf), 1)


def cut(
    layer: Workload,
    architecture: Architecture,
    candidates: CandidateSet,
    spatial: list[list[Factor]],
    remaining: Sequence[jax.Array],
) -> list[list[Factor]]:
    """Temporal factors V x 8 of every candidate: each level's tile as large as it fits, the rest at the last level."""
    trips: list[Factor] = list(remaining)
    tile: list[Factor] = [1.0] * len(DIMENSIONS)
    temporal: list[list[Factor]] = []
    for level in range(len(architecture.holds) - 1):
        beyond: dict[int, list[Factor]] = {level: [1.0] * len(DIMENSIONS)}
        for fanout, above in enumerate(architecture.fanout_level):
            if above == level:
                tile = [a * b for a, b in zip(tile, spatial[fanout], strict=True)]
        for memory in _limiting(architecture, level)[1:]:
            between = [spatial[f] for f, above in enumerate(architecture.fanout_level) if level < above <= memory]
            beyond[memory] = [math.prod([row[d] for row in between], start=1.0) for d in range(len(DIMENSIONS))]
        factors: list[Factor] = [1.0] * len(DIMENSIONS)
        for dimension, mask in candidates.takes_whole(level).items():
            taken = _only(mask, trips[dimension], 1.0)
            tile[dimension] = tile[dimension] * taken
            factors[dimension] = factors[dimension] * taken
            trips[dimension] = trips[dimension] / taken
        for step in range(max(len(schedule.growth[level]) for _, schedule in candidates.pairs)):
            growing = candidates.grows(level, step)
            rest: Factor = 1.0
            for dimension, mask in growing.items():
                rest = _only(mask, trips[dimension], rest)
            limits = [
                _growth_limit(layer, architecture, memory, [a * b for a, b in zip(tile, scale, strict=True)], growing)
                for memory, scale in beyond.items()
            ]
            limit = functools.reduce(jnp.minimum, limits)
            fits = jnp.maximum(surrogate.floor(surrogate.minimum(*jnp.broadcast_arrays(limit, rest))), 1)
            if candidates.divisors:
                factor = surrogate.largest_divisor(*jnp.broadcast_arrays(rest, fits))
            else:
                # Equal tiles: 10 trips in tiles of at most 8 become two of 5.
                factor = surrogate.ceil(rest / surrogate.ceil(rest / fits))
            left = surrogate.ceil(rest / factor)
            for dimension, mask in growing.items():
                taken = _only(mask, factor, 1.0)
                tile[dimension] = tile[dimension] * taken
                factors[dimension] = factors[dimension] * taken
                trips[dimension] = _only(mask, left, trips[dimension])
        temporal.append(factors)
    return [*temporal, trips]


def _choose(layer: Workload, architecture: Architecture, candidates: CandidateSet) -> _Choice:
    """Every candidate mapping of a layer with its cost, and the best of them.

    Candidates whose tiles overflow a memory are taken only where none fits, the least overflowing first.
    """
    if candidates.as_matrix_product:
        layer = as_matrix_product(layer)
    spatial, remaining = unroll(layer, architecture, candidates)
    temporal = cut(layer, architecture, candidates, spatial, remaining)
    cost = nest_cost(layer, architecture, temporal, spatial, candidates.order)

    overflow = functools.reduce(jnp.add, cost.overflow_bytes)
    misfit = jnp.where(overflow > 0, 1e6 * (1 + overflow), 1)
    objective = {
        "latency": cost.cycles,
        "energy": cost.energy_pj,
        "edp": cost.cycles * cost.energy_pj,
    }[candidates.objective]
    # What all candidates share has no axis of them.
    metric, tie = (jnp.broadcast_to(x, candidates.size) for x in (objective * misfit, cost.energy_pj))
    index, (cycles, energy, *overflow_bytes) = surrogate.take_least(
        metric, tie, (cost.cycles, cost.energy_pj, *cost.overflow_bytes)
    )
    return _Choice(temporal, spatial, cost, index, LayerPrice(cycles, energy, overflow_bytes))


def price_layer(
    layer: Workload, architecture: Architecture, candidates: CandidateSet, correction: CycleModel | None = None
) -> LayerPrice:
    """What the best candidate mapping of one layer costs, as in `map_layer`, and no more: it compiles faster."""
    if correction is None:
        return _choose(layer, architecture, candidates).price
    cost = map_layer(layer, architecture, candidates, correction).cost
    return LayerPrice(cost.cycles, cost.energy_pj, cost.overflow_bytes)


def map_layer(
    layer: Workload, architecture: Architecture, candidates: CandidateSet, correction: CycleModel | None = None
) -> MappedLayer:
    """The best candidate mapping of one layer and its cost; batch with `jax.vmap` over layers and architectures.

    Where no candidate fits the memories, the overflow stays visible in the cost. The mapping is the best by analytical cost;
    a correction replaces the cycles of that mapping.
    """
    choice = _choose(layer, architecture, candidates)
    best = jnp.arange(candidates.size) == choice.index

    def pick(values: Factor) -> jax.Array:
        """The best candidate's entry, exactly."""
        return jnp.sum(jnp.where(best, values, 0), axis=-1)

    def stack(factors: list[list[Factor]]) -> jax.Array:
        return jnp.stack([jnp.stack([pick(factor) for factor in row]) for row in factors])

    price = choice.price
    cost = jax.tree.map(pick, choice.cost).replace(
        cycles=price.cycles, energy_pj=price.energy_pj, overflow_bytes=price.overflow_bytes
    )
    order = jnp.sum(jnp.where(best[:, None, None], jnp.asarray(candidates.order), 0), axis=0)
    mapped = MappedLayer(cost=cost, mapping=Mapping(stack(choice.temporal), stack(choice.spatial), order))
    if correction is None:
        return mapped
    cycles = correction(layer, architecture, mapped)
    # The same work in more or fewer cycles.
    corrected = cost.replace(cycles=cycles, utilisation=cost.utilisation * (cost.cycles / cycles))
    return MappedLayer(cost=corrected, mapping=mapped.mapping)
