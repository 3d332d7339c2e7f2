"""What may be chosen."""

from dna_jax.spaces.decision import Decision, Option
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
from dna_jax.spaces.point import Point, pad_options
from dna_jax.spaces.space import Design, Space, expectation

__all__ = [
    "Decision",
    "Design",
    "Option",
    "Point",
    "Space",
    "expansion_name",
    "expectation",
    "gemmini_space",
    "inverted_residual_space",
    "kernel_name",
    "nahas_edge_space",
    "pad_options",
    "s1",
    "s2",
    "uniform_design",
]
