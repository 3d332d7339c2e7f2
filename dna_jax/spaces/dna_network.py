"""The FBNet-style network space of DNA: an operation and an operand width in each of 22 blocks.

DNA (Zhang et al., arXiv:2010.14778, section 4) searches the blocks of FBNet (Wu et al., CVPR 2019, Table 1); Auto-NBA (Fu et
al., ICML 2021) adds the widths. An operation k{K}_e{E} expands channels E times, convolves depthwise with a K x K kernel and
projects; its suffix _g2 halves both pointwise convolutions into two groups with a channel shuffle between.
"""

import dataclasses

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Space

BLOCKS = 22
WIDTHS = (4, 6, 8)
SKIP = "skip"
OPERATIONS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", SKIP)


@dataclasses.dataclass(frozen=True)
class Operation:
    """What an operation other than the skip is made of.

    Attributes:
      kernel: side of the depthwise kernel.
      expansion: hidden channels over input channels.
      groups: of both pointwise convolutions.
    """

    kernel: int
    expansion: int
    groups: int


def operation(name: str) -> Operation:
    """The operation of a name like "k3_e6" or "k5_e1_g2"; ValueError for anything else, the skip included."""
    if name == SKIP or name not in OPERATIONS:
        raise ValueError(f"{name!r} is no operation with a kernel; choose one of {', '.join(OPERATIONS[:-1])}.")
    kernel, expansion, *groups = (int(part[1:]) for part in name.split("_"))
    return Operation(kernel, expansion, groups[0] if groups else 1)


def operation_name(block: int) -> str:
    """Name of the operation decision of a block; blocks count from 1."""
    return f"block_{block:02d}.operation"


def bits_name(block: int) -> str:
    """Name of the operand-width decision of a block; blocks count from 1."""
    return f"block_{block:02d}.bits"


def is_bits(name: str) -> bool:
    """Whether a decision of that name chooses the width of operands."""
    return name.endswith(".bits")


def dna_network_space(blocks: int = BLOCKS, widths: tuple[int, ...] = WIDTHS) -> Space:
    """Operation and width of each block: (9 * 3)^22 = 3.1e31 networks by default."""
    choices = []
    for block in range(1, blocks + 1):
        choices.append(Decision(operation_name(block), OPERATIONS))
        choices.append(Decision(bits_name(block), widths))
    return Space("dna", tuple(choices))
