"""The loop-nest model: what one layer under one mapping costs on one architecture.

Written for one layer and one architecture, and for any number of mappings side by side; batch the rest with `jax.vmap`.
Tiles are in `nest`, bytes in `traffic`; here they become cycles and energy.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.hardware import surrogate, technology
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.ends import exposed_cycles, waiting_cycles
from dna_jax.hardware.mapping import Mapping
from dna_jax.hardware.nest import Factor, Factors, Nest, operand_bytes
from dna_jax.hardware.traffic import Order, Traffic, count_folds, count_traffic
from dna_jax.workload import DIMENSIONS, OPERANDS, Workload

WEIGHTS, INPUTS = OPERANDS.index("W"), OPERANDS.index("I")


@struct.dataclass
class LayerCost:
    """Cost of one layer, one instance of it. All may carry a last axis of mappings; lists go by level.

    Attributes:
      cycles: the larger of the longest port time and of compute with its exposed ends.
      energy_pj: all levels and arithmetic.
      compute_cycles: were memories free.
      exposed_cycles: transfers that computation waits for, those of the first and last tiles included; 0 where the
        architecture hides them.
      level_cycles: port time of the busiest instance, V arrays.
      level_bytes: bytes read and written, all instances, V arrays.
      level_energy_pj: V arrays.
      mac_energy_pj: energy of arithmetic.
      utilisation: share of the accelerator's multiply-accumulate slots that are used, in (0, 1].
      tile_bytes: of each operand's tile in one instance of each level, V x 3.
      overflow_bytes: by how much the tiles exceed a level, V arrays; 0 where they fit.
    """

    cycles: jax.Array
    energy_pj: jax.Array
    compute_cycles: jax.Array
    exposed_cycles: jax.Array
    level_cycles: list[jax.Array]
    level_bytes: list[jax.Array]
    level_energy_pj: list[jax.Array]
    mac_energy_pj: jax.Array
    utilisation: jax.Array
    tile_bytes: list[list[Factor]]
    overflow_bytes: list[jax.Array]

    @property
    def bound(self) -> jax.Array:
        """Index into `bound_names` of what limits the layer: arithmetic, the port of a level, or, where arithmetic with its
        exposed transfers takes longest, these transfers if they are the greater part."""
        computing = self.compute_cycles + self.exposed_cycles
        longest = jnp.argmax(jnp.stack(jnp.broadcast_arrays(computing, *self.level_cycles)), axis=0)
        exposed = (longest == 0) & (self.exposed_cycles > self.compute_cycles)
        return jnp.where(exposed, 1 + len(self.level_cycles), longest)


def bound_names(architecture: Architecture) -> tuple[str, ...]:
    """What `LayerCost.bound` counts."""
    return "compute", *architecture.level_names, "exposed"


def _tile_bytes(nest: Nest) -> list[list[Factor]]:
    """Bytes of each operand's tile in one instance of each level, V x 3; partial sums at their full width."""
    partial, _ = operand_bytes(nest.layer)
    return [
        [
            nest.elements(level, level)[operand] * partial[operand] if name in held else 0.0
            for operand, name in enumerate(OPERANDS)
        ]
        for level, held in enumerate(nest.architecture.holds)
    ]


def _port_cycles(architecture: Architecture, level: int, traffic: Traffic) -> jax.Array:
    """How long one instance's busiest port takes for the bytes read and written."""
    reads, writes, drains = traffic.reads[level], traffic.writes[level], traffic.drains[level]
    read_bandwidth, write_bandwidth = architecture.read_bandwidth[level], architecture.write_bandwidth[level]
    if architecture.ports[level] == "shared":
        return (sum(reads) + sum(writes)) / read_bandwidth
    if architecture.ports[level] == "read_write":
        return surrogate.largest([sum(reads) / read_bandwidth, sum(writes) / write_bandwidth])
    if architecture.ports[level] == "drains_written":
        return surrogate.largest([(sum(reads) - drains) / read_bandwidth, (sum(writes) + drains) / write_bandwidth])
    return surrogate.largest([r / read_bandwidth for r in reads] + [w / write_bandwidth for w in writes])


def nest_cost(layer: Workload, architecture: Architecture, temporal: Factors, spatial: Factors, order: Order) -> LayerCost:
    """Cost of one layer under one or many mappings.

    Args:
      layer: a workload without its layer axis: bounds [8], scalars.
      architecture: V levels, F fan-outs.
      temporal: V x 8 factors.
      spatial: F x 8 factors.
      order: see `traffic.Order`.

    Returns:
      The cost; tiles that do not fit are reported in `overflow_bytes`, never clipped.
    """
    nest = Nest(layer, architecture, temporal, spatial)
    traffic = count_traffic(nest, order)
    port_cycles, moved, energy = [], [], []
    for level, (reads, writes) in enumerate(zip(traffic.reads, traffic.writes, strict=True)):
        port_cycles.append(_port_cycles(architecture, level, traffic))
        read, write, instances = sum(reads), sum(writes), nest.busy_instances(level)
        moved.append((read + write) * instances)
        energy.append(
            (read * architecture.read_pj_per_byte[level] + write * architecture.write_pj_per_byte[level]) * instances
        )
    compute_cycles = jnp.asarray(math.prod([surrogate.ceil(trips) for trips in nest.trips]))
    if architecture.stationary is not None:
        folds = count_folds(nest, OPERANDS.index(architecture.stationary), order)
        compute_cycles = compute_cycles + folds * architecture.fold_cycles
    exposed = waiting_cycles(nest, traffic) + jnp.zeros_like(compute_cycles)
    if architecture.exposed_ends:
        exposed = exposed + exposed_cycles(nest)
    cycles = surrogate.largest([compute_cycles + exposed, *port_cycles])
    macs = math.prod(nest.bounds)
    narrower = technology.multiplying_share(layer.bits[WEIGHTS], layer.bits[INPUTS]) - 1
    mac_energy = macs * (architecture.mac_pj + narrower * architecture.multiplier_pj)
    tiles = _tile_bytes(nest)
    return LayerCost(
        cycles=cycles,
        energy_pj=mac_energy + sum(energy),
        compute_cycles=compute_cycles,
        exposed_cycles=exposed,
        level_cycles=port_cycles,
        level_bytes=moved,
        level_energy_pj=energy,
        mac_energy_pj=mac_energy,
        utilisation=macs / (cycles * architecture.macs),
        tile_bytes=tiles,
        overflow_bytes=[
            jnp.maximum(sum(row) - usable, 0) for row, usable in zip(tiles, architecture.usable_bytes, strict=True)
        ],
    )


def evaluate_mapping(layer: Workload, architecture: Architecture, mapping: Mapping) -> LayerCost:
    """Cost of one layer under the mapping given, as it stands; batch with `jax.vmap`."""
    temporal = [[mapping.temporal[v, d] for d in range(len(DIMENSIONS))] for v in range(mapping.temporal.shape[0])]
    spatial = [[mapping.spatial[f, d] for d in range(len(DIMENSIONS))] for f in range(mapping.spatial.shape[0])]
    return nest_cost(layer, architecture, temporal, spatial, jnp.asarray(mapping.order))
