"""Figures over seeds, with 95 % intervals."""

from collections.abc import Callable
from typing import Any

import numpy as np

RESAMPLES = 2000
"""Of a bootstrap."""

_NORMAL = 1.959964
"""97.5 % quantile of the standard normal distribution."""


def bootstrap(values: np.ndarray, statistic: Callable[..., Any] = np.mean, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a statistic of values [seeds] by the percentile bootstrap (Efron and Tibshirani, 1993, section 13.3).

    Args:
      values: independent.
      statistic: called with resampled values and `axis`.
      seed: of the resampling.
    """
    low, high = np.quantile(resampled(values, statistic, seed), [0.025, 0.975])
    return float(low), float(high)


def resampled(values: np.ndarray, statistic: Callable[..., Any], seed: int) -> np.ndarray:
    """A statistic of values [seeds] drawn with replacement, called with `axis`, [RESAMPLES]."""
    drawn = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    return statistic(np.asarray(values)[drawn], axis=-1)


def lower_median(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The least value that half of the values or more do not exceed: one of them, also where their number is even and the
    median is between two, so that half may be finite and the others not."""
    return np.quantile(values, 0.5, axis=axis, method="inverted_cdf")


def summary(values: np.ndarray) -> dict[str, float]:
    """Median and mean of values [seeds], each with its interval."""
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
    """Mean of values [seeds] less that of others, independent of them, with its interval."""
    low, high = np.quantile(resampled(ours, np.mean, 0) - resampled(theirs, np.mean, 1), [0.025, 0.975])
    return {"mean": float(np.mean(ours) - np.mean(theirs)), "low": float(low), "high": float(high)}


def wilson(successes: np.ndarray) -> tuple[float, float]:
    """Interval of a proportion, by values bool[seeds] (Wilson, 1927)."""
    count, share, z = len(successes), float(np.mean(successes)), _NORMAL
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(max(centre - half, 0)), float(min(centre + half, 1))


def newcombe(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Interval of a proportion less another, by values bool[seeds] (Newcombe, 1998, method 10)."""
    one, other = float(np.mean(ours)), float(np.mean(theirs))
    (low, high), (other_low, other_high) = wilson(ours), wilson(theirs)
    below = np.hypot(one - low, other_high - other)
    above = np.hypot(high - one, other - other_low)
    return float(one - other - below), float(one - other + above)
