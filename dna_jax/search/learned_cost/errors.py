"""How far a learned cost model is from the analytical one."""

import jax
import numpy as np

from dna_jax.hardware.validation.statistics import compare
from dna_jax.search.learned_cost.labels import LabelledDesigns
from dna_jax.search.learned_cost.model import COST_HEADS, LearnedCost, design_inputs
from dna_jax.spaces import Space

_STATISTICS = ("median_abs_pct", "p95_abs_pct", "spearman")


def held_out_errors(
    learned: LearnedCost, space: Space, designs: LabelledDesigns
) -> dict[str, dict[str, float | int | None]]:
    """Of each cost the median and the 95th percentile of the relative error, percent, and the rank correlation with the
    analytical model over designs (None where all of them cost the same)."""
    inputs = design_inputs(space, space.one_hot(designs.indices))
    predicted = np.asarray(jax.jit(LearnedCost.__call__)(learned, inputs), np.float64)
    compared = {name: compare(getattr(designs, name), predicted[:, head], None) for head, name in enumerate(COST_HEADS)}
    return {name: {statistic: values[statistic] for statistic in _STATISTICS} for name, values in compared.items()}
