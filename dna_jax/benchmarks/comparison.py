"""Two ways to search, compared figure by figure at every budget, with intervals: what a published claim is held to."""

from typing import Any

import numpy as np

from dna_jax.benchmarks.claim_figures import FIGURES, Runs, Setting, Side
from dna_jax.benchmarks.statistics import newcombe, resampled_means


def _compared(kind: str, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Comparison of means [...]."""
    if kind in ("difference", "proportion"):
        return new - old
    if kind == "times":
        return old / new
    return 100 * (new - old) / new


def compare(name: str, new: Runs, old: Runs, budget: int, setting: Setting) -> dict[str, Any]:
    """One figure of two ways to search at one budget.

    Returns:
      new, old: means over seeds; value: how they compare; low, high: its 95 % bootstrap interval; verdict: "better", "worse"
      or "undecided", of the new one, by whether the interval leaves out that there is no difference. Of a side without any
      search within the budgets, figures of such searches are None.
    """
    figure = FIGURES[name]
    ours, theirs = (np.asarray(figure.of(Side(a, b, budget, setting)), float) for a, b in ((new, old), (old, new)))
    ours, theirs = ours[~np.isnan(ours)], theirs[~np.isnan(theirs)]
    if not (len(ours) and len(theirs)):
        means = {name: float(v.mean()) if len(v) else None for name, v in (("new", ours), ("old", theirs))}
        return {**means, "value": None, "low": None, "high": None, "verdict": "undecided"}
    if figure.kind == "proportion":
        low, high = (100 * bound for bound in newcombe(ours > 0, theirs > 0))
    else:
        resampled = [resampled_means(v, seed) for seed, v in enumerate((ours, theirs))]
        low, high = np.quantile(_compared(figure.kind, *resampled), [0.025, 0.975])
    equal = 1.0 if figure.kind == "times" else 0.0
    verdict = "undecided"
    if low > equal or high < equal:
        # "times" says how many times more the old one takes.
        gains = low > equal if figure.kind == "times" or figure.more_is_better else high < equal
        verdict = "better" if gains else "worse"
    return {
        "new": float(ours.mean()),
        "old": float(theirs.mean()),
        "value": float(_compared(figure.kind, ours.mean(), theirs.mean())),
        "low": float(low),
        "high": float(high),
        "verdict": verdict,
    }
