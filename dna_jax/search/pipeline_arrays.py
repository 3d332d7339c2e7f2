"""A network on an FPGA pipeline as arrays of one shape: what a search prices many designs with, in one program."""

import itertools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware.fpga import ChunkDesign, ChunkLayers, Model, allocate, chunk_layers, mixed_chunk_cost
from dna_jax.spaces import KNOBS, Chunk, Design, Space, boundary_name, chunks_of, knob_name, tiles_and_unrolled
from dna_jax.workload import Layer

MODE = len(KNOBS)
"""Row of the compute mode among the knobs of a chunk."""


@struct.dataclass
class KindArrays:
    """The chunks of one kind side by side.

    Attributes:
      work: layers of each, [A, L].
      built: whether the chunk has layers, bool[A].
      tiles, unrolled: what the options of KNOBS stand for, [A, 4, W].
      is_option: what may be chosen, bool[A, 5, W]; the last row is the compute mode.
    """

    work: ChunkLayers
    built: jax.Array
    tiles: jax.Array
    unrolled: jax.Array
    is_option: jax.Array


@struct.dataclass
class PipelineArrays:
    """Chunks of standard and of depthwise layers, in this order wherever both stand side by side."""

    standard: KindArrays
    depthwise: KindArrays

    @property
    def built(self) -> jax.Array:
        """Which chunks have layers, bool[A]."""
        return jnp.concatenate([self.standard.built, self.depthwise.built])

    @property
    def is_option(self) -> jax.Array:
        """What may be chosen, bool[A, 5, W]."""
        return jnp.concatenate([self.standard.is_option, self.depthwise.is_option])


def _kind_arrays(chunks: Sequence[Chunk], allocated: Mapping[Chunk, Sequence[Layer]], space: Space, rows: int) -> KindArrays:
    width = max(len(decision.options) for decision in space.decisions)
    tiles, unrolled = tiles_and_unrolled(space, chunks, width)
    is_option = np.zeros((len(chunks), len(KNOBS) + 1, width), bool)
    for a, chunk in enumerate(chunks):
        for k, knob in enumerate((*KNOBS, "parallel")):
            name = knob_name(chunk, knob)
            if chunk.depthwise and knob == "inputs":
                is_option[a, k, 0] = True
                continue
            options = space[name].options
            is_option[a, k, [options.index(option) for option in space.allowed(name)]] = True
    # A chunk without layers borrows some, so that nothing in it is undefined; it counts for nothing.
    borrowed = next(iter(allocated.values()))
    work = [chunk_layers(allocated.get(chunk, borrowed), jnp.float32, rows) for chunk in chunks]
    return KindArrays(
        work=jax.tree.map(lambda *leaves: jnp.stack(leaves), *work),
        built=jnp.array([chunk in allocated for chunk in chunks]),
        tiles=jnp.asarray(tiles),
        unrolled=jnp.asarray(unrolled),
        is_option=jnp.asarray(is_option),
    )


def allocations(space: Space) -> list[Space]:
    """An `fpga_pipeline_space` with its allocation fixed, in every way that it leaves open."""
    names = [boundary_name(kind) for kind in (False, True)]
    values = [space.allowed(name) for name in names]
    return [space.fix(dict(zip(names, chosen, strict=True))) for chosen in itertools.product(*values)]


def pipeline_arrays(layers: Sequence[Layer], spaces: Sequence[Space]) -> PipelineArrays:
    """Arrays of a discrete network on the pipelines of spaces, side by side: every leaf has an axis of spaces first.

    Args:
      layers: of the network.
      spaces: an `fpga_pipeline_space` under `allocations`; knobs may be fixed, too.

    Raises:
      ValueError: if no layer has weights, or the operands of one have a width for which there is no chunk.
    """
    allocated = [allocate(layers, space.fixed) for space in spaces]
    chunks = chunks_of(spaces[0])
    missing = sorted({chunk.name for each in allocated for chunk in each if chunk not in chunks})
    if missing or not all(allocated):
        raise ValueError(f"The space has no chunk for {', '.join(missing)}." if missing else "No layer has weights.")
    # As many rows in every program for the networks of one family.
    rows = max(chunk_layers(own, jnp.float32).count.shape[-1] for each in allocated for own in each.values())

    def of_kind(depthwise: bool) -> KindArrays:
        own = [chunk for chunk in chunks if chunk.depthwise == depthwise]
        arrays = [_kind_arrays(own, each, space, rows) for each, space in zip(allocated, spaces, strict=True)]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays)

    return PipelineArrays(of_kind(False), of_kind(True))


def sampled_costs(arrays: PipelineArrays, point: jax.Array, model: Model) -> jax.Array:
    """Cycles, DSP slices and block RAMs of every chunk at points, [..., A, 3]; those of chunks without layers are 0.

    Args:
      arrays: of the network.
      point: probabilities [..., A, 5, W] of the options of every knob, soft or one-hot.
      model: "released" or "corrected".
    """
    costs = []
    split = len(arrays.standard.built)
    for kind, own in ((arrays.standard, point[..., :split, :, :]), (arrays.depthwise, point[..., split:, :, :])):
        tiles = jnp.sum(own[..., :MODE, :] * kind.tiles, axis=-1)
        unrolled = jnp.sum(own[..., :MODE, :] * kind.unrolled, axis=-1)
        sizes = [side[..., k] for side in (tiles, unrolled) for k in range(MODE)]
        cost = mixed_chunk_cost(kind.work, ChunkDesign(*sizes), own[..., MODE, :], kind is arrays.depthwise, model)
        costs.append(jnp.where(kind.built[:, None], jnp.stack([cost.cycles, cost.dsp, cost.bram], axis=-1), 0))
    return jnp.concatenate(costs, axis=-2)


def design_of(space: Space, options: np.ndarray) -> Design:
    """The design of option indices int[A, 5], with the allocation that the space fixes."""
    design: Design = {name: space.fixed[name] for name in map(boundary_name, (False, True))}
    chunks = chunks_of(space)
    ordered = [c for c in chunks if not c.depthwise] + [c for c in chunks if c.depthwise]
    for chunk, row in zip(ordered, options, strict=True):
        for k, knob in enumerate((*KNOBS, "parallel")):
            if not (chunk.depthwise and knob == "inputs"):
                name = knob_name(chunk, knob)
                design[name] = space[name].options[int(row[k])]
    return design
