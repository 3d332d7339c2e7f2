"""A network of the tables of FPGA pipelines, as the release of Auto-NBA lists it."""

import dataclasses
from collections.abc import Sequence

from dna_jax.spaces import Design, as_released
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class ReleasedNetwork:
    """A network under a number, which the rows of tables name.

    Attributes:
      plan: of strides, a key of `spaces.PLANS`.
      operations: one per block.
      bits: asked for, one per block.
      layers: as the release lists them; those of the first block have names that begin with "block_01.".
      aligned_layers: the same, where every block had the bits that are asked for.
    """

    plan: str
    operations: Sequence[str]
    bits: Sequence[int]
    layers: list[Layer]
    aligned_layers: list[Layer]

    @property
    def widths(self) -> list[int]:
        """Of operands, those that occur."""
        return sorted(set(self.bits))

    @property
    def allocation(self) -> Design:
        """Of layers to chunks, that of the release."""
        return as_released(self.plan)

    @staticmethod
    def block_of(layer: Layer) -> int:
        """The block that a layer belongs to, from 0 on."""
        return int(layer.name.partition(".")[0].removeprefix("block_")) - 1
