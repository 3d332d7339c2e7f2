"""How far predictions lie from a reference, and how far the count of multiply-accumulates alone would."""

import math
from typing import Any

import numpy as np
from scipy import stats


def proportional_to(macs: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The trivial model: `macs` times the factor that makes its mean absolute percentage error over these rows least.

    The error is a sum of weighted distances of the factor from reference / macs: the best factor is their weighted median.
    """
    ratio = reference / macs
    order = np.argsort(ratio)
    weight = np.cumsum(1 / ratio[order])
    return macs * ratio[order][np.searchsorted(weight, weight[-1] / 2)]


def _finite(value: Any) -> float | None:
    """None for a statistic that does not exist, as the rank correlation of a single row."""
    return None if math.isnan(value) else float(value)


def compare(reference: np.ndarray, predicted: np.ndarray, macs: np.ndarray | None) -> dict[str, float | int | None]:
    """Statistics of one quantity over the rows of one configuration.

    Args:
      reference, predicted: positive, [n].
      macs: multiply-accumulates of the rows, [n]; None where the quantity has nothing to do with them.

    Returns:
      Number of rows; mean, median and 95th percentile of the absolute error and the mean error (bias), in percent; rank
      correlations; mean absolute error and Kendall tau of the trivial model.
    """
    error = 100 * (predicted / reference - 1)
    result: dict[str, float | int | None] = {
        "n": len(reference),
        "mean_abs_pct": float(np.abs(error).mean()),
        "median_abs_pct": float(np.median(np.abs(error))),
        "p95_abs_pct": float(np.percentile(np.abs(error), 95)),
        "bias_pct": float(error.mean()),
        "kendall_tau": None,
        "spearman": None,
        "macs_mean_abs_pct": None,
        "macs_kendall_tau": None,
    }
    if macs is not None:
        trivial = proportional_to(macs, reference)
        result["macs_mean_abs_pct"] = float(100 * np.abs(trivial / reference - 1).mean())
    if len(reference) > 1 and np.ptp(reference) > 0:
        if np.ptp(predicted) > 0:
            result["kendall_tau"] = _finite(stats.kendalltau(reference, predicted)[0])
            result["spearman"] = _finite(stats.spearmanr(reference, predicted)[0])
        if macs is not None and np.ptp(macs) > 0:
            result["macs_kendall_tau"] = _finite(stats.kendalltau(reference, macs)[0])
    return result
