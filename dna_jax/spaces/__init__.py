"""What may be chosen."""

from dna_jax.spaces.asic_pipeline import asic_pipeline_space
from dna_jax.spaces.decision import Decision, Option
from dna_jax.spaces.dna_network import (
    OPERATIONS,
    SKIP,
    WIDTHS,
    Operation,
    bits_name,
    dna_network_space,
    is_bits,
    operation,
    operation_name,
)
from dna_jax.spaces.fpga_parts import PARTS, Part, hold_parts
from dna_jax.spaces.fpga_pipeline import (
    DEPTHWISE_MODES,
    KNOBS,
    PLANS,
    STANDARD_MODES,
    Chunk,
    as_released,
    baseline_pipeline,
    boundary_name,
    chunk_decisions,
    chunks_for,
    chunks_of,
    fpga_pipeline_space,
    knob_name,
    plan_for,
    tile_and_unrolled,
    tiles_and_unrolled,
)
from dna_jax.spaces.gemmini import gemmini_space
from dna_jax.spaces.inverted_residual import (
    expansion_name,
    inverted_residual_space,
    kernel_name,
    s1,
    s2,
    uniform_design,
)
from dna_jax.spaces.nahas_edge import nahas_edge_space
from dna_jax.spaces.plain_cnn import PLAIN_FILTERS, PLAIN_KERNELS, PLAIN_STRIDES, plain_cnn_space, plain_layer_names
from dna_jax.spaces.point import Point, pad_options
from dna_jax.spaces.space import Design, Space, expectation

__all__ = [
    "DEPTHWISE_MODES",
    "KNOBS",
    "OPERATIONS",
    "PARTS",
    "PLAIN_FILTERS",
    "PLAIN_KERNELS",
    "PLAIN_STRIDES",
    "PLANS",
    "SKIP",
    "STANDARD_MODES",
    "WIDTHS",
    "Chunk",
    "Decision",
    "Design",
    "Operation",
    "Option",
    "Part",
    "Point",
    "Space",
    "as_released",
    "asic_pipeline_space",
    "baseline_pipeline",
    "bits_name",
    "boundary_name",
    "chunk_decisions",
    "chunks_for",
    "chunks_of",
    "dna_network_space",
    "expansion_name",
    "expectation",
    "fpga_pipeline_space",
    "gemmini_space",
    "hold_parts",
    "inverted_residual_space",
    "is_bits",
    "kernel_name",
    "knob_name",
    "nahas_edge_space",
    "operation",
    "operation_name",
    "pad_options",
    "plain_cnn_space",
    "plain_layer_names",
    "plan_for",
    "s1",
    "s2",
    "tile_and_unrolled",
    "tiles_and_unrolled",
    "uniform_design",
]
