"""How choices improve."""

from dna_jax.search.certificate_file import PipelineProblem, as_json, read_certificate
from dna_jax.search.certified import DEVICES, Certificate, Limits, certified_optimum
from dna_jax.search.chunk_shares import chunk_shares
from dna_jax.search.cosearch import BestAccelerator, CoSearch, Pricing, SearchState
from dna_jax.search.descend_within import descend_within
from dna_jax.search.enumeration import Enumeration, Standing, most_likely_feasible, standing, worst_of
from dna_jax.search.estimators import ESTIMATORS, Estimator
from dna_jax.search.exact import discrete_cost, enumerate_accelerators, enumerate_layers
from dna_jax.search.expected_optimum import optimum_for_expected
from dna_jax.search.family_fronts import FamilyFronts
from dna_jax.search.likeliest import MISFIT, likeliest_within
from dna_jax.search.multi_trial_config import MultiTrialConfig, ProxyTrainingConfig
from dna_jax.search.objectives import (
    ASIC_PIPELINE_COSTS,
    COSTS,
    PIPELINE_COSTS,
    Budgets,
    ObjectiveConfig,
    SoftCost,
    merit,
    objective,
)
from dna_jax.search.one_shot import OneShot, OneShotState
from dna_jax.search.one_shot_config import OneShotConfig
from dna_jax.search.optimizers import OptimizerConfig, learning_rate_schedule, make_optimizer
from dna_jax.search.optimum_table import evaluate_optima
from dna_jax.search.pipeline_search import FoundPipeline, PipelineSearchConfig, evaluations_per_step, search_pipelines
from dna_jax.search.recheck import recheck
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
from dna_jax.search.search_config import SearchConfig

__all__ = [
    "ASIC_PIPELINE_COSTS",
    "COSTS",
    "DEVICES",
    "ESTIMATORS",
    "MISFIT",
    "PIPELINE_COSTS",
    "BestAccelerator",
    "Budgets",
    "Certificate",
    "CoSearch",
    "Enumeration",
    "Estimator",
    "FamilyFronts",
    "FoundPipeline",
    "Limits",
    "MultiTrialConfig",
    "ObjectiveConfig",
    "OneShot",
    "OneShotConfig",
    "OneShotState",
    "OptimizerConfig",
    "PipelineProblem",
    "PipelineSearchConfig",
    "Pricing",
    "ProxyTrainingConfig",
    "SearchConfig",
    "SearchState",
    "SoftCost",
    "Standing",
    "TemperatureConfig",
    "as_json",
    "certified_optimum",
    "chunk_shares",
    "descend_within",
    "discrete_cost",
    "entropy",
    "enumerate_accelerators",
    "enumerate_layers",
    "evaluate_optima",
    "evaluations_per_step",
    "gumbel_softmax",
    "initial_logits",
    "learning_rate_schedule",
    "likeliest_within",
    "make_optimizer",
    "mean_point",
    "merit",
    "most_likely_feasible",
    "objective",
    "optimum_for_expected",
    "read_certificate",
    "recheck",
    "sample_point",
    "search_pipelines",
    "standing",
    "straight_through",
    "temperature_schedule",
    "worst_of",
]
