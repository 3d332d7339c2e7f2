"""Networks of the DNA space before any choice is made, as plain data."""

import dataclasses
from typing import Literal

from dna_jax.spaces import WIDTHS


@dataclasses.dataclass(frozen=True)
class DnaBlock:
    """One searchable block.

    Attributes:
      index: position in the network, from 1.
      in_channels, out_channels: of the block.
      stride: of its depthwise convolution.
      in_rows: height and width of its input.
    """

    index: int
    in_channels: int
    out_channels: int
    stride: int
    in_rows: int

    @property
    def rows(self) -> int:
        """Height and width of its output; a stride of 2 makes 4 of 7."""
        return -(-self.in_rows // self.stride)

    @property
    def keeps_shape(self) -> bool:
        """Whether output and input have one shape: then the input is added to the output, and a skip is the identity."""
        return self.stride == 1 and self.in_channels == self.out_channels


@dataclasses.dataclass(frozen=True)
class DnaLayout:
    """What the networks of a family have in common.

    Attributes:
      name: of the family.
      image_size, image_channels: of the (square) input.
      classes: of the classifier.
      stem_channels, stem_stride: of the first 3 x 3 convolution.
      blocks: the searchable blocks.
      head_channels: of the last 1 x 1 convolution; 0 where a family is known by its blocks alone.
      fixed_bits: operand width of stem, head and classifier, which are not searched.
      widths: operand widths to choose from in each block, ascending.
      form: of the network that holds them all: "super_kernel" (all operations of a block share the parameters of the
        largest) or "separate" (each has its own, as DNA trains them, at several times the cost of a step).
    """

    name: str
    image_size: int
    image_channels: int
    classes: int
    stem_channels: int
    stem_stride: int
    blocks: tuple[DnaBlock, ...]
    head_channels: int
    fixed_bits: int
    widths: tuple[int, ...] = WIDTHS
    form: Literal["super_kernel", "separate"] = "super_kernel"
