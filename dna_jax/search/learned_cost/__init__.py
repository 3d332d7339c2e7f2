"""A cost model that is learned from the analytical one: latency and area of designs by a small network, as NAHAS has it."""

from dna_jax.search.learned_cost.errors import held_out_errors
from dna_jax.search.learned_cost.fit import LearnedCostConfig, fit
from dna_jax.search.learned_cost.labels import LabelledDesigns, label_designs
from dna_jax.search.learned_cost.model import COST_HEADS, CostNetwork, LearnedCost, design_inputs, loss, untaught
from dna_jax.search.learned_cost.pricing import LearnedPrice, LearnedPricing

__all__ = [
    "COST_HEADS",
    "CostNetwork",
    "LabelledDesigns",
    "LearnedCost",
    "LearnedCostConfig",
    "LearnedPrice",
    "LearnedPricing",
    "design_inputs",
    "fit",
    "held_out_errors",
    "label_designs",
    "loss",
    "untaught",
]
