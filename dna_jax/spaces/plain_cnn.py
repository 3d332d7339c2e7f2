"""Plain convolutional networks: kernel, filters and stride of every layer.

Jiang et al., "Hardware/Software Co-Exploration of Neural Architectures" (TCAD 2020, arXiv:1907.04650): kernels 1, 3, 5, 7,
filters 24, 36, 48, 64, strides 1 and 2, 4 to 14 layers.
"""

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Space

PLAIN_KERNELS = (1, 3, 5, 7)
PLAIN_FILTERS = (24, 36, 48, 64)
PLAIN_STRIDES = (1, 2)


def plain_layer_names(layer: int) -> tuple[str, str, str]:
    """Names of the kernel, filters and stride decisions of a layer; layers count from 1."""
    return f"layer_{layer:02d}.kernel", f"layer_{layer:02d}.filters", f"layer_{layer:02d}.stride"


def plain_cnn_space(layers: int) -> Space:
    """Networks of so many layers; cardinality 32^layers."""
    choices = (PLAIN_KERNELS, PLAIN_FILTERS, PLAIN_STRIDES)
    decisions = (
        Decision(name, options)
        for layer in range(1, layers + 1)
        for name, options in zip(plain_layer_names(layer), choices, strict=True)
    )
    return Space(f"plain_cnn_{layers}", tuple(decisions))
