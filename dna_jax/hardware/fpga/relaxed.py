"""The cost of a soft network on a soft FPGA pipeline, with a gradient that knows every neighbouring option exactly.

As for templates (`hardware.relaxed`): the value at a point is that of expected tiles and unrolled parts, and the gradient by
the probability of an option is the cost with that knob at that option. Compute modes mix by their probabilities, layers
count as often as they are expected, and a layer between two allocations runs on both chunks in part. At a one-hot point the
value is that of the discrete pipeline.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware import surrogate
from dna_jax.hardware.fpga.allocation import is_depthwise, is_priced, layer_fields
from dna_jax.hardware.fpga.layer import CLOCK_HZ, ChunkDesign, FpgaLayers, Model, cost_on_chunk
from dna_jax.spaces import KNOBS, Chunk, Point, Space, boundary_name, chunks_of, knob_name, pad_options, tiles_and_unrolled
from dna_jax.workload import Layer, merge_counts

_KNOBS = (*KNOBS, "parallel")


@struct.dataclass
class RelaxedPipelineCost:
    """Cost of a pipeline at a point, scalars.

    Attributes:
      frame_ms: milliseconds between images.
      latency_ms: milliseconds of one image through all chunks.
      dsp, bram: DSP slices and block RAMs of the chunks that have layers.
      chunk_cycles: of the chunks, as `priced_chunks` has them, [A]; 0 of those without layers.
    """

    frame_ms: jax.Array
    latency_ms: jax.Array
    dsp: jax.Array
    bram: jax.Array
    chunk_cycles: jax.Array

    @property
    def metrics(self) -> dict[str, jax.Array]:
        """What may have a budget, by name."""
        return {"frame_ms": self.frame_ms, "latency_ms": self.latency_ms, "dsp": self.dsp, "bram": self.bram}

    @property
    def misfit(self) -> jax.Array:
        """Every layer runs on every chunk of its kind."""
        return jnp.zeros_like(self.frame_ms)

    def of_best(self, shares: jax.Array) -> "RelaxedPipelineCost":
        """The same cost, with the slopes that it has where the pipeline is set anew to the best as layers change.

        Time from image to image alone has other slopes: what the best pipeline uses of the device is whatever helps.

        Args:
          shares: relative increase of the best pipeline's cycles for a relative increase of the work of each chunk, [A].
            Those of chunks without layers fall to the others. Where none remains, as before there has been a best pipeline,
            slopes are those of the pipeline as it stands.
        """
        built = self.chunk_cycles > 0
        total = jnp.sum(jnp.where(built, shares, 0))
        known = total > 0
        logarithms = jnp.log(jnp.where(built, self.chunk_cycles, 1))
        weights = jnp.where(built & known, shares / jnp.where(known, total, 1), 0)
        change = jnp.sum(weights * (logarithms - jax.lax.stop_gradient(logarithms)))
        of_best = jax.lax.stop_gradient(self.frame_ms) * jnp.exp(change)
        return dataclasses.replace(self, frame_ms=jnp.where(known, of_best, self.frame_ms))


def priced_chunks(space: Space) -> tuple[Chunk, ...]:
    """The chunks of a pipeline space, those of dense layers first, as `RelaxedPipelineCost` has them."""
    return tuple(sorted(chunks_of(space), key=lambda chunk: chunk.depthwise))


@dataclasses.dataclass(frozen=True)
class _Neighbours:
    """The designs beside a soft one: one knob of every chunk at one of its options.

    Attributes:
      chunks: of one kind, A.
      tiles, unrolled: what options stand for, [A, 4, W].
      knobs, options: of each neighbour, int[N]; the same for all chunks, options that some lack included.
    """

    chunks: tuple[Chunk, ...]
    tiles: np.ndarray
    unrolled: np.ndarray
    knobs: np.ndarray
    options: np.ndarray


def _neighbours(space: Space, chunks: tuple[Chunk, ...], width: int) -> _Neighbours:
    sizes = {decision.name: len(decision.options) for decision in space.free}
    most = [max(sizes.get(knob_name(chunk, knob), 0) for chunk in chunks) for knob in _KNOBS]
    chosen = np.array([(k, o) for k in range(len(_KNOBS)) for o in range(most[k])], int).reshape(-1, 2)
    return _Neighbours(chunks, *tiles_and_unrolled(space, chunks, width), chosen[:, 0], chosen[:, 1])


def _probabilities(point: Point, chunks: Sequence[Chunk], width: int) -> jax.Array:
    """Of the knobs of chunks of one kind, [A, 5, W]; one channel of inputs is certain where there is no such knob."""
    knobs = [knob for knob in _KNOBS if not (chunks[0].depthwise and knob == "inputs")]
    rows = point.select([knob_name(chunk, knob) for chunk in chunks for knob in knobs]).rows
    rows = pad_options(rows.reshape(len(chunks), len(knobs), -1), width)
    if chunks[0].depthwise:
        certain = jnp.broadcast_to(jnp.eye(1, width, dtype=rows.dtype), (len(chunks), 1, width))
        rows = jnp.concatenate([rows[:, :3], certain, rows[:, 3:]], axis=1)
    return rows


@dataclasses.dataclass(frozen=True)
class PipelinePricing:
    """Prices of a search on FPGA pipelines.

    Attributes:
      space: an `fpga_pipeline_space`, with what is fixed; fixed knobs get no gradient and cost no evaluation.
      model: "released" or "corrected".
    """

    space: Space
    model: Model = "corrected"

    @functools.cached_property
    def _width(self) -> int:
        return max(len(decision.options) for decision in self.space.decisions)

    def _kind(
        self, layers: Sequence[Layer], weight: jax.Array, point: Point, depthwise: bool
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Cycles, DSP slices and block RAMs of the chunks of one kind, each [A]; zeros if no layer is of it."""
        chunks = tuple(chunk for chunk in priced_chunks(self.space) if chunk.depthwise == depthwise)
        rows = {
            bits: [i for i, layer in enumerate(layers) if _runs_on(layer, depthwise, bits)]
            for bits in {chunk.bits for chunk in chunks}
        }
        longest = max(map(len, rows.values()), default=0)
        if not longest:
            none = jnp.zeros(len(chunks), weight.dtype)
            return none, none, none
        # Chunks of every width have as many rows: those that only pad repeat the first layer of the kind, and count nothing.
        some = next(i for found in rows.values() for i in found)
        index = np.array([rows[chunk.bits] + [some] * (longest - len(rows[chunk.bits])) for chunk in chunks])
        counted = np.array([np.arange(longest) < len(rows[chunk.bits]) for chunk in chunks])
        fields = np.array([layer_fields(layers[i]) for i in index.ravel()], np.float32).reshape(*index.shape, -1)
        bits = np.broadcast_to(np.array([chunk.bits for chunk in chunks], np.float32)[:, None], index.shape)
        work = FpgaLayers(
            *(jnp.asarray(fields[..., f], weight.dtype) for f in range(5)), bits=jnp.asarray(bits, weight.dtype)
        )
        groups = np.array([1 if depthwise else layer.groups for layer in layers])
        boundaries = self.space[boundary_name(depthwise)].options
        is_large = np.array([[int(least) <= layer.P for least in boundaries] for layer in layers], np.float32)
        large = jnp.sum(point[boundary_name(depthwise)] * is_large, axis=-1)
        share = jnp.stack([large if chunk.large else 1 - large for chunk in chunks])
        count = jnp.where(counted, (weight * groups)[index] * jnp.take_along_axis(share, jnp.asarray(index), axis=1), 0)
        return self._price(work, count, point, chunks)

    def _price(
        self, work: FpgaLayers, count: jax.Array, point: Point, chunks: tuple[Chunk, ...]
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        beside = _neighbours(self.space, chunks, self._width)
        knobs = _probabilities(point, chunks, self._width)
        held = jax.lax.stop_gradient(knobs)
        present = jnp.minimum(count, 1)

        def table(probabilities: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
            """Cycles and block RAMs of each layer [A, L], DSP slices [A], at probabilities [A, 5, W]."""
            tiles = jnp.sum(probabilities[:, :4] * beside.tiles, axis=-1)
            unrolled = jnp.sum(probabilities[:, :4] * beside.unrolled, axis=-1)
            design = ChunkDesign(*(side[:, k, None] for side in (tiles, unrolled) for k in range(4)))
            modes = chunks[0].modes
            costs = [cost_on_chunk(work, design, chunks[0].depthwise, mode, self.model) for mode in modes]
            mix = probabilities[:, 4, : len(modes)]

            def mixed(name: str) -> jax.Array:
                return sum((getattr(cost, name) * mix[:, m, None] for m, cost in enumerate(costs)), jnp.zeros(()))

            return mixed("cycles"), mixed("bram"), jnp.max(mixed("dsp"), axis=-1)

        replaced = np.arange(len(_KNOBS))[:, None] == np.append(-1, beside.knobs)[:, None, None]
        chosen = np.eye(self._width, dtype=np.float32)[np.append(0, beside.options)]
        points = jnp.where(replaced[:, None], chosen[:, None, None, :], held)
        cycles, bram, dsp = jax.lax.stop_gradient(jax.lax.map(table, points, batch_size=16))
        # Zeros, with the gradient of the probabilities: what each neighbour's row is weighted with.
        move = jnp.moveaxis((knobs - held)[:, beside.knobs, beside.options], 0, 1)
        fixed_count, fixed_present = jax.lax.stop_gradient(count), jax.lax.stop_gradient(present)
        by_knob = jnp.sum(move * jnp.sum(cycles[1:] * fixed_count, axis=-1), axis=0)
        total_cycles = jnp.sum(cycles[0] * count, axis=-1) + by_knob
        built = jnp.minimum(jnp.sum(count, axis=-1), 1)
        total_dsp = built * (dsp[0] + jnp.sum(move * dsp[1:], axis=0))
        buffers = jnp.max(bram[1:] * fixed_present, axis=-1)
        total_bram = jnp.max(bram[0] * present, axis=-1) + jnp.sum(move * buffers, axis=0)
        return total_cycles, total_dsp, total_bram

    def __call__(self, layers: Sequence[Layer], weight: jax.Array, point: Mapping[str, jax.Array]) -> RelaxedPipelineCost:
        """Cost at a point of layers, each as often as its weight [L] says."""
        layers, weight = merge_counts(layers, weight)
        kinds = [self._kind(layers, weight, Point.of(point), depthwise) for depthwise in (False, True)]
        cycles, dsp, bram = (jnp.concatenate(parts) for parts in zip(*kinds, strict=True))
        return RelaxedPipelineCost(
            frame_ms=surrogate.largest_entry(cycles) / CLOCK_HZ * 1e3,
            latency_ms=jnp.sum(cycles) / CLOCK_HZ * 1e3,
            dsp=jnp.sum(dsp),
            bram=jnp.sum(bram),
            chunk_cycles=cycles,
        )


def _runs_on(layer: Layer, depthwise: bool, bits: int) -> bool:
    return is_priced(layer) and is_depthwise(layer) == depthwise and layer.weight_bits == bits
