"""The best ASIC of each kind for a network under a budget of area: single chunks in the styles of known chips, a pipeline of
chunks, and random designs of the same spaces."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from dna_jax.errors import UserError
from dna_jax.hardware.asic import Grouping, PipelineCost, group_names, lower_bound, price_designs
from dna_jax.search.asic_search import AsicSearchResult, search_asic_pipeline
from dna_jax.search.asic_steps import GOALS, AsicSearchConfig, Goal
from dna_jax.spaces import Design, Space, asic_pipeline_space
from dna_jax.spaces.asic_pipeline import (
    BANDWIDTH_GBPS,
    BANDWIDTH_WEIGHT,
    allocated_groups,
    allocation_name,
    automatic_schedules,
    chunk_name,
)
from dna_jax.workload import Layer

CHUNKED = "chunked"
SINGLE = {f"{style}_like": style for style in ("eyeriss", "nvdla", "shidiannao")}
"""Kinds of one chunk -> its style."""

KINDS = (*SINGLE, CHUNKED)

CHUNKS = 3
"""Of a pipeline."""

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Effort:
    """What every kind may spend.

    Attributes:
      area_mm2: budget of the whole accelerator.
      evaluations: designs that each start may price, neighbours included; rounded down to whole steps.
      starts: searches side by side, at least two.
      seed: of all draws.
    """

    area_mm2: float
    evaluations: int
    starts: int
    seed: int


def single_space(layers: Sequence[Layer], style: str) -> Space:
    """One chunk of a style: array, memories, splits, interconnect and bandwidth are free; the mapper schedules.

    All layers run on it, so that their groups do not matter: those of classes are alike in all networks.
    """
    held: Design = {chunk_name(1, "style"): style, chunk_name(1, BANDWIDTH_WEIGHT.name): 1}
    return asic_pipeline_space(group_names(layers, "class"), 1).fix(held | automatic_schedules(1))


def chunked_space(layers: Sequence[Layer]) -> Space:
    """Chunks whose styles are free too, and the allocation of blocks to them."""
    return asic_pipeline_space(group_names(layers), CHUNKS).fix(automatic_schedules(CHUNKS))


def as_pipeline(single: Design, space: Space) -> Design:
    """A pipeline that runs everything on its first chunk, that of a design of one chunk, with the largest share of the link.

    The other chunks are the smallest; without layers they are not built, but 2 of 10 parts of the link are theirs.
    """
    design: Design = {decision.name: decision.options[0] for decision in space.decisions}
    design |= {name: value for name, value in single.items() if name.startswith(chunk_name(1, ""))}
    design |= {allocation_name(group): 1 for group in allocated_groups(name for name, _ in space.sizes)}
    design[BANDWIDTH_GBPS.name] = single[BANDWIDTH_GBPS.name]
    design[chunk_name(1, BANDWIDTH_WEIGHT.name)] = BANDWIDTH_WEIGHT.options[-1]
    return design | dict(space.fixed)


def steps_for(space: Space, evaluations: int) -> int:
    """Steps of a search that price that many designs: each one, and its neighbours."""
    return max(1, evaluations // (1 + sum(len(decision.options) for decision in space.free)))


def best_at_random(
    space: Space, layers: Sequence[Layer], goal: Goal, by: Grouping, effort: Effort, evaluations: int
) -> float | None:
    """The goal of the best of so many designs drawn uniformly; None if none of them keeps the budget."""
    generator = np.random.default_rng(effort.seed)
    columns = [
        np.full(evaluations, decision.index(space.fixed[decision.name]))
        if decision.name in space.fixed
        else generator.integers(len(decision.options), size=evaluations)
        for decision in space.decisions
    ]
    costs = price_designs(space, layers, np.stack(columns, axis=1), by, GOALS[goal])
    kept = (costs.area_mm2 <= effort.area_mm2) & (costs.overflow_kib <= 0)
    return float(np.min(getattr(costs, goal)[kept])) if kept.any() else None


def figures(cost: PipelineCost) -> dict[str, float]:
    """What tables show of a design."""
    return {
        "fps": float(cost.images_per_second),
        "interval_ms": float(cost.interval_ms),
        "latency_ms": float(cost.latency_ms),
        "energy_mj": float(cost.energy_mj),
        "edp": float(cost.edp),
        "area_mm2": float(cost.area_mm2),
    }


def require_room(network: str, layers: Sequence[Layer], area_mm2: float) -> None:
    """UserError if the smallest accelerator is larger than the budget."""
    if np.isinf(lower_bound(layers, 1, area_mm2, "class").latency_ms):
        raise UserError(f"No accelerator for {network} fits {area_mm2:g} mm2; raise --area_mm2.")


def compare_kinds(network: str, layers: Sequence[Layer], goal: Goal, effort: Effort) -> list[Row]:
    """The best design found of each of KINDS, a row each.

    Every other start of the pipeline begins at the best single chunk, so that it knows all that was found before; what the
    rest reach from nothing stands in `from_nothing`. Random designs are as many as one start prices, of the best single
    chunk's space and of the pipeline's.

    Raises:
      UserError: if nothing within the budget is found.
    """
    results: dict[str, AsicSearchResult] = {}
    rows: list[Row] = []
    for kind in KINDS:
        space = chunked_space(layers) if kind == CHUNKED else single_space(layers, SINGLE[kind])
        by: Grouping = "block" if kind == CHUNKED else "class"
        steps = steps_for(space, effort.evaluations)
        config = AsicSearchConfig(goal=goal, starts=effort.starts, steps=steps)
        start = as_pipeline(_best_design(results, goal), space) if kind == CHUNKED else None
        began = time.perf_counter()
        found = search_asic_pipeline(space, layers, effort.area_mm2, config, effort.seed, by, start=start)
        if found.design is None or found.cost is None:
            raise UserError(
                f"The search found no {kind} accelerator for {network} within {effort.area_mm2:g} mm2; raise --area_mm2 or "
                "--evaluations."
            )
        results[kind] = found
        by_start = [float(value) if np.isfinite(value) else None for value in found.best_of_starts]
        row: Row = {"network": network, "kind": kind, "goal": goal, **figures(found.cost)}
        row |= {
            "gap_percent": 100 * found.gap,
            "by_start": by_start,
            "evaluations_by_start": found.evaluations // effort.starts,
            "seconds": time.perf_counter() - began,
            "design": found.design,
        }
        if kind == CHUNKED:
            alone = [value for value in by_start[1::2] if value is not None]
            row["from_nothing"] = min(alone, default=None)
        rows.append(row)
    best = min((row for row in rows if row["kind"] in SINGLE), key=lambda row: row[goal])
    for row in (best, rows[-1]):
        space = chunked_space(layers) if row["kind"] == CHUNKED else single_space(layers, SINGLE[row["kind"]])
        by = "block" if row["kind"] == CHUNKED else "class"
        row["random"] = best_at_random(space, layers, goal, by, effort, row["evaluations_by_start"])
    return rows


def _best_design(results: dict[str, AsicSearchResult], goal: Goal) -> Design:
    designs = [(float(getattr(found.cost, goal)), found.design) for found in results.values() if found.design is not None]
    return min(designs, key=lambda pair: pair[0])[1]
