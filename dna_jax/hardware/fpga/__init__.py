"""FPGA pipelines: what networks cost on chunks of DSP slices and block RAMs."""

from dna_jax.hardware.fpga.allocation import (
    ChunkLayers,
    allocate,
    chunk_layers,
    chunk_of,
    is_depthwise,
    is_priced,
    layer_counts,
)
from dna_jax.hardware.fpga.layer import (
    CLOCK_HZ,
    ChunkDesign,
    FpgaLayerCost,
    FpgaLayers,
    Model,
    cost_on_chunk,
)
from dna_jax.hardware.fpga.pipeline import (
    ChunkCost,
    PipelineCost,
    chunk_cost,
    chunk_design,
    evaluate_pipeline,
    layer_costs,
    mixed_chunk_cost,
    pipeline_cost,
)
from dna_jax.hardware.fpga.relaxed import PipelinePricing, RelaxedPipelineCost, priced_chunks
from dna_jax.hardware.fpga.vectors import design_of_vectors

__all__ = [
    "CLOCK_HZ",
    "ChunkCost",
    "ChunkDesign",
    "ChunkLayers",
    "FpgaLayerCost",
    "FpgaLayers",
    "Model",
    "PipelineCost",
    "PipelinePricing",
    "RelaxedPipelineCost",
    "allocate",
    "chunk_cost",
    "chunk_design",
    "chunk_layers",
    "chunk_of",
    "cost_on_chunk",
    "design_of_vectors",
    "evaluate_pipeline",
    "is_depthwise",
    "is_priced",
    "layer_costs",
    "layer_counts",
    "mixed_chunk_cost",
    "pipeline_cost",
    "priced_chunks",
]
