"""Exact search: every accelerator of a space priced for a given network, so that a found one can be judged."""

import concurrent.futures
import dataclasses
import functools
import itertools
import math
import os
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import Architecture, Cost, Template, evaluate, price_layers, total_cost
from dna_jax.search.enumeration import Enumeration
from dna_jax.spaces import Option, Point, Space
from dna_jax.workload import Layer, Workload, merge_equal_layers, workload_from_layers

SIDE_BY_SIDE = 128
"""At most this many combinations of the last knobs are priced side by side, so that what they share is computed once."""

GROUPS = 16
"""Combinations of the first knobs per call of the compiled program."""

ROWS = 8
"""Distinct layers are padded to a multiple of this, so that networks of one family share a compiled program."""

ROWS_ALONE = 64
"""The same where one design is priced: rows cost nothing then, and compiling does."""


def discrete_workload(layers: Sequence[Layer], dtype: jax.typing.DTypeLike, rows: int) -> tuple[Workload, np.ndarray]:
    """Workload of a discrete network with equal layers once, and the row of each layer in it, int[L].

    Weights count equal layers; rows that only pad, to a multiple of `rows`, have weight 0.
    """
    distinct, matrix = merge_equal_layers(layers)
    padding = -len(distinct) % rows
    counts = np.concatenate([matrix.sum(axis=1), np.zeros(padding)])
    return workload_from_layers([*distinct, *[distinct[0]] * padding], counts, dtype), np.argmax(matrix, axis=0)


@functools.partial(jax.jit, static_argnames="template")
def _evaluate(template: Template, workload: Workload, point: Point) -> Cost:
    architecture = template.architecture(point, workload.weight.dtype)
    return evaluate(workload, architecture, template.candidates, template.correction)


def discrete_cost(template: Template, layers: Sequence[Layer], design: Mapping[str, Option]) -> Cost:
    """Cost of a discrete network on a discrete accelerator, in float64; its `layers` are those given, in order."""
    with jax.enable_x64(True):
        workload, rows = discrete_workload(layers, jnp.float64, ROWS_ALONE)
        cost = _evaluate(template, workload, template.space.encode(template.space.restrict(design)))
        cost = jax.tree.map(np.asarray, cost)
    return dataclasses.replace(cost, layers=jax.tree.map(lambda table: table[rows], cost.layers))


Price = Callable[[Template, Workload, Architecture], tuple[jax.Array, ...]]
"""What is asked of an accelerator; part of the compiled program, known by its identity."""


def _totals(template: Template, workload: Workload, architecture: Architecture) -> tuple[jax.Array, ...]:
    """Milliseconds, millijoules, square millimetres, and bytes that do not fit."""
    layers = price_layers(workload, architecture, template.candidates, template.correction)
    totals = total_cost(workload, architecture, layers)
    return totals.latency_s * 1e3, totals.energy_j * 1e3, totals.area_mm2, totals.overflow_bytes


def _each_layer(template: Template, workload: Workload, architecture: Architecture) -> tuple[jax.Array, ...]:
    """Milliseconds of every layer [L], square millimetres, and bytes of every layer that do not fit [L]."""
    layers = price_layers(workload, architecture, template.candidates, template.correction)
    milliseconds = layers.cycles / architecture.clock_hz * 1e3
    return milliseconds, architecture.total_area_mm2, functools.reduce(jnp.add, layers.overflow_bytes)


@functools.partial(jax.jit, static_argnames=("template", "price"))
def _price_grid(
    template: Template, price: Price, workload: Workload, first: jax.Array, last: tuple[jax.Array, ...]
) -> tuple[jax.Array, ...]:
    """Prices [groups, *combinations of the last knobs, ...] for rows of option indices of the first knobs.

    Each knob has an axis of its own, so that what depends on some knobs only is computed for these alone.
    """
    names = [decision.name for decision in template.space.decisions]
    sizes = [len(decision.options) for decision in template.space.decisions]

    def price_one(*chosen: jax.Array) -> tuple[jax.Array, ...]:
        one_hot = [jax.nn.one_hot(i, size, dtype=workload.weight.dtype) for i, size in zip(chosen, sizes, strict=True)]
        knobs = dict(zip(names, one_hot, strict=True))
        return price(template, workload, template.architecture(knobs, workload.weight.dtype))

    grid = price_one
    for axis in reversed(range(first.shape[1], len(names))):
        grid = jax.vmap(grid, in_axes=[0 if knob == axis else None for knob in range(len(names))])
    return jax.lax.map(lambda row: grid(*row, *last), first)


def _price_all(
    template: Template, layers: Sequence[Layer], space: Space, price: Price
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Every accelerator of a space: option indices int[A, decisions], prices [A, ...] in float64, and of each of the layers
    its row among those of a workload."""
    options = [
        np.array([d.index(space.fixed[d.name])] if d.name in space.fixed else range(len(d.options))) for d in space.decisions
    ]
    split = len(options)
    while split > 1 and math.prod(map(len, options[split - 1 :])) <= SIDE_BY_SIDE:
        split -= 1
    first = np.array(list(itertools.product(*options[:split])))
    last = np.array(list(itertools.product(*options[split:]))).reshape(math.prod(map(len, options[split:])), -1)
    padded = np.concatenate([first, np.broadcast_to(first[:1], (-len(first) % GROUPS, split))])

    def price_group(group: np.ndarray) -> list[np.ndarray]:
        with jax.enable_x64(True):
            workload, _ = discrete_workload(layers, jnp.float64, ROWS)
            knobs = tuple(jnp.asarray(o) for o in options[split:])
            priced = _price_grid(template, price, workload, jnp.asarray(group), knobs)
            # One axis for each of the knobs beside that of the group.
            return [np.asarray(table).reshape(-1, *table.shape[1 + len(knobs) :]) for table in priced]

    # The compiled program runs on one core and lets others run meanwhile.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        groups = list(pool.map(price_group, padded.reshape(-1, GROUPS, split)))
    total = len(first) * len(last)
    tables = [np.concatenate(parts)[:total] for parts in zip(*groups, strict=True)]
    indices = np.concatenate([np.repeat(first, len(last), axis=0), np.tile(last, (len(first), 1))], axis=1)
    return indices, tables, discrete_workload(layers, jnp.float32, ROWS)[1]


def enumerate_accelerators(template: Template, layers: Sequence[Layer], space: Space | None = None) -> Enumeration:
    """Price every accelerator of `space` (the template's, possibly with knobs fixed) for a discrete network, in float64."""
    indices, (latency, energy, area, overflow), _ = _price_all(template, layers, space or template.space, _totals)
    return Enumeration(indices, {"latency_ms": latency, "energy_mj": energy, "area_mm2": area}, overflow <= 0)


def enumerate_layers(template: Template, layers: Sequence[Layer]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price each of L layers on every accelerator of a template, in float64, in the order of `Space.grid`.

    Returns:
      milliseconds [L, A] and square millimetres [A]; and whether an accelerator holds a layer's tiles, bool[L, A].
    """
    _, (milliseconds, area, overflow), rows = _price_all(template, layers, template.space, _each_layer)
    return milliseconds.T[rows], area, overflow.T[rows] <= 0
