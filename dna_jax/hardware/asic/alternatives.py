"""Costs of the chunks of a pipeline at a point, and at every point that differs from it in one decision."""

import functools
from collections.abc import Collection

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware import technology
from dna_jax.hardware.asic.neighbours import (
    Pairs,
    Probabilities,
    alternative_pairs,
    chunk_count,
    replace_options,
    split_point,
)
from dna_jax.hardware.asic.pricing import ChoiceTable, MappingTable, choose, price_mappings
from dna_jax.hardware.asic.work import PipelineWork
from dna_jax.hardware.templates.asic_chunk import CLOCK_HZ
from dna_jax.spaces import Point
from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    BANDWIDTH_GBPS,
    BANDWIDTH_WEIGHT,
    CHOICES,
    LAYER_CLASSES,
)


@struct.dataclass
class ChunkTotals:
    """What chunks take for one image, [..., C].

    Attributes:
      milliseconds, millijoules, overflow_kib: of their layers.
      area_mm2: of the chunks, 0 where they are not built.
      link_mm2: of the link to DRAM, [...].
    """

    milliseconds: jax.Array
    millijoules: jax.Array
    overflow_kib: jax.Array
    area_mm2: jax.Array
    link_mm2: jax.Array


def _link(rows: jax.Array, built: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Bytes/cycle that each chunk has of the link [..., C] and its area [...], of rows [..., 1 + C, w].

    A chunk shares with the others as far as these are built [..., C]; one that is not has what it would have.
    """

    def expected(row: jax.Array, options: tuple) -> jax.Array:
        return jnp.sum(row[..., : len(options)] * np.array(options, row.dtype), axis=-1)

    gbps = expected(rows[..., 0, :], BANDWIDTH_GBPS.options)
    weight = expected(rows[..., 1:, :], BANDWIDTH_WEIGHT.options)
    taken = weight * built
    share = weight / (weight + jnp.sum(taken, axis=-1, keepdims=True) - taken)
    return share * gbps[..., None] * (1e9 / CLOCK_HZ), technology.LINK_MM2_PER_GBPS * gbps


def _einsum(subscripts: str, *operands: jax.Array) -> jax.Array:
    # Accelerators would round products of a discrete design.
    return jnp.einsum(subscripts, *operands, precision="highest")


def group_presence(counts: jax.Array) -> jax.Array:
    """Probability that a group has layers, [G], of expected counts [G, L]; without a slope from the first layer on."""
    total = jnp.sum(counts, axis=-1)
    return jnp.where(total < 1, total, 1)


def _built(allocation: jax.Array, there: jax.Array) -> jax.Array:
    """Probability that a chunk has layers, [..., C], of an allocation [..., G, C] and the presence of groups [G]."""
    return 1 - jnp.prod(1 - allocation * there[:, None], axis=-2)


def _totals(table: jax.Array, p: Probabilities, work: PipelineWork, pairs: Pairs) -> tuple[jax.Array, jax.Array]:
    """One cost of all chunks: at the point [C], and at the alternatives [N, C].

    Args:
      table: [C, 1 + links + allocations + sizes, L, styles, schedules]: at the point, then at the alternatives of the link,
        of the allocation and of sizes.
      p: probabilities at the point.
      work: of the network.
      pairs: all alternatives.
    """
    chunks = len(table)
    links, shared = len(pairs.link), len(pairs.link) + len(pairs.allocation)
    by_layer = _einsum("lj,cjk->ckl", work.classes, p.schedule)
    on_chunk = _einsum("gc,gl->cl", p.allocation, work.counts)
    run = _einsum("cs,ckl,cmlsk->cml", p.style, by_layer, table)
    total = _einsum("cl,cml->cm", on_chunk, run)
    base = total[:, 0]

    by_style = _einsum("cl,ckl,clsk->cs", on_chunk, by_layer, table[:, 0])
    by_class = _einsum("cl,lj,cs,clsk->cjk", on_chunk, work.classes, p.style, table[:, 0])
    other_classes = _einsum("ij,cj->ci", 1 - jnp.eye(len(LAYER_CLASSES)), jnp.sum(p.schedule * by_class, axis=-1))
    choices = jnp.concatenate([by_style, (other_classes[:, :, None] + by_class).reshape(chunks, -1)], axis=1)
    local = jnp.concatenate([total[:, 1 + shared :], choices[:, _choice_columns(pairs)]], axis=1)
    own = jnp.eye(chunks, dtype=bool)[:, None, :]
    with_local = jnp.where(own, local[:, :, None], base).reshape(-1, chunks)

    others = replace_options(p.allocation, pairs.allocation)
    with_allocation = _einsum("ngc,gl,cnl->nc", others, work.counts, run[:, 1 + links : 1 + shared])
    return base, jnp.concatenate([total[:, 1 : 1 + links].T, with_local, with_allocation])


def _choice_columns(pairs: Pairs) -> np.ndarray:
    """Which of the styles and of the schedules of all classes, one after another, are alternatives."""
    starts = np.cumsum([0, *(len(choice.options) for choice in CHOICES)])
    knob, option = pairs.local[pairs.local[:, 0] >= len(ARCHITECTURE_KNOBS)].T
    return starts[knob - len(ARCHITECTURE_KNOBS)] + option


def _choose_all(
    mappings: MappingTable, bandwidth: jax.Array, other_bandwidth: jax.Array, counts: jax.Array | np.ndarray
) -> ChoiceTable:
    """Tables of all chunks, [C, 1 + B + sizes, ...]: at the point, at other bandwidths [B, C], of other sizes."""
    at_point = jax.tree.map(lambda leaf: leaf[:, 0], mappings)
    others = jax.tree.map(lambda leaf: leaf[:, 1:], mappings)
    pick = functools.partial(choose, counts=counts)
    bandwidths = jnp.concatenate([bandwidth[None], other_bandwidth]).T
    of_bandwidths = jax.vmap(jax.vmap(pick, in_axes=(None, 0)))(at_point, bandwidths)
    of_sizes = jax.vmap(jax.vmap(pick, in_axes=(0, None)))(others, bandwidth)
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=1), of_bandwidths, of_sizes)


def alternatives(
    free: Collection[str], work: PipelineWork, point: Point, counts: jax.Array | np.ndarray, there: jax.Array | None = None
) -> tuple[ChunkTotals, ChunkTotals, np.ndarray]:
    """Costs of chunks at a point and at its neighbours.

    Args:
      free: names of decisions whose options are alternatives.
      work: of the network.
      point: of the decisions of an `asic_pipeline_space`, in their order.
      counts: `what_counts` for the objective of the mapper.
      there: presence of groups [G] where the work is but a part of them; that of the work by default.

    Returns:
      Totals at the point [C]; those at N points that each differ from it in one decision, [N, C]; which these are: row and
      option in the point, int[N, 2].
    """
    dtype = work.counts.dtype
    chunks = chunk_count(point)
    parts = split_point(point, chunks, dtype)
    pairs, in_point = alternative_pairs(point, chunks, free)
    sized = pairs.local[pairs.local[:, 0] < len(ARCHITECTURE_KNOBS)]
    links, moved = len(pairs.link), len(sized)

    there = group_presence(work.counts) if there is None else there
    built, other_built = _built(parts.allocation, there), _built(replace_options(parts.allocation, pairs.allocation), there)
    # Shares of the link are those of the network as it is: they have no slope by the counts of its layers.
    taking, others_taking = jax.lax.stop_gradient((built, other_built))
    bandwidth, link_mm2 = _link(parts.link, taking)
    of_links, other_link_mm2 = _link(replace_options(parts.link, pairs.link), taking)
    of_allocations, _ = _link(parts.link, others_taking)
    sizes = jnp.concatenate([parts.sizes[:, None], replace_options(parts.sizes, sized)], axis=1)
    names = tuple((knob.name, len(knob.options)) for knob in ARCHITECTURE_KNOBS)
    flat = Point(sizes.reshape(-1, *sizes.shape[2:]), names)
    mappings = jax.vmap(functools.partial(price_mappings, work.layers))(flat)
    mappings = jax.lax.stop_gradient(jax.tree.map(lambda leaf: leaf.reshape(*sizes.shape[:2], *leaf.shape[1:]), mappings))
    table = _choose_all(mappings, bandwidth, jnp.concatenate([of_links, of_allocations]), counts)

    costs = [_totals(chosen, parts, work, pairs) for chosen in (table.milliseconds, table.millijoules, table.overflow_kib)]
    area = mappings.area_mm2[:, 0] * built
    local_area = jnp.repeat(area[:, None], len(pairs.local), axis=1)
    local_area = local_area.at[:, :moved].set(mappings.area_mm2[:, 1:] * built[:, None])
    own = jnp.eye(chunks, dtype=bool)[:, None, :]
    other_area = jnp.concatenate(
        [
            jnp.repeat(area[None], links, axis=0),
            jnp.where(own, local_area[:, :, None], area).reshape(-1, chunks),
            mappings.area_mm2[:, 0] * other_built,
        ]
    )
    other_link = jnp.concatenate([other_link_mm2, jnp.repeat(link_mm2, len(in_point) - links)])
    at_point = ChunkTotals(*(cost[0] for cost in costs), area_mm2=area, link_mm2=link_mm2)
    at_others = ChunkTotals(*(cost[1] for cost in costs), area_mm2=other_area, link_mm2=other_link)
    return at_point, at_others, in_point
