"""What a design costs."""

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice
from dna_jax.hardware.cost import Cost, Totals, evaluate, price_layers, total_cost
from dna_jax.hardware.loopnest import LayerCost, bound_names, evaluate_mapping
from dna_jax.hardware.mapper import LayerPrice, MappedLayer, map_layer
from dna_jax.hardware.mapping import Mapping
from dna_jax.hardware.notation import format_mapping, parse_mapping
from dna_jax.hardware.relaxed import RelaxedCost, TemplatePricing, relaxed_cost
from dna_jax.hardware.template import Template
from dna_jax.hardware.templates import ACCELERATORS, gemmini_template, nahas_edge
from dna_jax.hardware.violations import capacity_violations

__all__ = [
    "ACCELERATORS",
    "Accelerator",
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
    "TemplatePricing",
    "Totals",
    "bound_names",
    "capacity_violations",
    "evaluate",
    "evaluate_mapping",
    "format_mapping",
    "gemmini_template",
    "map_layer",
    "nahas_edge",
    "parse_mapping",
    "price_layers",
    "relaxed_cost",
    "total_cost",
]
