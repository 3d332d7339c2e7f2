"""What a network costs on a pipeline of chunks, at soft and at discrete designs.

Every chunk works on another image: the slowest sets the throughput, the sum is the latency of one image. Layers in one chunk
run one after another. A chunk without layers takes no time and is not built: it has no area, and the link to DRAM is divided
by the weights of the others. At a soft point a chunk takes its share with the probability that it has layers.

The value at a soft point mixes the costs of styles, schedules and chunks by their probabilities, each at the expected sizes
of the chunk. The gradient by the probability of an option is the cost with that decision *at* that option and all others as
they are, the slowest chunk included: as in `hardware.relaxed`, exact differences between neighbours.

A layer that has no weight at a point adds nothing to its neighbours either. A supernet brings hundreds of layers, of which a
draw has a few dozen: neighbours are priced for these, some at a time, and all layers at the point alone, for the gradient by
their counts.
"""

import dataclasses
import functools
from collections.abc import Collection, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware.asic.alternatives import ChunkTotals, alternatives, group_presence
from dna_jax.hardware.asic.neighbours import alternative_pairs, chunk_count
from dna_jax.hardware.asic.pricing import what_counts
from dna_jax.hardware.asic.work import PipelineWork, pipeline_work
from dna_jax.hardware.candidates import Objective
from dna_jax.spaces import Point, Space
from dna_jax.spaces.asic_pipeline import allocated_groups
from dna_jax.workload import Layer

_BY_LAYER = ("milliseconds", "millijoules", "overflow_kib")
"""Totals to which every layer adds."""

_SCALARS = ("latency_ms", "interval_ms", "energy_mj", "area_mm2", "overflow_kib")

LAYERS_AT_ONCE = 32
"""Layers that are priced side by side on the neighbours of a point."""


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

    @property
    def metrics(self) -> dict[str, jax.Array]:
        """What may have a budget or be a goal, by the names of runs."""
        return {
            "latency_ms": self.latency_ms,
            "energy_mj": self.energy_mj,
            "area_mm2": self.area_mm2,
            "frame_ms": self.interval_ms,
            "edp": self.edp,
        }

    @property
    def misfit(self) -> jax.Array:
        """How far the design is from running at all; 0 where it runs."""
        return self.overflow_kib


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


def _neighbours(
    free: Collection[str], work: PipelineWork, point: Point, counts: np.ndarray
) -> tuple[ChunkTotals, np.ndarray]:
    """Totals of the neighbours of a point and which they are, as `alternatives` gives them."""
    present = jnp.sum(work.counts, axis=0) > 0
    order = jnp.argsort(~present)
    order = jnp.pad(order, (0, -len(order) % LAYERS_AT_ONCE))
    number = jnp.sum(present)
    price = functools.partial(alternatives, free, point=point, counts=counts, there=group_presence(work.counts))

    def some(start: jax.Array) -> ChunkTotals:
        rows = jax.lax.dynamic_slice_in_dim(order, start, LAYERS_AT_ONCE)
        counted = start + jnp.arange(LAYERS_AT_ONCE) < number
        part = PipelineWork(
            layers=jax.tree.map(lambda leaf: leaf[rows], work.layers),
            counts=work.counts[:, rows] * counted,
            classes=work.classes[rows],
        )
        return price(part)[1]

    def add(state: tuple[jax.Array, ChunkTotals]) -> tuple[jax.Array, ChunkTotals]:
        start, before = state
        more = some(start)
        # Areas are those of whole groups.
        summed = {name: getattr(before, name) + getattr(more, name) for name in _BY_LAYER}
        return start + LAYERS_AT_ONCE, dataclasses.replace(more, **summed)

    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(some, jnp.zeros((), int)))
    _, totals = jax.lax.while_loop(lambda state: state[0] < number, add, (jnp.zeros((), int), nothing))
    return totals, alternative_pairs(point, chunk_count(point), free)[1]


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
    free = frozenset(decision.name for decision in space.free)
    return _cost_and_gradient(free, objective, knobs, work)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _cost_and_gradient(free: frozenset[str], objective: Objective, point: Point, work: PipelineWork) -> PipelineCost:
    """The cost; where no gradient is asked for, no neighbour is priced."""
    return combine(alternatives((), work, point, what_counts(objective))[0])


@_cost_and_gradient.defjvp
def _cost_jvp(
    free: frozenset[str], objective: Objective, primals: tuple[Point, PipelineWork], tangents: tuple[Point, PipelineWork]
) -> tuple[PipelineCost, PipelineCost]:
    point, work = primals
    counts = what_counts(objective)

    def of_counts(number: jax.Array) -> PipelineCost:
        return combine(alternatives((), dataclasses.replace(work, counts=number), point, counts)[0])

    cost, by_counts = jax.jvp(of_counts, (work.counts,), (tangents[1].counts,))
    others, in_point = _neighbours(free, work, point, counts)
    table = combine(others)
    move = tangents[0].rows[in_point[:, 0], in_point[:, 1]]
    slopes = {name: getattr(by_counts, name) + jnp.sum(move * getattr(table, name)) for name in _SCALARS}
    still = {name: jnp.zeros_like(getattr(cost, name)) for name in ("chunk_ms", "chunk_mj", "chunk_mm2")}
    return cost, PipelineCost(**slopes, **still)


@dataclasses.dataclass(frozen=True)
class AsicPricing:
    """Prices of a search on ASIC pipelines; the layers of a block stay together on a chunk.

    Attributes:
      space: an `asic_pipeline_space`, with what is fixed.
      objective: of the mapper.
    """

    space: Space
    objective: Objective

    def __call__(self, layers: Sequence[Layer], weight: jax.Array, point: Mapping[str, jax.Array]) -> PipelineCost:
        """Cost at a point of layers, each as often as its weight [L] says."""
        groups = allocated_groups(name for name, _ in self.space.sizes)
        work = pipeline_work(layers, dtype=weight.dtype, groups=groups, weight=weight)
        return relaxed_pipeline_cost(self.space, work, point, self.objective)
