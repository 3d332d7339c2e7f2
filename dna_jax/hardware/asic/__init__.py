"""ASIC pipelines: what networks cost on chunks with arrays, memories and dataflows of their own."""

from dna_jax.hardware.asic.bound import PipelineBound, lower_bound
from dna_jax.hardware.asic.discrete import PlacedLayer, evaluate_pipeline, price_designs
from dna_jax.hardware.asic.pipeline import AsicPricing, PipelineCost, relaxed_pipeline_cost
from dna_jax.hardware.asic.work import Grouping, PipelineWork, group_names, group_of, layer_class, pipeline_work

__all__ = [
    "AsicPricing",
    "Grouping",
    "PipelineBound",
    "PipelineCost",
    "PipelineWork",
    "PlacedLayer",
    "evaluate_pipeline",
    "group_names",
    "group_of",
    "layer_class",
    "lower_bound",
    "pipeline_work",
    "price_designs",
    "relaxed_pipeline_cost",
]
