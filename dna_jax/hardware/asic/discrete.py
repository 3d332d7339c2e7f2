"""Discrete networks on discrete pipelines, in float64.

Chunks are priced in batches by one program for all designs, styles and schedules; what a pipeline makes of them is summed
here, apart from the mixtures of `alternatives`.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import technology
from dna_jax.hardware.asic.alternatives import ChunkTotals
from dna_jax.hardware.asic.neighbours import chunk_count
from dna_jax.hardware.asic.pipeline import PipelineCost, combine
from dna_jax.hardware.asic.pricing import ChoiceTable, choose, price_mappings, what_counts
from dna_jax.hardware.asic.work import Grouping, PipelineWork, group_names, group_of, pipeline_work
from dna_jax.hardware.candidates import Objective
from dna_jax.hardware.templates.asic_chunk import CLOCK_HZ
from dna_jax.spaces import Decision, Option, Point, Space
from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    BANDWIDTH_GBPS,
    BANDWIDTH_WEIGHT,
    CHOICES,
    allocated_groups,
    allocation_name,
    asic_pipeline_space,
    chunk_name,
)
from dna_jax.workload import Layer, Workload, merge_equal_layers

BATCH = 96
"""Chunks that are priced side by side."""

_KNOBS = Space("chunk", ARCHITECTURE_KNOBS)


@jax.jit
def _price_chunks(
    layers: Workload, sizes: Point, dram_bytes: jax.Array, counts: jax.Array | np.ndarray
) -> tuple[ChoiceTable, jax.Array]:
    """Costs of layers on chunks, [BATCH, L, styles, schedules], and areas, [BATCH]; `counts` as in `choose`."""
    mappings = jax.vmap(functools.partial(price_mappings, layers))(sizes)
    return jax.vmap(functools.partial(choose, counts=counts))(mappings, dram_bytes), mappings.area_mm2


@dataclasses.dataclass(frozen=True)
class _Designs:
    """Option indices of designs, by what they decide: sizes [D, C, 7], styles [D, C], schedules [D, C, classes], chunks of
    groups [D, G]; and GB/s of the link [D] and bytes/cycle of chunks [D, C]."""

    sizes: np.ndarray
    styles: np.ndarray
    schedules: np.ndarray
    allocation: np.ndarray
    gbps: np.ndarray
    dram_bytes: np.ndarray


def _split(space: Space, indices: np.ndarray, work: PipelineWork) -> _Designs:
    """What designs decide; the link is divided between chunks that have layers of the network."""
    column = {decision.name: i for i, decision in enumerate(space.decisions)}
    chunks = chunk_count(column)

    def of_chunks(knobs: Sequence[Decision]) -> np.ndarray:
        names = [[chunk_name(chunk, knob.name) for knob in knobs] for chunk in range(1, chunks + 1)]
        return indices[:, [[column[name] for name in row] for row in names]]

    weight = np.array(BANDWIDTH_WEIGHT.options, float)[of_chunks([BANDWIDTH_WEIGHT])[..., 0]]
    gbps = np.array(BANDWIDTH_GBPS.options, float)[indices[:, column[BANDWIDTH_GBPS.name]]]
    allocation = indices[:, [i for name, i in column.items() if name.startswith(allocation_name(""))]]
    has_layers = np.asarray(work.counts).sum(axis=1) > 0
    built = np.any((allocation[:, :, None] == np.arange(chunks)) & has_layers[:, None], axis=1)
    taken = weight * built
    share = weight / (weight + taken.sum(axis=1, keepdims=True) - taken)
    return _Designs(
        sizes=of_chunks(ARCHITECTURE_KNOBS),
        styles=of_chunks(CHOICES[:1])[..., 0],
        schedules=of_chunks(CHOICES[1:]),
        allocation=allocation,
        gbps=gbps,
        dram_bytes=share * gbps[:, None] * 1e9 / CLOCK_HZ,
    )


def _layer_tables(work: PipelineWork, designs: _Designs, objective: Objective) -> tuple[list[np.ndarray], np.ndarray]:
    """Milliseconds, millijoules and KiB that overflow of one of each layer on each chunk, [D, C, L]; areas [D, C]."""
    shape = designs.styles.shape
    sizes = designs.sizes.reshape(-1, len(ARCHITECTURE_KNOBS))
    dram_bytes = designs.dram_bytes.reshape(-1)
    styles = designs.styles.reshape(-1, 1)
    classes = np.argmax(np.asarray(work.classes), axis=1)
    schedules = designs.schedules.reshape(len(sizes), -1)[:, classes]
    layer = np.arange(len(classes))
    found: list[list[np.ndarray]] = []
    for start in range(0, len(sizes), BATCH):
        # The last batch repeats its last chunk.
        rows = np.minimum(np.arange(start, start + BATCH), len(sizes) - 1)
        points = _KNOBS.one_hot(sizes[rows], jnp.float64)
        table, area = _price_chunks(work.layers, points, jnp.asarray(dram_bytes[rows]), what_counts(objective))
        pick = (np.arange(BATCH)[:, None], layer, styles[rows], schedules[rows])
        costs = [np.asarray(leaf)[pick] for leaf in (table.milliseconds, table.millijoules, table.overflow_kib)]
        found.append([*costs, np.asarray(area)])
    *costs, area = (np.concatenate(column)[: len(sizes)] for column in zip(*found, strict=True))
    return [cost.reshape(*shape, -1) for cost in costs], area.reshape(shape)


def _cost(work: PipelineWork, designs: _Designs, costs: Sequence[np.ndarray], area: np.ndarray) -> PipelineCost:
    on_chunk = designs.allocation[:, :, None] == np.arange(area.shape[1])
    counts = np.einsum("dgc,gl->dcl", on_chunk, np.asarray(work.counts))
    totals = ChunkTotals(
        *(np.sum(counts * cost, axis=-1) for cost in costs),
        area_mm2=area * (counts.sum(axis=-1) > 0),
        link_mm2=jnp.asarray(technology.LINK_MM2_PER_GBPS * designs.gbps),
    )
    return jax.tree.map(np.asarray, combine(jax.tree.map(jnp.asarray, totals)))


def price_designs(
    space: Space, layers: Sequence[Layer], indices: np.ndarray, by: Grouping = "block", objective: Objective = "latency"
) -> PipelineCost:
    """Costs of discrete designs, arrays [D] (by chunk [D, C]).

    Args:
      space: an `asic_pipeline_space` that allocates every group of the layers; it may allocate others, which have none.
      layers: of the network.
      indices: option of every decision, int[D, decisions].
      by: what stays together on a chunk.
      objective: of the mapper.

    Raises:
      ValueError: if the space does not allocate a group of the layers.
    """
    groups = allocated_groups(name for name, _ in space.sizes)
    with jax.enable_x64(True):
        work = pipeline_work(layers, by, jnp.float64, groups)
        designs = _split(space, indices, work)
        return _cost(work, designs, *_layer_tables(work, designs, objective))


@dataclasses.dataclass(frozen=True)
class PlacedLayer:
    """A layer on its chunk.

    Attributes:
      layer: the layer.
      chunk: where it runs, from 1.
      milliseconds, millijoules: that it takes.
      utilisation: share of the chunk's multiply-accumulate slots that it uses.
      overflow_kib: by which its tiles exceed memories.
    """

    layer: Layer
    chunk: int
    milliseconds: float
    millijoules: float
    utilisation: float
    overflow_kib: float


def evaluate_pipeline(
    layers: Sequence[Layer], design: Mapping[str, Option], by: Grouping = "block", objective: Objective = "latency"
) -> tuple[PipelineCost, list[PlacedLayer]]:
    """Cost of a discrete network on a discrete pipeline, and every layer on its chunk, in order.

    Args:
      layers: of the network.
      design: values of the decisions of an `asic_pipeline_space` of the groups of the layers.
      by: what stays together on a chunk.
      objective: of the mapper.

    Raises:
      KeyError: if the design lacks a decision.
      ValueError: if it has a value that is no option.
    """
    chunks = chunk_count(design)
    space = asic_pipeline_space(group_names(layers, by), chunks)
    for decision in space.decisions:
        if decision.name not in design:
            raise KeyError(f"The design gives no value for {decision.name!r}.")
    indices = np.array([[decision.index(design[decision.name]) for decision in space.decisions]])
    with jax.enable_x64(True):
        work = pipeline_work(layers, by, jnp.float64)
        designs = _split(space, indices, work)
        costs, area = _layer_tables(work, designs, objective)
        total = jax.tree.map(lambda leaf: leaf[0], _cost(work, designs, costs, area))
    shapes = {layer.shape: row for row, layer in enumerate(merge_equal_layers(layers)[0])}
    placed = []
    for layer in layers:
        chunk = int(design[allocation_name(group_of(layer, by))])
        milliseconds, millijoules, overflow = (float(cost[0, chunk - 1, shapes[layer.shape]]) for cost in costs)
        units = int(design[chunk_name(chunk, "rows")]) * int(design[chunk_name(chunk, "columns")])
        slots = milliseconds * 1e-3 * CLOCK_HZ * units
        placed.append(PlacedLayer(layer, chunk, milliseconds, millijoules, layer.macs / slots, overflow))
    return total, placed
