"""How choices improve."""

from dna_jax.search.cosearch import CoSearch, SearchConfig, SearchState
from dna_jax.search.enumeration import Enumeration, Standing, most_likely_feasible, standing, worst_of
from dna_jax.search.exact import discrete_cost, enumerate_accelerators
from dna_jax.search.objectives import Budgets, ObjectiveConfig, merit, objective
from dna_jax.search.optimizers import OptimizerConfig, learning_rate_schedule, make_optimizer
from dna_jax.search.relaxation import (
    TemperatureConfig,
    entropy,
    gumbel_softmax,
    initial_logits,
    mean_point,
    sample_point,
    straight_through,
    temperature_schedule,
)

__all__ = [
    "Budgets",
    "CoSearch",
    "Enumeration",
    "ObjectiveConfig",
    "OptimizerConfig",
    "SearchConfig",
    "SearchState",
    "Standing",
    "TemperatureConfig",
    "discrete_cost",
    "entropy",
    "enumerate_accelerators",
    "gumbel_softmax",
    "initial_logits",
    "learning_rate_schedule",
    "make_optimizer",
    "mean_point",
    "merit",
    "most_likely_feasible",
    "objective",
    "sample_point",
    "standing",
    "straight_through",
    "temperature_schedule",
    "worst_of",
]
