"""Differentiable search of an ASIC pipeline for a given network: least energy, time or both within an area and other limits.

  minimise over designs   log goal   subject to   log cost <= log limit, of the area and whatever else has one

A step draws a design from the logits and prices it together with all designs that differ from it in one decision. What each
of these takes is the exact gradient by the probability of its option; it reaches the logits through a softmax with the
draw's noise (straight-through Gumbel-softmax). The multipliers of the limits ascend meanwhile. The best design seen within
the limits is the result, neighbours included: they have been priced. Steps of descent may follow: from the best design to
its best neighbour, or, before any design keeps the limits, to the one that exceeds them least.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from dna_jax.hardware.asic import Grouping, PipelineBound, PipelineCost, lower_bound, pipeline_work, price_designs
from dna_jax.hardware.asic.neighbours import chunk_count
from dna_jax.search.asic_steps import BEYOND, GOALS, AsicSearchConfig, run_searches, shape_of
from dna_jax.spaces import Design, Space
from dna_jax.spaces.asic_pipeline import allocated_groups
from dna_jax.workload import Layer

_GIVEN = 2.0
"""Logit, above the others, of the options of a design that a search starts from: each is drawn with a probability of 0.5 to
0.9, so that draws stay near and differ."""


@dataclasses.dataclass(frozen=True)
class AsicSearchResult:
    """What was found.

    Attributes:
      design: the best within the limits; None where there was none.
      cost: of that design, float64.
      bound: what no design within the area undercuts.
      gap: its goal over the bound, minus 1.
      evaluations: designs that were priced, neighbours included.
      best_of_starts: the goal of the best of each start, [starts]; infinite where none keeps the limits.
    """

    design: Design | None
    cost: PipelineCost | None
    bound: PipelineBound
    gap: float
    evaluations: int
    best_of_starts: np.ndarray


def search_asic_pipeline(
    space: Space,
    layers: Sequence[Layer],
    area_mm2: float,
    config: AsicSearchConfig,
    seed: int = 0,
    by: Grouping = "block",
    *,
    limits: Mapping[str, float] | None = None,
    start: Design | None = None,
) -> AsicSearchResult:
    """Search a pipeline for a discrete network.

    Args:
      space: an `asic_pipeline_space` that allocates the groups of the layers, with what is fixed.
      layers: of the network.
      area_mm2: budget; infinite for none.
      config: how to search.
      seed: of all draws.
      by: what stays together on a chunk.
      limits: on others of `asic_steps.LIMITED`, by name.
      start: a design of the space that every other start, the first included, prices first and draws near; the result is
        not worse.
    """
    chunks = chunk_count(decision.name for decision in space.decisions)
    limited = dict(limits or {}) | {"area_mm2": area_mm2}
    bound = lower_bound(layers, chunks, area_mm2, by)
    beyond = any(getattr(bound, name) > limit for name, limit in limited.items() if name != "area_mm2")
    if np.isinf(bound.latency_ms) or beyond:
        return AsicSearchResult(None, None, bound, np.inf, 0, np.full(config.starts, np.inf))
    work = pipeline_work(layers, by, groups=allocated_groups(name for name, _ in space.sizes))
    given = space.pin((space.one_hot(np.zeros(len(space.decisions), int)) if start is None else space.encode(start)).rows)
    logits = np.zeros((config.starts, *space.is_option.shape), np.float32)
    is_given = (np.arange(config.starts) % 2 == 0) & (start is not None)
    logits[is_given] += _GIVEN * np.asarray(given.rows)
    held = np.argmax(given.rows, axis=-1)
    state = run_searches(work, shape_of(space), held, limited, config, logits, is_given, seed)
    neighbours = sum(len(decision.options) for decision in space.free)
    evaluations = config.starts * (config.steps + config.descent_steps) * (1 + neighbours)
    found = np.where(state.best < BEYOND, state.best, np.inf)
    indices = np.asarray(state.best_indices)[np.isfinite(found)]
    if start is not None:
        indices = np.concatenate([indices, held[None]])
    if not len(indices):
        return AsicSearchResult(None, None, bound, np.inf, evaluations, found)
    costs = price_designs(space, layers, indices, by, GOALS[config.goal])
    kept = np.all([getattr(costs, name) <= limit for name, limit in limited.items()] + [costs.overflow_kib <= 0], axis=0)
    if not kept.any():
        return AsicSearchResult(None, None, bound, np.inf, evaluations, found)
    best = np.argmin(np.where(kept, getattr(costs, config.goal), np.inf))
    cost = jax.tree.map(lambda leaf: leaf[best], costs)
    gap = float(getattr(cost, config.goal) / getattr(bound, config.goal)) - 1
    return AsicSearchResult(space.design(indices[best]), cost, bound, gap, evaluations, found)
