"""Figures over seeds, with bootstrap intervals."""

from collections.abc import Callable
from typing import Any

import numpy as np

RESAMPLES = 2000
"""Of a bootstrap."""


def bootstrap(
    values: np.ndarray, statistic: Callable[..., Any] = np.mean, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval of a statistic of values [seeds] by the percentile bootstrap (Efron and Tibshirani, 1993, section 13.3).

    Args:
      values: independent.
      statistic: called with resampled values and `axis`.
      level: of the interval.
      seed: of the resampling.
    """
    drawn = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    resampled = statistic(np.asarray(values)[drawn], axis=-1)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summary(values: np.ndarray) -> dict[str, float]:
    """Median and mean of values [seeds], each with its 95 % interval."""
    low, high = bootstrap(values, np.median)
    mean_low, mean_high = bootstrap(values, np.mean)
    return {
        "median": float(np.median(values)),
        "low": low,
        "high": high,
        "mean": float(np.mean(values)),
        "mean_low": mean_low,
        "mean_high": mean_high,
    }


def difference(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Mean of values [seeds] over that of others, independent of them, as a difference with its 95 % interval."""
    generator = np.random.default_rng(0)
    parts = [np.asarray(v)[generator.integers(0, len(v), (RESAMPLES, len(v)))].mean(axis=1) for v in (ours, theirs)]
    low, high = np.quantile(parts[0] - parts[1], [0.025, 0.975])
    return {"mean": float(np.mean(ours) - np.mean(theirs)), "low": float(low), "high": float(high)}
