"""Two ways to search, compared figure by figure at every budget, with intervals: what a published claim is held to."""

from typing import Any

import numpy as np

from dna_jax.benchmarks.claim_figures import FIGURES, Kind, Runs, Setting, Side
from dna_jax.benchmarks.statistics import lower_median, newcombe, resampled


def _compared(kind: Kind, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Comparison of means, or medians, [...]."""
    if kind in ("difference", "proportion"):
        return new - old
    if kind == "times":
        return old / new
    return 100 * (new - old) / new


def _finite(value: np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None


def compare(name: str, new: Runs, old: Runs, budget: int, setting: Setting) -> dict[str, Any]:
    """One figure of two ways to search at one budget.

    Returns:
      new, old: means over seeds, medians of figures compared as "times", None where the median of searches never gets there;
      value: how they compare; low, high: its 95 % bootstrap interval; verdict: "better", "worse" or "undecided", of the new
      one, by whether the interval leaves out that there is no difference; new_seeds, old_seeds: the value of every seed in
      turn, None where it has none or never gets there. Of a side without any search within the budgets, figures of such
      searches are None.
    """
    figure = FIGURES[name]
    statistic = lower_median if figure.kind == "times" else np.mean
    sides = {"new": Side(new, old, True, budget, setting), "old": Side(old, new, False, budget, setting)}
    by_seed = {which: np.asarray(figure.of(side), float) for which, side in sides.items()}
    ours, theirs = (values[~np.isnan(values)] for values in by_seed.values())
    averages = [np.asarray(statistic(values)) if len(values) else np.array(np.nan) for values in (ours, theirs)]
    found: dict[str, Any] = {which: _finite(average) for which, average in zip(by_seed, averages, strict=True)}
    found |= {f"{which}_seeds": [_finite(value) for value in values] for which, values in by_seed.items()}
    if not (len(ours) and len(theirs)):
        return {**found, "value": None, "low": None, "high": None, "verdict": "undecided"}
    if figure.kind == "proportion":
        low, high = (100 * bound for bound in newcombe(ours > 0, theirs > 0))
    else:
        drawn = [resampled(values, statistic, seed) for seed, values in enumerate((ours, theirs))]
        low, high = np.quantile(_compared(figure.kind, *drawn), [0.025, 0.975])
    equal = 1.0 if figure.kind == "times" else 0.0
    verdict = "undecided"
    if low > equal or high < equal:
        # "times" says how many times more the old one takes.
        gains = low > equal if figure.kind == "times" or figure.more_is_better else high < equal
        verdict = "better" if gains else "worse"
    return {
        **found,
        "value": float(_compared(figure.kind, *averages)),
        "low": float(low),
        "high": float(high),
        "verdict": verdict,
    }
