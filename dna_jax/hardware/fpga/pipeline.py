"""A pipeline of chunks: every chunk works on another image, so that the slowest sets the throughput.

A chunk runs its layers one after another with the same design; its multipliers and buffers serve all of them. Chunks
without layers are not built (Auto-NBA, `model_search.py`; DNA, section 4).
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware.fpga.allocation import ChunkLayers, allocate, chunk_layers
from dna_jax.hardware.fpga.layer import CLOCK_HZ, ChunkDesign, Model, cost_on_chunk
from dna_jax.spaces import DEPTHWISE_MODES, KNOBS, STANDARD_MODES, Chunk, Option, knob_name, tile_and_unrolled
from dna_jax.workload import Layer


@struct.dataclass
class ChunkCost:
    """What chunks take, arrays of one shape.

    Attributes:
      cycles: for all layers of an image.
      dsp, bram: DSP slices and block RAMs.
    """

    cycles: jax.Array
    dsp: jax.Array
    bram: jax.Array


@struct.dataclass
class PipelineCost:
    """What a pipeline takes.

    Attributes:
      chunks: per chunk.
      cycles: between images, those of the slowest chunk.
      latency_cycles: of one image through all chunks.
      dsp, bram: of all chunks.
    """

    chunks: ChunkCost
    cycles: jax.Array
    latency_cycles: jax.Array
    dsp: jax.Array
    bram: jax.Array

    @property
    def fps(self) -> jax.Array:
        """Images a second; infinite where there is nothing to do."""
        return CLOCK_HZ / self.cycles


def chunk_cost(work: ChunkLayers, design: ChunkDesign, depthwise: bool, parallel: str, model: Model) -> ChunkCost:
    """Cost of chunks for the layers they run.

    Args:
      work: [..., L].
      design: [...], of the chunks.
      depthwise, parallel, model: as in `cost_on_chunk`.
    """
    cost = cost_on_chunk(work.layers, jax.tree.map(lambda leaf: leaf[..., None], design), depthwise, parallel, model)
    # What only pads has the shape of a layer that is there.
    return ChunkCost(
        cycles=jnp.sum(work.count * cost.cycles, axis=-1),
        dsp=jnp.max(cost.dsp, axis=-1),
        bram=jnp.max(cost.bram, axis=-1),
    )


def mixed_chunk_cost(work: ChunkLayers, design: ChunkDesign, modes: jax.Array, depthwise: bool, model: Model) -> ChunkCost:
    """Cost of chunks whose compute mode is chosen by probabilities: the mixture of what the modes cost.

    Args:
      work, design, depthwise, model: as in `chunk_cost`.
      modes: probabilities [..., modes] in the order of `Chunk.modes`; one-hot where the mode is decided.
    """
    names = DEPTHWISE_MODES if depthwise else STANDARD_MODES
    costs = [chunk_cost(work, design, depthwise, name, model) for name in names]
    return jax.tree.map(lambda *leaves: jnp.sum(jnp.stack(leaves, axis=-1) * modes[..., : len(names)], axis=-1), *costs)


def pipeline_cost(chunks: ChunkCost) -> PipelineCost:
    """A pipeline of the chunks along the last axis."""
    return PipelineCost(
        chunks=chunks,
        cycles=jnp.max(chunks.cycles, axis=-1),
        latency_cycles=jnp.sum(chunks.cycles, axis=-1),
        dsp=jnp.sum(chunks.dsp, axis=-1),
        bram=jnp.sum(chunks.bram, axis=-1),
    )


def chunk_design(chunk: Chunk, design: Mapping[str, Option]) -> tuple[str, tuple[int, ...]]:
    """Compute mode of a chunk, and the eight numbers of its `ChunkDesign`; ValueError if the design leaves it out."""
    if knob_name(chunk, "parallel") not in design:
        raise ValueError(f"The design has no chunk {chunk.name}, which the network needs.")
    pairs = [
        tile_and_unrolled("1/1" if chunk.depthwise and knob == "inputs" else design[knob_name(chunk, knob)])
        for knob in KNOBS
    ]
    tiles, unrolled = zip(*pairs, strict=True)
    return str(design[knob_name(chunk, "parallel")]), (*tiles, *unrolled)


_one_chunk = jax.jit(chunk_cost, static_argnames=("depthwise", "parallel", "model"))


_every_layer = jax.jit(cost_on_chunk, static_argnames=("depthwise", "parallel", "model"))


def layer_costs(layers: Sequence[Layer], design: Mapping[str, Option], model: Model = "corrected") -> dict[str, float]:
    """Cycles of every layer that a chunk runs, all its groups, by its name; arguments as in `evaluate_pipeline`."""
    cycles = {}
    with jax.enable_x64(True):
        for chunk, own in allocate(layers, design).items():
            parallel, numbers = chunk_design(chunk, design)
            sizes = ChunkDesign(*(jnp.asarray(float(n), jnp.float64) for n in numbers))
            for layer in own:
                work = chunk_layers([layer], jnp.float64)
                cost = _every_layer(work.layers, sizes, chunk.depthwise, parallel, model)
                cycles[layer.name] = float(jnp.sum(work.count * cost.cycles))
    return cycles


def evaluate_pipeline(
    layers: Sequence[Layer], design: Mapping[str, Option], model: Model = "corrected"
) -> tuple[dict[Chunk, ChunkCost], PipelineCost]:
    """Cost of a discrete network on a discrete pipeline, in float64.

    Args:
      layers: of the network; what has no weights costs nothing.
      design: values of the decisions of `fpga_pipeline_space`; those of chunks without layers are not read.
      model: "released" or "corrected".

    Returns:
      The cost of every chunk that has layers, and of the pipeline they make.
    """
    costs: dict[Chunk, ChunkCost] = {}
    with jax.enable_x64(True):
        for chunk, own in allocate(layers, design).items():
            parallel, numbers = chunk_design(chunk, design)
            sizes = ChunkDesign(*(jnp.asarray(float(n), jnp.float64) for n in numbers))
            cost = _one_chunk(chunk_layers(own, jnp.float64), sizes, chunk.depthwise, parallel, model)
            costs[chunk] = jax.tree.map(np.asarray, cost)
        every = list(costs.values()) or [ChunkCost(*[jnp.zeros(())] * 3)]
        total = jax.tree.map(np.asarray, pipeline_cost(jax.tree.map(lambda *leaves: np.stack(leaves), *every)))
    return costs, total
