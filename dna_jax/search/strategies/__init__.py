"""Search strategies that try designs: pure functions that ask, are told, and answer."""

from dna_jax.search.strategies.controller import Controller, Episodes
from dna_jax.search.strategies.fast_slow import AccuracyAndEfficiency, FastSlowConfig, FastSlowSearch, Shortfall
from dna_jax.search.strategies.ppo import Ppo, PpoConfig, PpoSearch, clipped_surrogate_loss
from dna_jax.search.strategies.rewards import HARD, SOFT, Absolute, Reward, WeightedProduct
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, Strategy, select_all

__all__ = [
    "HARD",
    "SOFT",
    "Absolute",
    "AccuracyAndEfficiency",
    "Controller",
    "Designs",
    "Episodes",
    "FastSlowConfig",
    "FastSlowSearch",
    "Feedback",
    "Incumbent",
    "Ppo",
    "PpoConfig",
    "PpoSearch",
    "Reward",
    "Shortfall",
    "Strategy",
    "WeightedProduct",
    "clipped_surrogate_loss",
    "select_all",
]
