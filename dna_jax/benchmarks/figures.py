"""What is reported of a strategy: final figures, curves, and what it takes to come near the optimum."""

import dataclasses
from typing import Any

import numpy as np

from dna_jax.benchmarks.judge import Judged
from dna_jax.benchmarks.statistics import bootstrap, summary, wilson

NEAR = 0.10
"""Median regret, points of accuracy, that counts as near the optimum."""

FIXED = (100, 250, 500, 1000, 5000)
"""Accuracy queries at which strategies are compared."""

POINTS = 120
"""Of a curve."""


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """The answer of a search as it goes on, at one budget, [points].

    Attributes:
      queries, evaluations, seconds: spent, the mean over seeds.
      mean, low, high: mean over seeds of the accuracy of what would be returned (percent; that of the worst network where
        it exceeds a budget), and its 95 % bootstrap interval.
    """

    queries: np.ndarray
    evaluations: np.ndarray
    seconds: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curve(judged: Judged, budget: int, optimum: float, seconds: float) -> Curve:
    """The curve of a strategy at one budget, whose searches take so many seconds each."""
    steps = judged.regret.shape[-1]
    at = np.unique(np.geomspace(1, steps, POINTS).astype(int)) - 1
    accuracy = optimum - judged.regret[budget][:, at]
    low, high = np.array([bootstrap(values) for values in accuracy.T]).T
    return Curve(
        queries=judged.queries[budget][:, at].mean(axis=0),
        evaluations=judged.evaluations[budget][:, at].mean(axis=0),
        seconds=(at + 1) / steps * seconds,
        mean=accuracy.mean(axis=0),
        low=low,
        high=high,
    )


def spent_until_near(judged: Judged, budget: int, seconds: float, near: float = NEAR) -> dict[str, float] | None:
    """What a search takes until the median regret over seeds is at most `near` and stays so; None if it never is."""
    median = np.median(judged.regret[budget], axis=0)
    beyond = np.flatnonzero(median > near)
    step = int(beyond[-1]) + 1 if len(beyond) else 0
    if step >= len(median):
        return None
    return {
        "accuracy_queries": float(judged.queries[budget][:, step].mean()),
        "cost_evaluations": float(judged.evaluations[budget][:, step].mean()),
        "wall_seconds": seconds * (step + 1) / len(median),
    }


def regret_after(judged: Judged, budget: int, queries: int) -> np.ndarray:
    """Regret [seeds] when searches have asked for no more than so many accuracies; NaN of one that asks for more at its
    first step."""
    steps = np.sum(judged.queries[budget] <= queries, axis=1)
    return np.where(steps > 0, judged.regret[budget][np.arange(len(steps)), steps - 1], np.nan)


def regret_at(judged: Judged, budget: int, queries: int) -> dict[str, float] | None:
    """`statistics.summary` of `regret_after`, and `ended`, whether all were at their end by then; None if any asks for more
    at its first step."""
    regret = regret_after(judged, budget, queries)
    if np.isnan(regret).any():
        return None
    found = summary(regret)
    return found | {"ended": bool(np.all(judged.queries[budget][:, -1] < queries))}


def figures(judged: Judged, budget: int, seconds: float) -> dict[str, Any]:
    """Of one strategy at one budget.

    Returns:
      regret: of the final answer, points of accuracy, as `statistics.summary` has it; regrets: the same of each seed;
      feasible_share with its 95 % interval; excess: mean over seeds by how much the answer exceeds a budget, a share;
      hypervolume_ratio: median over seeds, and hypervolume: its summary;
      tried_beyond_share: of all designs tried those that exceed a budget; accuracy_queries,
      cost_evaluations: mean over seeds of a whole search; wall_seconds: of a whole search by itself, as it was measured at
      one budget, and of which each step is taken for the same part; until_near: as from
      `spent_until_near`; regret_at: as from `regret_at`, by each count of FIXED.
    """
    return {
        "regret": summary(judged.final_regret[budget]),
        "regrets": judged.final_regret[budget].tolist(),
        "feasible_share": float(judged.final_feasible[budget].mean()),
        "feasible_interval": wilson(judged.final_feasible[budget]),
        "excess": float(judged.final_excess[budget].mean()),
        "hypervolume_ratio": float(np.median(judged.hypervolume[budget])),
        "hypervolume": summary(judged.hypervolume[budget]),
        "tried_beyond_share": float(judged.tried_beyond[budget].mean()),
        "accuracy_queries": float(judged.queries[budget][:, -1].mean()),
        "cost_evaluations": float(judged.evaluations[budget][:, -1].mean()),
        "wall_seconds": seconds,
        "until_near": spent_until_near(judged, budget, seconds),
        "regret_at": {str(count): regret_at(judged, budget, count) for count in FIXED},
    }
