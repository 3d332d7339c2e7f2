"""Cost: what a workload costs on an accelerator."""

import functools

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet
from dna_jax.hardware.loopnest import LayerCost
from dna_jax.hardware.mapper import CycleModel, LayerPrice, MappedLayer, map_layer, price_layer
from dna_jax.workload import Workload


@struct.dataclass
class Totals:
    """Cost of one inference.

    Attributes:
      latency_s: seconds, layers one after another.
      energy_j: joules.
      area_mm2: of the accelerator.
      overflow_bytes: bytes by which tiles exceed memories, over levels and layers, each layer times its weight; 0 for a
        valid design.
    """

    latency_s: jax.Array
    energy_j: jax.Array
    area_mm2: jax.Array
    overflow_bytes: jax.Array


@struct.dataclass
class Cost(Totals):
    """Cost of one inference, and of what it consists.

    Attributes:
      layers: per layer, [L]: mapping and cost of one instance.
    """

    layers: MappedLayer


def price_layers(
    workload: Workload, architecture: Architecture, candidates: CandidateSet, correction: CycleModel | None = None
) -> LayerPrice:
    """Price of one instance of each layer under its best candidate mapping, [L]."""
    return jax.vmap(functools.partial(price_layer, architecture=architecture, candidates=candidates, correction=correction))(
        workload
    )


def total_cost(workload: Workload, architecture: Architecture, layers: LayerPrice | LayerCost) -> Totals:
    """Layers [L] add up, each times its `weight`."""
    weight = workload.weight
    return Totals(
        latency_s=jnp.sum(weight * layers.cycles) / architecture.clock_hz,
        energy_j=jnp.sum(weight * layers.energy_pj) * 1e-12,
        area_mm2=architecture.total_area_mm2,
        overflow_bytes=jnp.sum(weight * sum(layers.overflow_bytes)),
    )


def evaluate(
    workload: Workload, architecture: Architecture, candidates: CandidateSet, correction: CycleModel | None = None
) -> Cost:
    """Cost of a workload, each layer under its best candidate mapping.

    Args:
      workload: [L] layers; under a relaxed choice their weights are expected counts.
      architecture: one accelerator.
      candidates: of its template.
      correction: of its cycles, if any.
    """
    layers = jax.vmap(functools.partial(map_layer, architecture=architecture, candidates=candidates, correction=correction))(
        workload
    )
    totals = total_cost(workload, architecture, layers.cost)
    return Cost(**vars(totals), layers=layers)
