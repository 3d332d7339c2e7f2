"""Cost: what a workload costs on an accelerator."""

import functools

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.mapper import CandidateSet, MappedLayer, map_layer
from dna_jax.workload import Workload


@struct.dataclass
class Cost:
    """Cost of one inference.

    Attributes:
      latency_s: seconds, layers one after another.
      energy_j: joules.
      area_mm2: of the accelerator.
      overflow_bytes: bytes by which tiles exceed memories, over levels and layers, each layer times its weight; 0 for a
        valid design.
      layers: per layer, [L]: mapping and cost of one instance.
    """

    latency_s: jax.Array
    energy_j: jax.Array
    area_mm2: jax.Array
    overflow_bytes: jax.Array
    layers: MappedLayer


def evaluate(workload: Workload, architecture: Architecture, candidates: CandidateSet) -> Cost:
    """Cost of a workload, each layer under its best candidate mapping. Layers add up, each times its `weight`.

    Args:
      workload: [L] layers; under a relaxed choice their weights are expected counts.
      architecture: one accelerator.
      candidates: of its template.
    """
    weight = workload.weight
    layers = jax.vmap(functools.partial(map_layer, architecture=architecture, candidates=candidates))(workload)
    return Cost(
        latency_s=jnp.sum(weight * layers.cost.cycles) / architecture.clock_hz,
        energy_j=jnp.sum(weight * layers.cost.energy_pj) * 1e-12,
        area_mm2=architecture.total_area_mm2,
        overflow_bytes=jnp.sum(weight * sum(layers.cost.overflow_bytes)),
        layers=layers,
    )
