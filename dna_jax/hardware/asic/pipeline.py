"""What a network costs on a pipeline of chunks, at soft and at discrete designs.

Every chunk works on another image: the slowest sets the throughput, the sum is the latency of one image. Layers in one chunk
run one after another. The link to DRAM is divided by the weights of the chunks, whether they have layers or not; a chunk
without layers takes no time and is not built, so that it has no area.

The value at a soft point mixes the costs of styles, schedules and chunks by their probabilities, each at the expected sizes
of the chunk. The gradient by the probability of an option is the cost with that decision *at* that option and all others as
they are, the slowest chunk included: as in `hardware.relaxed`, exact differences between neighbours.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.hardware.asic.alternatives import ChunkTotals, alternatives
from dna_jax.hardware.asic.pricing import what_counts
from dna_jax.hardware.asic.work import PipelineWork
from dna_jax.hardware.candidates import Objective
from dna_jax.spaces import Point, Space


@struct.dataclass
class PipelineCost:
    """What a pipeline costs, scalars; arrays by chunk.

    Attributes:
      latency_ms: of one image through all chunks.
      interval_ms: between images, the time of the slowest chunk.
      energy_mj: of one image.
      area_mm2: of all chunks that have layers, and the link to DRAM.
      overflow_kib: KiB by which tiles exceed memories, over layers; 0 for a valid design.
      chunk_ms, chunk_mj, chunk_mm2: by chunk, [C]; they have no gradient.
    """

    latency_ms: jax.Array
    interval_ms: jax.Array
    energy_mj: jax.Array
    area_mm2: jax.Array
    overflow_kib: jax.Array
    chunk_ms: jax.Array
    chunk_mj: jax.Array
    chunk_mm2: jax.Array

    @property
    def edp(self) -> jax.Array:
        """Energy-delay product of one image, mJ ms."""
        return self.latency_ms * self.energy_mj

    @property
    def images_per_second(self) -> jax.Array:
        """Throughput."""
        return 1e3 / self.interval_ms


def combine(totals: ChunkTotals) -> PipelineCost:
    """The pipeline that chunks [..., C] make."""
    return PipelineCost(
        latency_ms=jnp.sum(totals.milliseconds, axis=-1),
        interval_ms=jnp.max(totals.milliseconds, axis=-1),
        energy_mj=jnp.sum(totals.millijoules, axis=-1),
        area_mm2=jnp.sum(totals.area_mm2, axis=-1) + totals.link_mm2,
        overflow_kib=jnp.sum(totals.overflow_kib, axis=-1),
        chunk_ms=totals.milliseconds,
        chunk_mj=totals.millijoules,
        chunk_mm2=totals.area_mm2,
    )


def relaxed_pipeline_cost(
    space: Space,
    work: PipelineWork,
    point: Mapping[str, jax.Array],
    objective: Objective = "latency",
) -> PipelineCost:
    """Differentiable cost of a network on a pipeline.

    Args:
      space: an `asic_pipeline_space`, with what is fixed; what is fixed gets no gradient and costs no evaluation.
      work: of the network; its `counts` get a gradient too, of the slowest chunk where the interval is concerned.
      point: probabilities of the decisions of `space`, soft or one-hot, of the floating type of `work`.
      objective: of the mapper.
    """
    knobs = Point.of(point).select([decision.name for decision in space.decisions])
    held = jax.lax.stop_gradient(knobs)
    free = {decision.name for decision in space.free}
    base, others, in_point = alternatives(free, work, held, what_counts(objective))
    cost, neighbours = combine(base), jax.lax.stop_gradient(combine(others))
    # Zeros, with the gradient of the probabilities.
    move = (knobs.rows - held.rows)[in_point[:, 0], in_point[:, 1]]

    def interpolate(value: jax.Array, table: jax.Array) -> jax.Array:
        return value + jnp.sum(move * table)

    scalars = ("latency_ms", "interval_ms", "energy_mj", "area_mm2", "overflow_kib")
    exact = {name: interpolate(getattr(cost, name), getattr(neighbours, name)) for name in scalars}
    return dataclasses.replace(jax.lax.stop_gradient(cost), **exact)
