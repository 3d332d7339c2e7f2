"""Exact search: every accelerator of a space priced for a given network, so that a found one can be judged."""

import concurrent.futures
import dataclasses
import functools
import itertools
import math
import os
import pathlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import Architecture, Cost, Template, evaluate, price_layers, total_cost
from dna_jax.search.objectives import COSTS, Budgets, merit
from dna_jax.spaces import Design, Option, Point, Space
from dna_jax.workload import Layer, Workload, merge_equal_layers, workload_from_layers

CHUNK = 64
"""Accelerators evaluated side by side: intermediate results of one chunk fit a core's cache."""

BLOCK = 2000
"""Accelerators per call of the compiled program."""

SIDE_BY_SIDE = 128
"""At most this many combinations of the last knobs are priced side by side, so that what they share is computed once."""

GROUPS = 16
"""Combinations of the first knobs per call of the compiled program."""

ROWS = 8
"""Distinct layers are padded to a multiple of this, so that networks of one family share a compiled program."""


def discrete_workload(layers: Sequence[Layer], dtype: jax.typing.DTypeLike) -> tuple[Workload, np.ndarray]:
    """Workload of a discrete network with equal layers once, and the row of each layer in it, int[L].

    Weights count equal layers; rows that only pad have weight 0.
    """
    distinct, matrix = merge_equal_layers(layers)
    padding = -len(distinct) % ROWS
    counts = np.concatenate([matrix.sum(axis=1), np.zeros(padding)])
    return workload_from_layers([*distinct, *[distinct[0]] * padding], counts, dtype), np.argmax(matrix, axis=0)


@functools.partial(jax.jit, static_argnames="template")
def _evaluate(template: Template, workload: Workload, point: Point) -> Cost:
    return evaluate(workload, template.architecture(point, workload.weight.dtype), template.candidates)


def discrete_cost(template: Template, layers: Sequence[Layer], design: Mapping[str, Option]) -> Cost:
    """Cost of a discrete network on a discrete accelerator, in float64; its `layers` are those given, in order."""
    with jax.enable_x64(True):
        workload, rows = discrete_workload(layers, jnp.float64)
        cost = _evaluate(template, workload, template.space.encode(template.space.restrict(design)))
        cost = jax.tree.map(np.asarray, cost)
    return dataclasses.replace(cost, layers=jax.tree.map(lambda table: table[rows], cost.layers))


@dataclasses.dataclass(frozen=True)
class Enumeration:
    """All designs of a space for one network.

    Attributes:
      indices: option indices of each design, int[D, decisions].
      costs: "latency_ms", "energy_mj", "area_mm2" -> float64[D].
      valid: whether every layer's tiles fit the memories, bool[D].
    """

    indices: np.ndarray
    costs: dict[str, np.ndarray]
    valid: np.ndarray

    def save(self, path: pathlib.Path, network: str) -> None:
        """Write the table as a compressed npz file, whole or not at all, with what names the network it was priced for."""
        temporary = path.with_name("partial_" + path.name)
        arrays: dict[str, Any] = {"indices": self.indices, "valid": self.valid, **self.costs}
        with temporary.open("wb") as file:
            np.savez_compressed(file, network=np.array(network), **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    @classmethod
    def load(cls, path: pathlib.Path, network: str) -> "Enumeration | None":
        """Read what `save` wrote for a network; None if there is nothing, or nothing readable, or another network's."""
        try:
            with np.load(path) as file:
                if str(file["network"]) != network:
                    return None
                return cls(file["indices"], {name: file[name] for name in COSTS}, file["valid"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            # It can be priced again in seconds.
            return None

    def feasible(self, budgets: Budgets) -> np.ndarray:
        """Which designs are valid and meet every budget, bool[D]."""
        met = self.valid.copy()
        for name, limit in budgets.items():
            met &= self.costs[name] <= limit
        return met


def _totals(template: Template, workload: Workload, architecture: Architecture) -> tuple[jax.Array, ...]:
    """Milliseconds, millijoules, square millimetres, and bytes that do not fit."""
    totals = total_cost(workload, architecture, price_layers(workload, architecture, template.candidates))
    return totals.latency_s * 1e3, totals.energy_j * 1e3, totals.area_mm2, totals.overflow_bytes


@functools.partial(jax.jit, static_argnames="template")
def _price(template: Template, workload: Workload, indices: jax.Array) -> tuple[jax.Array, ...]:
    def price(row: jax.Array) -> tuple[jax.Array, ...]:
        point = template.space.one_hot(row, workload.weight.dtype)
        architecture = template.architecture(point, workload.weight.dtype)
        return _totals(template, workload, architecture)

    return jax.lax.map(price, indices, batch_size=CHUNK)


def enumerate_blocks(template: Template, layers: Sequence[Layer], indices: np.ndarray) -> Iterator[Enumeration]:
    """Price accelerators for a network, a block at a time, in float64.

    Args:
      template: the family.
      layers: of a discrete network.
      indices: rows of `template.space.grid()`, in any order.
    """
    for start in range(0, len(indices), BLOCK):
        block = indices[start : start + BLOCK]
        padded = np.concatenate([block, np.broadcast_to(block[:1], (BLOCK - len(block), block.shape[1]))])
        with jax.enable_x64(True):
            workload, _ = discrete_workload(layers, jnp.float64)
            priced = _price(template, workload, jnp.asarray(padded))
            latency, energy, area, overflow = (np.asarray(x)[: len(block)] for x in priced)
        yield Enumeration(block, {"latency_ms": latency, "energy_mj": energy, "area_mm2": area}, overflow <= 0)


@functools.partial(jax.jit, static_argnames="template")
def _price_grid(
    template: Template, workload: Workload, first: jax.Array, last: tuple[jax.Array, ...]
) -> tuple[jax.Array, ...]:
    """Costs [groups, *combinations of the last knobs] for rows of option indices of the first knobs.

    Each knob has an axis of its own, so that what depends on some knobs only is computed for these alone.
    """
    names = [decision.name for decision in template.space.decisions]
    sizes = [len(decision.options) for decision in template.space.decisions]

    def price(*chosen: jax.Array) -> tuple[jax.Array, ...]:
        one_hot = [jax.nn.one_hot(i, size, dtype=workload.weight.dtype) for i, size in zip(chosen, sizes, strict=True)]
        knobs = dict(zip(names, one_hot, strict=True))
        architecture = template.architecture(knobs, workload.weight.dtype)
        return _totals(template, workload, architecture)

    grid = price
    for axis in reversed(range(first.shape[1], len(names))):
        grid = jax.vmap(grid, in_axes=[0 if knob == axis else None for knob in range(len(names))])
    return jax.lax.map(lambda row: grid(*row, *last), first)


def enumerate_accelerators(template: Template, layers: Sequence[Layer], space: Space | None = None) -> Enumeration:
    """Price every accelerator of `space` (the template's, possibly with knobs fixed) for a discrete network, in float64."""
    space = space or template.space
    options = [
        np.array([d.index(space.fixed[d.name])] if d.name in space.fixed else range(len(d.options))) for d in space.decisions
    ]
    split = len(options)
    while split > 1 and math.prod(map(len, options[split - 1 :])) <= SIDE_BY_SIDE:
        split -= 1
    first = np.array(list(itertools.product(*options[:split])))
    last = np.array(list(itertools.product(*options[split:]))).reshape(math.prod(map(len, options[split:])), -1)
    padded = np.concatenate([first, np.broadcast_to(first[:1], (-len(first) % GROUPS, split))])

    def price(group: np.ndarray) -> list[np.ndarray]:
        with jax.enable_x64(True):
            workload, _ = discrete_workload(layers, jnp.float64)
            priced = _price_grid(template, workload, jnp.asarray(group), tuple(jnp.asarray(o) for o in options[split:]))
            return [np.asarray(table).reshape(len(group) * len(last)) for table in priced]

    # The compiled program runs on one core and lets others run meanwhile.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        groups = list(pool.map(price, padded.reshape(-1, GROUPS, split)))
    total = len(first) * len(last)
    latency, energy, area, overflow = (np.concatenate(tables)[:total] for tables in zip(*groups, strict=True))
    indices = np.concatenate([np.repeat(first, len(last), axis=0), np.tile(last, (len(first), 1))], axis=1)
    return Enumeration(indices, {"latency_ms": latency, "energy_mj": energy, "area_mm2": area}, overflow <= 0)


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where one design stands among all of its space.

    Attributes:
      rank: 1 + number of feasible designs with less merit; None if it is not feasible itself.
      gap: its merit over the best feasible one's, minus 1; None where no design is feasible.
      best: the best feasible design, with its costs.
      feasible: number of feasible designs.
      total: number of designs.
    """

    rank: int | None
    gap: float | None
    best: Design | None
    best_costs: dict[str, float] | None
    feasible: int
    total: int


def standing(enumeration: Enumeration, space: Space, budgets: Budgets, design: Mapping[str, Option]) -> Standing:
    """Rank of a design of `space` under budgets, by geometric mean of cost over budget (`objectives.merit`)."""
    feasible = enumeration.feasible(budgets)
    merits = np.asarray(merit(enumeration.costs, budgets))
    wanted = [decision.index(design[decision.name]) for decision in space.decisions]
    row = int(np.flatnonzero((enumeration.indices == wanted).all(axis=1))[0])
    total = len(merits)
    if not feasible.any():
        return Standing(None, None, None, None, 0, total)
    best = int(np.argmin(np.where(feasible, merits, np.inf)))
    # Equal designs in other words (8 x 4 PEs for 4 x 8) differ by rounding alone and share a rank.
    better = feasible & (merits < merits[row] * (1 - 1e-9))
    return Standing(
        rank=1 + int(better.sum()) if feasible[row] else None,
        gap=float(merits[row] / merits[best] - 1),
        best=space.design(enumeration.indices[best]),
        best_costs={name: float(enumeration.costs[name][best]) for name in COSTS},
        feasible=int(feasible.sum()),
        total=total,
    )


def most_likely_feasible(
    enumeration: Enumeration, space: Space, budgets: Budgets, point: Mapping[str, jax.Array]
) -> Design | None:
    """The feasible design with the highest probability under independent choices; None where none is feasible."""
    feasible = enumeration.feasible(budgets)
    if not feasible.any():
        return None
    score = np.zeros(len(enumeration.indices))
    for column, decision in enumerate(space.decisions):
        log_p = np.log(np.asarray(point[decision.name], np.float64) + 1e-30)
        score += log_p[enumeration.indices[:, column]]
    return space.design(enumeration.indices[int(np.argmax(np.where(feasible, score, -np.inf)))])
