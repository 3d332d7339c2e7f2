"""Random designs with what the analytical model says of them, from which a cost model is learned.

Layers of a network run one after another, so its latency is a sum. Each layer that some network may have is priced once on
each accelerator drawn, and the latency of a design is then a sum of prices that are there: half a million designs take
little longer than the accelerators among them.
"""

import concurrent.futures
import dataclasses
import functools
import os

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import Template, price_layers
from dna_jax.networks import LayeredFamily, expected_layers, possible_layers
from dna_jax.spaces import Space
from dna_jax.workload import Workload, merge_counts, merge_equal_layers, workload_from_layers

_SIDE_BY_SIDE = 16
"""Accelerators priced side by side; with more, their intermediate results no longer fit the caches of a processor."""

_ACCELERATORS = 4 * _SIDE_BY_SIDE
"""Accelerators, and designs, per call of a compiled program: numbers drawn are filled up to a multiple."""

_DESIGNS = 1024


@dataclasses.dataclass(frozen=True)
class LabelledDesigns:
    """Designs with their costs.

    Attributes:
      indices: option of each decision of the joint space, int8[n, decisions].
      latency_ms: milliseconds per inference, float64[n].
      area_mm2: square millimetres, float64[n].
      fits: whether all tiles fit the memories, bool[n].
    """

    indices: np.ndarray
    latency_ms: np.ndarray
    area_mm2: np.ndarray
    fits: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: slice) -> "LabelledDesigns":
        return LabelledDesigns(self.indices[rows], self.latency_ms[rows], self.area_mm2[rows], self.fits[rows])


def draw_designs(space: Space, samples: int, seed: int) -> np.ndarray:
    """Designs drawn uniformly from a space, what is fixed held: int8[samples, decisions]."""
    generator = np.random.default_rng(seed)
    allowed = [np.flatnonzero(row) for row in space.is_allowed]
    return np.stack([generator.choice(options.astype(np.int8), samples) for options in allowed], axis=1)


@functools.partial(jax.jit, static_argnames="template")
def _price_accelerators(
    template: Template, workload: Workload, indices: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Milliseconds [n, L] and bytes beyond memories [n, L] of layers, and square millimetres [n], on n accelerators."""

    def price(row: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        dtype = workload.weight.dtype
        architecture = template.architecture(template.space.one_hot(row, dtype), dtype)
        layers = price_layers(workload, architecture, template.candidates, template.correction)
        milliseconds = layers.cycles / architecture.clock_hz * 1e3
        return milliseconds, functools.reduce(jnp.add, layers.overflow_bytes), architecture.total_area_mm2

    return jax.lax.map(price, indices, batch_size=_SIDE_BY_SIDE)


@functools.partial(jax.jit, static_argnames=("specification", "space"))
def _add_up(
    specification: LayeredFamily,
    space: Space,
    indices: jax.Array,
    accelerators: jax.Array,
    milliseconds: jax.Array,
    overflow: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Milliseconds and bytes beyond memories of n designs, from the tables [accelerators, L] and the row of each in them."""

    def layer_counts(row: jax.Array) -> jax.Array:
        point = space.one_hot(row, milliseconds.dtype)
        return merge_counts(*expected_layers(specification, point))[1]

    counts = jax.vmap(layer_counts)(indices)
    latency, beyond = (jnp.sum(counts * table[accelerators], axis=1) for table in (milliseconds, overflow))
    return latency, beyond


def _filled(rows: np.ndarray, multiple: int) -> np.ndarray:
    """Rows [n, ...] with the first one repeated after them, in groups [g, multiple, ...]."""
    filled = np.concatenate([rows, np.repeat(rows[:1], -len(rows) % multiple, axis=0)])
    return filled.reshape(-1, multiple, *rows.shape[1:])


def label_designs(
    template: Template, specification: LayeredFamily, space: Space, samples: int, seed: int
) -> LabelledDesigns:
    """Random designs of a space of networks and accelerators, priced in float64.

    The costs are those of `search.discrete_cost`, corrected cycles included where the template has a correction.

    Args:
      template: the family of accelerators.
      specification: the family of networks.
      space: the joint space, with what is fixed.
      samples: designs.
      seed: of the drawing.
    """
    indices = draw_designs(space, samples, seed)
    column = {decision.name: i for i, decision in enumerate(space.decisions)}
    knobs = indices[:, [column[decision.name] for decision in template.space.decisions]]
    distinct, rows = np.unique(knobs, axis=0, return_inverse=True)
    layers, _ = merge_equal_layers(possible_layers(specification))

    def price(group: np.ndarray) -> list[np.ndarray]:
        with jax.enable_x64(True):
            workload = workload_from_layers(layers, dtype=jnp.float64)
            return [np.asarray(table) for table in _price_accelerators(template, workload, jnp.asarray(group))]

    def add_up(group: np.ndarray, row: np.ndarray) -> list[np.ndarray]:
        with jax.enable_x64(True):
            return [np.asarray(x) for x in _add_up(specification, space, group, row, milliseconds, overflow)]

    # The compiled programs run on one core and let others run meanwhile.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        priced = zip(*pool.map(price, _filled(distinct, _ACCELERATORS)), strict=True)
        each_milliseconds, each_overflow, area = (np.concatenate(parts) for parts in priced)
        with jax.enable_x64(True):
            milliseconds, overflow = jnp.asarray(each_milliseconds), jnp.asarray(each_overflow)
        groups = _filled(indices, _DESIGNS), _filled(rows.ravel(), _DESIGNS)
        added = zip(*pool.map(add_up, *groups), strict=True)
        latency, beyond = (np.concatenate(parts)[:samples] for parts in added)
    return LabelledDesigns(indices, latency, area[rows.ravel()], beyond <= 0)
