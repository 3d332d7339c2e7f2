"""Search strategies that try designs: pure functions that ask, are told, and answer."""

from dna_jax.search.strategies.controller import Controller, Episodes
from dna_jax.search.strategies.differentiable import DifferentiableConfig, DifferentiableSearch
from dna_jax.search.strategies.evolution import EvolutionConfig, EvolutionSearch
from dna_jax.search.strategies.fast_slow import AccuracyAndEfficiency, FastSlowConfig, FastSlowSearch, Shortfall
from dna_jax.search.strategies.phases import PhaseSearch
from dna_jax.search.strategies.ppo import Ppo, PpoConfig, PpoSearch, clipped_surrogate_loss
from dna_jax.search.strategies.reinforce import Policy, Reinforce, ReinforceConfig, ReinforceSearch, reinforce_loss
from dna_jax.search.strategies.rewards import HARD, SOFT, Absolute, Reward, WeightedProduct
from dna_jax.search.strategies.search import JointProblem, Search, Trials
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, Returns, Rewarded, Strategy, select_all
from dna_jax.search.strategies.surrogate import SurrogateConfig, SurrogateSearch
from dna_jax.search.strategies.uniform import UniformSearch

__all__ = [
    "HARD",
    "SOFT",
    "Absolute",
    "AccuracyAndEfficiency",
    "Controller",
    "Designs",
    "DifferentiableConfig",
    "DifferentiableSearch",
    "Episodes",
    "EvolutionConfig",
    "EvolutionSearch",
    "FastSlowConfig",
    "FastSlowSearch",
    "Feedback",
    "Incumbent",
    "JointProblem",
    "PhaseSearch",
    "Policy",
    "Ppo",
    "PpoConfig",
    "PpoSearch",
    "Reinforce",
    "ReinforceConfig",
    "ReinforceSearch",
    "Returns",
    "Reward",
    "Rewarded",
    "Search",
    "Shortfall",
    "Strategy",
    "SurrogateConfig",
    "SurrogateSearch",
    "Trials",
    "UniformSearch",
    "WeightedProduct",
    "clipped_surrogate_loss",
    "reinforce_loss",
    "select_all",
]
