"""Networks of inverted residual blocks before any choice is made, as plain data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Block:
    """One inverted residual block.

    Attributes:
      index: position in the network, from 1.
      in_channels, out_channels: of the block.
      stride: of its depthwise convolution.
      squeeze_channels: width of the squeeze-excite bottleneck, 0 for none.
      kernels, expansions: options of the block, ascending.
      kernel, expansion: published default.
    """

    index: int
    in_channels: int
    out_channels: int
    stride: int
    squeeze_channels: int
    kernels: tuple[int, ...]
    expansions: tuple[int, ...]
    kernel: int
    expansion: int

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.in_channels == self.out_channels


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the networks of a family have in common.

    Attributes:
      name: of the family.
      image_size, image_channels: of the (square) input.
      classes: of the classifier.
      activation: "relu6" or "swish".
      stem_channels, stem_stride: of the first 3x3 convolution.
      blocks: the searchable blocks.
      head_channels: of the last 1x1 convolution.
    """

    name: str
    image_size: int
    image_channels: int
    classes: int
    activation: str
    stem_channels: int
    stem_stride: int
    blocks: tuple[Block, ...]
    head_channels: int
