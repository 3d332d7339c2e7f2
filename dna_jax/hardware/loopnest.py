"""The loop-nest model: what one layer under one mapping costs on one architecture.

Written for one layer and one architecture, and for any number of mappings side by side; batch the rest with `jax.vmap`.
The counting rules are those of analytical tools such as Timeloop (Parashar et al., ISPASS 2019, section VI): an operand's
tile at a level is refilled whenever a loop outside it that the operand depends on advances; loops that it does not depend
on cost nothing while they stand inside all of those (stationarity), and a refill each where they stand outside.
"""

import functools
import itertools
import math
from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware import surrogate
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.footprint import RELEVANT, footprint
from dna_jax.hardware.mapping import Mapping
from dna_jax.workload import DIMENSIONS, OPERANDS, Workload

_OUTPUT = OPERANDS.index("O")

Factor = jax.Array | float
"""A loop factor; the Python number 1.0 where a loop cannot be, so that it costs nothing."""

Factors = Sequence[Sequence[Factor]]
"""Loop factors by level (or fan-out) and dimension; arrays may carry an axis of mappings."""


@struct.dataclass
class LayerCost:
    """Cost of one layer, one instance of it. All may carry a last axis of mappings; lists go by level.

    Attributes:
      cycles: the largest of compute and port times.
      energy_pj: all levels and arithmetic.
      compute_cycles: were memories free.
      level_cycles: port time of the busiest instance, V arrays.
      level_bytes: bytes read and written, all instances, V arrays.
      level_energy_pj: V arrays.
      mac_energy_pj: energy of arithmetic.
      utilisation: share of the accelerator's multiply-accumulate slots that are used, in (0, 1].
      overflow_bytes: by how much the tiles exceed a level, V arrays; 0 where they fit.
    """

    cycles: jax.Array
    energy_pj: jax.Array
    compute_cycles: jax.Array
    level_cycles: list[jax.Array]
    level_bytes: list[jax.Array]
    level_energy_pj: list[jax.Array]
    mac_energy_pj: jax.Array
    utilisation: jax.Array
    overflow_bytes: list[jax.Array]

    @property
    def bound(self) -> jax.Array:
        """Index of what limits the layer: 0 for compute, 1 + v for level v."""
        return jnp.argmax(jnp.stack(jnp.broadcast_arrays(self.compute_cycles, *self.level_cycles)), axis=0)


_ONES: Sequence[Factor] = (1.0,) * len(DIMENSIONS)


def _multiply(left: Sequence[Factor], right: Sequence[Factor]) -> list[Factor]:
    return [a if isinstance(b, float) else b if isinstance(a, float) else a * b for a, b in zip(left, right, strict=True)]


def _product(factors: Iterable[jax.Array]) -> jax.Array:
    return functools.reduce(jnp.multiply, factors)


def _relevant(operand: int, order: np.ndarray, level: int, slot: int) -> np.ndarray | bool:
    """Whether the loop at a slot changes an operand's data: one answer for all mappings, or one for each."""
    answers = RELEVANT[operand, order[..., level, slot]]
    return bool(answers.flat[0]) if answers.size == 1 or (answers == answers.flat[0]).all() else answers


def _loop(factors: Sequence[Factor], order: np.ndarray, level: int, slot: int) -> Factor:
    """The factor of the loop at a slot, of each mapping its own."""
    dimensions = order[..., level, slot]
    loop: Factor = factors[int(dimensions.flat[0])]
    for dimension in np.unique(dimensions):
        if (dimensions != dimension).any():
            loop = jnp.where(dimensions == dimension, factors[int(dimension)], loop)
    return loop


def _refills(loops: Factors, order: np.ndarray, operand: int, child: int) -> tuple[Factor, Factor]:
    """How often the tile at level `child` is filled, and how many distinct tiles there are.

    Args:
      loops: factors by level and slot, innermost first.
      order: the dimensions in these slots.
      operand: index into OPERANDS.
      child: the level filled, by loops at the levels above.
    """
    fills: Factor = 1.0
    distinct: Factor = 1.0
    moving: jax.Array | np.ndarray | bool = False
    for level in range(child + 1, len(loops)):
        for slot, factor in enumerate(loops[level]):
            if isinstance(factor, float):
                continue
            depends = _relevant(operand, order, level, slot)
            if depends is True:
                fills, distinct = fills * factor, distinct * factor
                moving = moving | (factor > 1)
            elif depends is False:
                fills = fills if moving is False else fills * jnp.where(moving, factor, 1)
            else:
                fills = fills * jnp.where(moving | depends, factor, 1)
                distinct = distinct * jnp.where(depends, factor, 1)
                moving = moving | (depends & (factor > 1))
    return fills, distinct


def _first_visits(covered: Sequence[Factor]) -> Factor:
    """Trips over loops that change the output: each output's first visit adds to nothing and reads nothing."""
    return math.prod(factor for d, factor in enumerate(covered) if RELEVANT[_OUTPUT, d])


def _operand_bytes(layer: Workload) -> tuple[list[jax.Array], list[jax.Array]]:
    """Bytes per element of each operand, outputs as partial sums and as final values."""
    final = [layer.bits[operand] / 8 for operand in range(len(OPERANDS))]
    return [*final[:_OUTPUT], layer.partial_bits / 8], final


def resident_share(layer: Workload, architecture: Architecture) -> jax.Array | float:
    """1 where a layer's inputs and outputs stay within the resident level, 0 where they cross to the level above.

    Outputs count at their final width: partial sums that a mapping sends past the resident level are not held there.
    """
    level = architecture.resident_level
    if level is None:
        return 0.0
    _, inputs, outputs = footprint([layer.bounds[d] for d in range(len(DIMENSIONS))], layer.stride)
    _, final = _operand_bytes(layer)
    held = architecture.capacity_bytes[level] * architecture.instances[level]
    return surrogate.at_least(held, inputs * final[1] + outputs * final[_OUTPUT])


def nest_cost(
    layer: Workload, architecture: Architecture, temporal: Factors, spatial: Factors, order: np.ndarray
) -> LayerCost:
    """Cost of one layer under one or many mappings.

    Args:
      layer: a workload without its layer axis: bounds [8], scalars.
      architecture: V levels, F fan-outs.
      temporal: V x 8 factors.
      spatial: F x 8 factors.
      order: dimensions per level from the innermost loop out, int[..., V, 8] with an axis for mappings or none.

    Returns:
      The cost; tiles that do not fit are reported in `overflow_bytes`, never clipped.
    """
    levels = range(len(architecture.level_names))
    dimensions = range(len(DIMENSIONS))
    bounds = [layer.bounds[d] for d in dimensions]
    partial, final = _operand_bytes(layer)
    resident = resident_share(layer, architecture)

    covered = list(itertools.accumulate(temporal, _multiply))
    fanouts = [
        functools.reduce(_multiply, [spatial[f] for f, above in enumerate(architecture.fanout_level) if above == v], _ONES)
        for v in levels
    ]
    unrolled = list(itertools.accumulate(fanouts, _multiply))
    # Instances of each level that work in parallel: everything unrolled above it.
    above = [math.prod(functools.reduce(_multiply, fanouts[v + 1 :], _ONES)) for v in levels]

    @functools.cache
    def elements(level: int, fanouts_below: int) -> tuple[jax.Array, ...]:
        """Elements of each operand under the loops up to `level` and the fan-outs up to the one below a level."""
        inner = covered[level] if level >= 0 else _ONES
        extents = _multiply(inner, unrolled[fanouts_below] if fanouts_below >= 0 else _ONES)
        return footprint([jnp.minimum(e, b) for e, b in zip(extents, bounds, strict=True)], layer.stride)

    compute_cycles = _product(surrogate.ceil(b / u) for b, u in zip(bounds, unrolled[-1], strict=True))
    trips = math.prod(covered[-1])
    loops = [[_loop(temporal[v], order, v, slot) for slot in dimensions] for v in levels]

    reads: list[list[Factor]] = [[0.0] * len(OPERANDS) for _ in levels]
    writes: list[list[Factor]] = [[0.0] * len(OPERANDS) for _ in levels]
    overflow = []
    for level in levels:
        held = elements(level, level)
        stored = sum(held[o] * partial[o] for o, name in enumerate(OPERANDS) if name in architecture.holds[level])
        overflow.append(jnp.maximum(stored - architecture.usable_bytes[level], 0))

    for operand, name in enumerate(OPERANDS):
        chain = [v for v in levels if name in architecture.holds[v]]
        for child, parent in zip([-1, *chain[:-1]], chain, strict=True):
            # What one parent instance serves to the children below it; copies of one datum are multicast, counted once.
            served = elements(child, parent)[operand]
            if child < 0:
                if operand == _OUTPUT:
                    writes[parent][operand] += served * trips * partial[operand]
                    reads[parent][operand] += served * (trips - _first_visits(covered[-1])) * partial[operand]
                else:
                    reads[parent][operand] += served * trips * partial[operand]
                continue
            # What one child instance takes in; multicast copies are each written.
            received = elements(child, child)[operand]
            fills, distinct = _refills(loops, order, operand, child)
            stays = architecture.resident_level is not None and parent > architecture.resident_level and name != "W"
            crosses = 1 - resident if stays else 1.0
            if operand != _OUTPUT:
                reads[parent][operand] += served * fills * partial[operand] * crosses
                writes[child][operand] += received * fills * partial[operand] * crosses
                continue
            # Outputs go up; what comes back before it is complete is a partial sum.
            back = (fills - distinct) * partial[operand]
            up = distinct * final[operand] + back
            writes[parent][operand] += served * up * crosses
            reads[parent][operand] += served * back * crosses
            # Children that each hold a part of a sum send partial sums, added up on the way.
            shared = [spatial[f] for f, at in enumerate(architecture.fanout_level) if child < at <= parent]
            summands = math.prod(row[d] for row in shared for d in dimensions if not RELEVANT[_OUTPUT, d])
            width = jnp.where(summands > 1, partial[operand], final[operand])
            reads[child][operand] += received * (distinct * width + back) * crosses
            writes[child][operand] += received * back * crosses

    port_cycles, moved, energy = [], [], []
    for level in levels:
        read, write = sum(reads[level]), sum(writes[level])
        read_bandwidth, write_bandwidth = architecture.read_bandwidth[level], architecture.write_bandwidth[level]
        if architecture.ports[level] == "shared":
            demands = [(read + write) / read_bandwidth]
        elif architecture.ports[level] == "read_write":
            demands = [read / read_bandwidth, write / write_bandwidth]
        else:
            demands = [r / read_bandwidth for r in reads[level]] + [w / write_bandwidth for w in writes[level]]
        port_cycles.append(surrogate.largest(demands))
        moved.append((read + write) * above[level])
        energy.append(
            (read * architecture.read_pj_per_byte[level] + write * architecture.write_pj_per_byte[level]) * above[level]
        )

    macs = math.prod(bounds)
    mac_energy = macs * architecture.mac_pj
    cycles = surrogate.largest([compute_cycles, *port_cycles])
    return LayerCost(
        cycles=cycles,
        energy_pj=mac_energy + sum(energy),
        compute_cycles=compute_cycles,
        level_cycles=port_cycles,
        level_bytes=moved,
        level_energy_pj=energy,
        mac_energy_pj=mac_energy,
        utilisation=macs / (cycles * architecture.macs),
        overflow_bytes=overflow,
    )


def evaluate_mapping(layer: Workload, architecture: Architecture, mapping: Mapping) -> LayerCost:
    """Cost of one layer under the mapping given, as it stands. `mapping.order` must be concrete (NumPy or outside jit)."""
    temporal = [[mapping.temporal[v, d] for d in range(len(DIMENSIONS))] for v in range(mapping.temporal.shape[0])]
    spatial = [[mapping.spatial[f, d] for d in range(len(DIMENSIONS))] for f in range(mapping.spatial.shape[0])]
    return nest_cost(layer, architecture, temporal, spatial, np.asarray(mapping.order))
