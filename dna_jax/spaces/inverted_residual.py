"""Kernel and expansion choices for stacks of inverted residual blocks (NAHAS section 3.2, spaces S1 and S2).

S1 searches the 17 blocks of MobileNetV2, S2 the 16 blocks of EfficientNet-B0: kernel 3, 5 or 7 in each block, and
expansion 3 or 6 in each but the first, which keeps expansion 1.
"""

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Design, Space

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 6)


def kernel_name(block: int) -> str:
    """Name of the kernel decision of a block; blocks count from 1."""
    return f"block_{block:02d}.kernel"


def expansion_name(block: int) -> str:
    """Name of the expansion decision of a block; blocks count from 1."""
    return f"block_{block:02d}.expansion"


def inverted_residual_space(name: str, blocks: int) -> Space:
    """Kernel and expansion of `blocks` blocks; cardinality 3^blocks * 2^(blocks - 1)."""
    choices = []
    for block in range(1, blocks + 1):
        choices.append(Decision(kernel_name(block), KERNELS))
        choices.append(Decision(expansion_name(block), EXPANSIONS if block > 1 else (1,)))
    return Space(name, tuple(choices))


def s1() -> Space:
    """S1 on MobileNetV2: 3^17 * 2^16 = 8.46e12 networks."""
    return inverted_residual_space("s1_mobilenet_v2", 17)


def s2() -> Space:
    """S2 on EfficientNet-B0: 3^16 * 2^15 = 1.41e12 networks."""
    return inverted_residual_space("s2_efficientnet_b0", 16)


def uniform_design(space: Space, kernel: int, expansion: int) -> Design:
    """The design with one kernel and one expansion in every block; the first block keeps its only expansion."""
    design: Design = {}
    for decision in space.decisions:
        wanted = kernel if decision.name.endswith(".kernel") else expansion
        design[decision.name] = wanted if wanted in decision.options else decision.options[0]
    return design
