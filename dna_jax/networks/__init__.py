"""What is trained."""

from dna_jax.networks.dna import DnaSpecification, dna_network, edd_network
from dna_jax.networks.dna_layers import dna_layers, released_layers
from dna_jax.networks.efficientnet_b0 import efficientnet_b0
from dna_jax.networks.family import ConditionalLayer, Family, LayeredFamily, NetworkFamily, TrainableFamily
from dna_jax.networks.fixed import efficientnet_b1, mnasnet_b1, proxylessnas_mobile, single_path
from dna_jax.networks.inverted_residual import Block
from dna_jax.networks.listed import ListedNetwork, listed_network
from dna_jax.networks.macro import MacroSpecification
from dna_jax.networks.masking import rescale_initial
from dna_jax.networks.mobilenet_v2 import mobilenet_v2
from dna_jax.networks.plain_cnn import PlainCnn
from dna_jax.networks.published import PUBLISHED, published_layers
from dna_jax.networks.specification import STRIDE_PLANS, Specification
from dna_jax.networks.stated import StatedNetwork, network_entries, read_networks, stated_network
from dna_jax.networks.supernet import (
    Model,
    Variables,
    count_parameters,
    inherit,
    single_network,
    supernet,
)
from dna_jax.networks.workload import chosen_layers, expected_layers, macs, possible_layers, relaxed_workload

FAMILIES = {
    network.__name__: network
    for network in (
        mobilenet_v2,
        efficientnet_b0,
        mnasnet_b1,
        proxylessnas_mobile,
        single_path,
        efficientnet_b1,
        dna_network,
    )
}
"""Name of a family -> what makes its specification."""

__all__ = [
    "FAMILIES",
    "PUBLISHED",
    "STRIDE_PLANS",
    "Block",
    "ConditionalLayer",
    "DnaSpecification",
    "Family",
    "LayeredFamily",
    "ListedNetwork",
    "MacroSpecification",
    "Model",
    "NetworkFamily",
    "PlainCnn",
    "Specification",
    "StatedNetwork",
    "TrainableFamily",
    "Variables",
    "chosen_layers",
    "count_parameters",
    "dna_layers",
    "dna_network",
    "edd_network",
    "efficientnet_b0",
    "efficientnet_b1",
    "expected_layers",
    "inherit",
    "listed_network",
    "macs",
    "mnasnet_b1",
    "mobilenet_v2",
    "network_entries",
    "possible_layers",
    "proxylessnas_mobile",
    "published_layers",
    "read_networks",
    "relaxed_workload",
    "released_layers",
    "rescale_initial",
    "single_network",
    "single_path",
    "stated_network",
    "supernet",
]
