"""What is trained."""

from dna_jax.networks.efficientnet_b0 import efficientnet_b0
from dna_jax.networks.mobilenet_v2 import mobilenet_v2
from dna_jax.networks.specification import STRIDE_PLANS, Block, Specification
from dna_jax.networks.supernet import (
    Model,
    Variables,
    count_parameters,
    inherit,
    single_network,
    supernet,
)
from dna_jax.networks.workload import chosen_layers, conditional_layers, macs, relaxed_workload

__all__ = [
    "STRIDE_PLANS",
    "Block",
    "Model",
    "Specification",
    "Variables",
    "chosen_layers",
    "conditional_layers",
    "count_parameters",
    "efficientnet_b0",
    "inherit",
    "macs",
    "mobilenet_v2",
    "relaxed_workload",
    "single_network",
    "supernet",
]
