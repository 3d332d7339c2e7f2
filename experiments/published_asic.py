"""The best ASIC of each kind for a network under a budget of area: single chunks in the styles of known chips, a pipeline of
chunks, and random designs of the same spaces."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from dna_jax.errors import UserError
from dna_jax.hardware.asic import Grouping, PipelineCost, lower_bound, price_designs
from dna_jax.search.asic_search import AsicSearchResult, search_asic_pipeline
from dna_jax.search.asic_steps import GOALS, AsicSearchConfig, Goal
from dna_jax.spaces import Design, Space
from dna_jax.workload import Layer
from experiments.published_spaces import CHUNKED, KINDS, space_of, starting_pipeline, third_of

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


def grouping(kind: str) -> Grouping:
    """What the spaces of a kind allocate."""
    return "block" if kind == CHUNKED else "class"


def steps_for(space: Space, evaluations: int) -> tuple[int, int]:
    """Steps of a search and of the descent at its end, half each, that price that many designs: each one, and its
    neighbours."""
    steps = max(1, evaluations // (1 + sum(len(decision.options) for decision in space.free)))
    return steps - steps // 2, steps // 2


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


def search_kind(
    kind: str,
    space: Space,
    layers: Sequence[Layer],
    goal: Goal,
    effort: Effort,
    area_mm2: float,
    start: Design | None = None,
) -> AsicSearchResult:
    """The best accelerator of a kind that a search within an area ends with; arguments as in `search_asic_pipeline`."""
    steps, descent_steps = steps_for(space, effort.evaluations)
    config = AsicSearchConfig(goal=goal, starts=effort.starts, steps=steps, descent_steps=descent_steps)
    return search_asic_pipeline(space, layers, area_mm2, config, effort.seed, grouping(kind), start=start)


def compare_kinds(network: str, layers: Sequence[Layer], goal: Goal, effort: Effort) -> list[Row]:
    """The best design found of each of `published_spaces.KINDS`, a row each.

    Every other start of the pipeline begins at the better of two made from what single chunks were found: one chunk for all
    layers, or, where images a second count, three chunks alike, the best that fit, with blocks in sequence. What the rest
    reach from nothing stands in `from_nothing`. Random designs are as many as all starts of the search price together,
    neighbours included: equal effort. They are of the space of the best single chunk, and of the pipeline's.

    Raises:
      UserError: if nothing within the budget is found.
    """
    rows: list[Row] = []
    spaces = {kind: space_of(kind, layers) for kind in KINDS}
    best: Row = {}
    for kind, space in spaces.items():
        began = time.perf_counter()
        start = None
        if kind == CHUNKED:
            best = min(rows, key=lambda row: row[goal])
            singles = [best["design"]]
            if goal == "interval_ms":
                narrow, room = third_of(spaces[best["kind"]], best["design"], effort.area_mm2)
                third = search_kind(best["kind"], narrow, layers, goal, effort, room)
                singles += [third.design] if third.design is not None else []
            start = starting_pipeline(singles, space, layers, goal, effort.area_mm2)
        found = search_kind(kind, space, layers, goal, effort, effort.area_mm2, start)
        if found.design is None or found.cost is None:
            raise UserError(
                f"The search found no {kind} accelerator for {network} within {effort.area_mm2:g} mm2; raise --area_mm2 or "
                "--evaluations."
            )
        by_start = [float(value) if np.isfinite(value) else None for value in found.best_of_starts]
        row: Row = {"network": network, "kind": kind, "goal": goal, **figures(found.cost)}
        row |= {
            "bound": float(getattr(found.bound, goal)),
            "gap_percent": 100 * found.gap,
            "by_start": by_start,
            "evaluations": found.evaluations,
            "seconds": time.perf_counter() - began,
            "design": found.design,
        }
        if kind == CHUNKED:
            row["from_nothing"] = min((value for value in by_start[1::2] if value is not None), default=None)
        rows.append(row)
    for row in (best, rows[-1]):
        row["random"] = best_at_random(spaces[row["kind"]], layers, goal, grouping(row["kind"]), effort, row["evaluations"])
    return rows
