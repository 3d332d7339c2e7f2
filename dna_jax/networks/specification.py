"""What a family of networks looks like before any choice is made: stages turned into blocks, as plain data."""

import dataclasses
from collections.abc import Sequence

from dna_jax.spaces import Design, Space, expansion_name, kernel_name


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
class Specification:
    """A network family.

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

    @property
    def default_design(self) -> Design:
        """The published network."""
        design: Design = {}
        for block in self.blocks:
            design[kernel_name(block.index)] = block.kernel
            design[expansion_name(block.index)] = block.expansion
        return design


@dataclasses.dataclass(frozen=True)
class Stage:
    """A run of blocks as papers tabulate them: the stride belongs to the first block."""

    channels: int
    blocks: int
    kernel: int
    expansion: int


STRIDE_PLANS: dict[str, tuple[int, ...]] = {
    "imagenet": (2, 1, 2, 2, 2, 1, 2, 1),
    "cifar": (1, 1, 1, 2, 2, 1, 2, 1),
    "cifar_early": (1, 1, 2, 2, 2, 1, 1, 1),
    "digits": (1, 1, 1, 2, 1, 1, 2, 1),
}
"""Stride of the stem and of each of seven stages. "imagenet" is the published plan: 224 pixels end as 7. Small images
would vanish under it: "cifar" (32 pixels end as 4) leaves out the first two halvings, as is usual for CIFAR; "cifar_early"
(32 pixels end as 4 too) halves as early as possible, at half the cost of a step, for machines without a GPU; "digits"
(8 pixels end as 2) halves twice, so that kernels of 7 still see more than padding in most blocks."""


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Channels rounded to a multiple of `divisor`, never below 90 % (MobileNetV2 reference code)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def build(
    name: str,
    stages: Sequence[Stage],
    space: Space,
    *,
    activation: str,
    squeeze_ratio: float,
    stem_channels: int,
    head_channels: int,
    head_scales_down: bool,
    width: float,
    image_size: int,
    image_channels: int,
    classes: int,
    stride_plan: str,
) -> Specification:
    """A specification from a stage table.

    Args:
      name: of the family.
      stages: seven, as published at width 1.
      space: the decisions of the blocks.
      activation: "relu6" or "swish".
      squeeze_ratio: squeeze-excite width over the block's input channels, 0 for none.
      stem_channels, head_channels: at width 1.
      head_scales_down: whether a width below 1 narrows the head too.
      width: multiplies all channels.
      image_size, image_channels, classes: of the task.
      stride_plan: a key of STRIDE_PLANS.
    """
    if stride_plan not in STRIDE_PLANS:
        raise ValueError(f"Unknown stride plan {stride_plan!r}; choose one of {sorted(STRIDE_PLANS)}.")
    stem_stride, *stage_strides = STRIDE_PLANS[stride_plan]
    stem = make_divisible(stem_channels * width)
    blocks: list[Block] = []
    in_channels = stem
    for stage, stride in zip(stages, stage_strides, strict=True):
        out_channels = make_divisible(stage.channels * width)
        for position in range(stage.blocks):
            index = len(blocks) + 1
            blocks.append(
                Block(
                    index=index,
                    in_channels=in_channels,
                    out_channels=out_channels,
                    stride=stride if position == 0 else 1,
                    squeeze_channels=max(1, int(in_channels * squeeze_ratio)) if squeeze_ratio else 0,
                    kernels=tuple(int(k) for k in space[kernel_name(index)].options),
                    expansions=tuple(int(e) for e in space[expansion_name(index)].options),
                    kernel=stage.kernel,
                    expansion=stage.expansion,
                )
            )
            in_channels = out_channels
    head_width = width if head_scales_down else max(width, 1.0)
    return Specification(
        name=name,
        image_size=image_size,
        image_channels=image_channels,
        classes=classes,
        activation=activation,
        stem_channels=stem,
        stem_stride=stem_stride,
        blocks=tuple(blocks),
        head_channels=make_divisible(head_channels * head_width),
    )
