"""Families of networks of inverted residual blocks: stages turned into blocks, and what is done with them."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
from flax import nnx

from dna_jax.networks.family import ConditionalLayer
from dna_jax.networks.inverted_residual import Block, Layout
from dna_jax.networks.inverted_residual_layers import inverted_residual_layers
from dna_jax.networks.masking import mask_parameters
from dna_jax.networks.modules import Network, Variables
from dna_jax.spaces import Design, Option, Space, expansion_name, kernel_name


@dataclasses.dataclass(frozen=True)
class Specification(Layout):
    """A `Family` with a kernel and an expansion to choose in each block; its super-kernel network is one of the largest."""

    @property
    def options(self) -> dict[str, tuple[Option, ...]]:
        options: dict[str, tuple[Option, ...]] = {}
        for block in self.blocks:
            options[kernel_name(block.index)] = block.kernels
            options[expansion_name(block.index)] = block.expansions
        return options

    @property
    def default_design(self) -> Design:
        """The published network."""
        design: Design = {}
        for block in self.blocks:
            design[kernel_name(block.index)] = block.kernel
            design[expansion_name(block.index)] = block.expansion
        return design

    def module(self, design: Mapping[str, Option] | None) -> nnx.Module:
        chosen = {name: options[-1] for name, options in self.options.items()} if design is None else design
        kernels = [int(chosen[kernel_name(block.index)]) for block in self.blocks]
        expansions = [int(chosen[expansion_name(block.index)]) for block in self.blocks]
        return Network(self, kernels, expansions)

    def choose(
        self, parameters: Variables, design: Mapping[str, Option] | None, point: Mapping[str, jax.Array] | None
    ) -> tuple[Variables, tuple[()]]:
        """Masks alone: without a point the parameters are those of the single, or of the largest, network."""
        return (parameters if point is None else mask_parameters(self, parameters, point)), ()

    def inherit(self, design: Mapping[str, Option], variables: Variables, source: Variables) -> Variables:
        """The inner square of each kernel and the leading channels of each axis."""

        def crop(target: jax.Array, whole: jax.Array) -> jax.Array:
            spatial = 2 if target.ndim >= 3 else 0
            index = []
            for axis, (small, large) in enumerate(zip(target.shape, whole.shape, strict=True)):
                start = (large - small) // 2 if axis < spatial else 0
                index.append(slice(start, start + small))
            return whole[tuple(index)]

        return jax.tree.map(crop, variables, source)

    def conditional_layers(self) -> list[ConditionalLayer]:
        return inverted_residual_layers(self)


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
