"""The network space of NAS-Bench-Macro (Su et al., CVPR 2021): one of three operations in each of eight layers."""

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Space

IDENTITY = "identity"

BLOCKS = {"k3_e3": (3, 3), "k5_e6": (5, 6)}
"""Kernel and expansion of the inverted residual blocks, by option."""

LAYERS = 8

MACRO_OPTIONS = (IDENTITY, *BLOCKS)
"""Options of every layer, in the order of the digits of the benchmark's keys."""


def macro_layer_name(layer: int) -> str:
    """Name of the decision of a layer; layers count from 1."""
    return f"layer_{layer}.operation"


def macro_space() -> Space:
    """3^8 = 6,561 keys, of 3,969 distinct networks: identities later in a stage commute."""
    return Space("macro", tuple(Decision(macro_layer_name(layer), MACRO_OPTIONS) for layer in range(1, LAYERS + 1)))
