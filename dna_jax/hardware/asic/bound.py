"""Lower bounds: what no pipeline of the space undercuts for a network, whatever its allocation and mappings.

Each figure is the cost model with everything shared ideally. A layer takes at least the steps of the best array, in the best
style, that fits the area beside the smallest memories and the link; its weights, inputs and outputs cross the link once, at
its whole bandwidth, which a chunk has that runs all layers. Energy counts multiply-accumulates, what they take from
registers, and one passage of every datum through the link, a buffer and the registers, with the buffers that take least. A
faster link leaves less area for arrays: the bound is the least over the link's options.

Proof: cycles of a layer in the cost model are the largest of computation and of every port's time, so each alone bounds
them; a chunk is not larger than the chip; a pipeline's latency is the sum over layers, each of which runs on some chunk.
Between images pass at least the longest group of layers, the average over chunks, and what all chunks together take for all
multiply-accumulates and for all that crosses the link.
"""

import functools
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware import surrogate, technology
from dna_jax.hardware.asic.work import Grouping, PipelineWork, pipeline_work
from dna_jax.hardware.candidates import CandidateSet
from dna_jax.hardware.footprint import footprint
from dna_jax.hardware.mapper import unroll
from dna_jax.hardware.nest import operand_bytes
from dna_jax.hardware.templates.asic_chunk import CLOCK_HZ, NODE_NM, buffer_figures, chunk_architecture
from dna_jax.hardware.templates.asic_chunk_mappings import chunk_candidates
from dna_jax.spaces import Point, Space
from dna_jax.spaces.asic_pipeline import ARCHITECTURE_KNOBS, BANDWIDTH_GBPS, STYLES, split_fractions
from dna_jax.workload import DIMENSIONS, Layer, Workload

_OPTIONS = {knob.name: knob.options for knob in ARCHITECTURE_KNOBS}


def _numbers(knob: str) -> list[float]:
    return [float(option) for option in _OPTIONS[knob]]


_SHAPES = np.array(list(itertools.product(_numbers("rows"), _numbers("columns"))))


_BANDWIDTHS = tuple(float(option) for option in BANDWIDTH_GBPS.options)


_ROUNDING = 1e-9
"""Relative distance by which figures stay below what is summed up here: a design that attains it may be summed otherwise."""


@struct.dataclass
class PipelineBound:
    """What no pipeline within a budget of area undercuts; infinite where none meets the budget.

    Attributes:
      latency_ms, interval_ms, energy_mj: as in `PipelineCost`.
      edp: energy-delay product of one image, mJ ms.
    """

    latency_ms: float
    interval_ms: float
    energy_mj: float
    edp: float


@functools.cache
def _least_buffers() -> tuple[np.ndarray, np.ndarray, float]:
    """Least read and write energy of a buffer by operand, pJ per byte [3], and least area of a chunk's buffers, mm^2."""
    grid = list(itertools.product(_numbers("buffer_kib"), _OPTIONS["buffer_split"], _numbers("interconnect_bytes")))
    capacity = np.array([[1024 * kib * f for f in split_fractions(str(split))] for kib, split, _ in grid])
    port = np.array([[width] * 3 for *_, width in grid])
    with jax.enable_x64(True):
        read, write, area = map(np.asarray, buffer_figures(jnp.asarray(capacity), jnp.asarray(port), jnp.float64))
    return read.min(axis=0), write.min(axis=0), float(area.sum(axis=1).min())


@jax.jit
def _compute_cycles(layers: Workload, shapes: Point) -> jax.Array:
    """Steps of layers on arrays in every style, [styles, shapes, L]."""

    def steps(layer: Workload, point: Point, style: str) -> jax.Array:
        architecture = chunk_architecture(point, jnp.ones(()), layer.bounds.dtype)
        # The mappings of a style lay out the array alike.
        alike = CandidateSet(chunk_candidates(style).pairs[:1])
        spatial, _ = unroll(layer, architecture, alike)
        unrolled = [spatial[0][d] * spatial[1][d] for d in range(len(DIMENSIONS))]
        trips = [surrogate.ceil(layer.bounds[d] / unrolled[d]) for d in range(len(DIMENSIONS))]
        return jnp.squeeze(functools.reduce(jnp.multiply, trips))

    def of_style(style: str) -> jax.Array:
        on_array = jax.vmap(functools.partial(steps, style=style), in_axes=(0, None))
        return jax.vmap(on_array, in_axes=(None, 0))(layers, shapes)

    return jnp.stack([of_style(style) for style in STYLES])


def _shapes() -> Point:
    """Arrays of every shape, with the first option of everything else."""
    space = Space("arrays", ARCHITECTURE_KNOBS)
    indices = np.zeros((len(_SHAPES), len(space.decisions)), int)
    for i, (rows, columns) in enumerate(_SHAPES):
        indices[i, :2] = _OPTIONS["rows"].index(int(rows)), _OPTIONS["columns"].index(int(columns))
    return space.one_hot(indices, jnp.float64)


def _energy_pj(macs: np.ndarray, moved: np.ndarray, widths: np.ndarray, partial: np.ndarray) -> np.ndarray:
    """Least energy of layers, [L].

    Args:
      macs: of layers, [L].
      moved: bytes of weights, inputs and outputs, [L, 3].
      widths: bytes of one of each, [L, 3].
      partial: bytes of a partial sum, [L].
    """
    read, write, _ = _least_buffers()
    # Of every multiplication both factors are read, and its sum is written.
    registers = macs * (widths[:, 0] + widths[:, 1] + partial) + moved.sum(axis=1)
    dram = moved[:, :2].sum(axis=1) * technology.DRAM_READ_PJ_PER_BYTE + moved[:, 2] * technology.DRAM_WRITE_PJ_PER_BYTE
    unit = technology.arithmetic(NODE_NM)
    narrower = np.asarray(technology.multiplying_share(8 * widths[:, 0], 8 * widths[:, 1])) - 1
    arithmetic = macs * (unit.mac_pj + narrower * unit.multiplier_pj)
    return arithmetic + registers * technology.REGISTER_PJ_PER_BYTE + moved @ (read + write) + dram


def lower_bound(
    layers: Sequence[Layer],
    chunks: int = 3,
    area_mm2: float = np.inf,
    by: Grouping = "block",
    bandwidths_gbps: Sequence[float] = _BANDWIDTHS,
) -> PipelineBound:
    """Bounds for a discrete network.

    Args:
      layers: of the network.
      chunks: of the pipeline.
      area_mm2: budget.
      by: what stays together on a chunk.
      bandwidths_gbps: options of the link to DRAM.
    """
    with jax.enable_x64(True):
        work: PipelineWork = pipeline_work(layers, by, jnp.float64)
        steps = np.asarray(_compute_cycles(work.layers, _shapes())).min(axis=0)
        whole = [work.layers.bounds[:, d] for d in range(len(DIMENSIONS))]
        bits = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), work.layers)
        elements = np.stack([np.asarray(x) for x in footprint(whole, bits)], axis=1)
        partial, widths = (np.stack([np.asarray(x) for x in row], axis=1) for row in operand_bytes(bits))
        macs = np.prod(np.asarray(work.layers.bounds), axis=1)
        counts = np.asarray(work.counts)
    moved = elements * widths
    each = counts.sum(axis=0)
    energy_mj = float(each @ _energy_pj(macs, moved, widths, partial[:, 2])) * 1e-9

    unit_mm2 = technology.arithmetic(NODE_NM).mac_mm2 + technology.register_mm2(NODE_NM, min(_numbers("register_bytes")))
    *_, buffers_mm2 = _least_buffers()
    units = _SHAPES.prod(axis=1)
    bounds = [(np.inf, np.inf)]
    for gbps in bandwidths_gbps:
        room = area_mm2 - technology.LINK_MM2_PER_GBPS * gbps - buffers_mm2
        fits = units * unit_mm2 <= room
        if not fits.any():
            continue
        link = gbps * 1e9 / CLOCK_HZ
        cycles = np.maximum(steps[fits].min(axis=0), moved.sum(axis=1) / link)
        all_units = min(room / unit_mm2, chunks * units.max())
        interval = max(
            (counts @ cycles).max(),
            each @ cycles / chunks,
            each @ macs / all_units,
            each @ moved.sum(axis=1) / link,
        )
        bounds.append((float(each @ cycles), float(interval)))
    latency_ms, interval_ms = (min(column) * 1e3 / CLOCK_HZ for column in zip(*bounds, strict=True))
    if np.isinf(latency_ms):
        energy_mj = np.inf
    latency_ms, interval_ms, energy_mj = (figure * (1 - _ROUNDING) for figure in (latency_ms, interval_ms, energy_mj))
    return PipelineBound(latency_ms, interval_ms, energy_mj, latency_ms * energy_mj)
