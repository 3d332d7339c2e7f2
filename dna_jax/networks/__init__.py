"""What is trained."""

from dna_jax.networks.efficientnet_b0 import efficientnet_b0
from dna_jax.networks.mobilenet_v2 import mobilenet_v2
from dna_jax.networks.published import efficientnet_b1, mnasnet_b1
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

FAMILIES = {network.__name__: network for network in (mobilenet_v2, efficientnet_b0, mnasnet_b1, efficientnet_b1)}
"""Name of a family -> what makes its specification."""

__all__ = [
    "FAMILIES",
    "STRIDE_PLANS",
    "Block",
    "Model",
    "Specification",
    "Variables",
    "chosen_layers",
    "conditional_layers",
    "count_parameters",
    "efficientnet_b0",
    "efficientnet_b1",
    "inherit",
    "macs",
    "mnasnet_b1",
    "mobilenet_v2",
    "relaxed_workload",
    "single_network",
    "supernet",
]
