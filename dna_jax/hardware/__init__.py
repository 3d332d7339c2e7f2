"""What a design costs."""

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice
from dna_jax.hardware.cost import Cost, Totals, evaluate, price_layers, total_cost
from dna_jax.hardware.loopnest import LayerCost, evaluate_mapping
from dna_jax.hardware.mapper import LayerPrice, MappedLayer, map_layer
from dna_jax.hardware.mapping import Mapping, describe
from dna_jax.hardware.relaxed import RelaxedCost, relaxed_cost
from dna_jax.hardware.template import Template
from dna_jax.hardware.templates import nahas_edge

__all__ = [
    "Architecture",
    "CandidateSet",
    "Cost",
    "LayerCost",
    "LayerPrice",
    "MappedLayer",
    "Mapping",
    "RelaxedCost",
    "Schedule",
    "SpatialChoice",
    "Template",
    "Totals",
    "describe",
    "evaluate",
    "evaluate_mapping",
    "map_layer",
    "nahas_edge",
    "price_layers",
    "relaxed_cost",
    "total_cost",
]
