"""Families of the DNA network space: what is fixed around the searchable blocks, and what is done with them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import jax
from flax import nnx

from dna_jax.networks.dna_blocks import DnaBlock, DnaLayout
from dna_jax.networks.dna_choices import Choices, choices_at_point, choices_of_design
from dna_jax.networks.dna_inheritance import inherited_variables
from dna_jax.networks.dna_layers import dna_conditional_layers
from dna_jax.networks.dna_modules import DnaNetwork
from dna_jax.networks.dna_parameters import used_parameters
from dna_jax.networks.family import ConditionalLayer
from dna_jax.networks.modules import Variables
from dna_jax.spaces import OPERATIONS, WIDTHS, Design, Option, bits_name, operation_name


@dataclasses.dataclass(frozen=True)
class DnaSpecification(DnaLayout):
    """A `Family` with an operation and an operand width to choose in each block, quantised throughout."""

    @property
    def options(self) -> dict[str, tuple[Option, ...]]:
        options: dict[str, tuple[Option, ...]] = {}
        for block in self.blocks:
            options[operation_name(block.index)] = OPERATIONS
            options[bits_name(block.index)] = self.widths
        return options

    @property
    def default_design(self) -> Design:
        """MobileNetV2's block everywhere (kernel 3, expansion 6) with the widest operands: what others are compared with."""
        design: Design = {}
        for block in self.blocks:
            design[operation_name(block.index)] = "k3_e6"
            design[bits_name(block.index)] = self.widths[-1]
        return design

    def module(self, design: Mapping[str, Option] | None) -> nnx.Module:
        """ValueError for a family that is known by its blocks alone."""
        if not self.head_channels:
            raise ValueError(f"The family {self.name} can be priced but not trained: it has no stem, head and classifier.")
        chosen = [None if design is None else str(design[operation_name(block.index)]) for block in self.blocks]
        return DnaNetwork(self, chosen)

    def choose(
        self, parameters: Variables, design: Mapping[str, Option] | None, point: Mapping[str, jax.Array] | None
    ) -> tuple[Variables, tuple[Choices]]:
        """ValueError for the network that holds them all without a point."""
        if design is not None:
            choices = choices_of_design(self, design)
        elif point is not None:
            choices = choices_at_point(self, point)
        else:
            raise ValueError(f"The network that holds all of {self.name} needs a point of their space.")
        return used_parameters(self, parameters, choices), (choices,)

    def inherit(self, design: Mapping[str, Option], variables: Variables, source: Variables) -> Variables:
        return inherited_variables(self, variables, source)

    def conditional_layers(self) -> list[ConditionalLayer]:
        return dna_conditional_layers(self)


_CHANNELS = (16, 24, 32, 64, 112, 184, 352)
_BLOCKS = (1, 4, 4, 4, 4, 4, 1)
_STRIDES = {
    "cifar": (1, 1, 1, 2, 2, 1, 2, 1),
    "imagenet": (2, 1, 2, 2, 2, 1, 2, 1),
    "digits": (1, 1, 1, 2, 1, 1, 2, 1),
}
"""Of the stem and of each of the seven stages. "digits" is ours: 8 pixels end as 2."""

_IMAGE_SIZES = {"cifar": 32, "imagenet": 224, "digits": 8}


def _blocks(channels: Sequence[int], strides: Sequence[int], in_channels: int, rows: int) -> tuple[DnaBlock, ...]:
    """Blocks of given output channels and strides behind a stem of `in_channels` and `rows`."""
    blocks = []
    for index, (out_channels, stride) in enumerate(zip(channels, strides, strict=True), 1):
        block = DnaBlock(index, in_channels, out_channels, stride, rows)
        blocks.append(block)
        in_channels, rows = out_channels, block.rows
    return tuple(blocks)


def _scaled(channels: int, width: float) -> int:
    """Channels at a width, a multiple of 4, which two groups and four rows of processing elements divide."""
    return channels if width == 1 else max(4, 4 * round(channels * width / 4))


def dna_network(
    stride_plan: str = "cifar",
    width: float = 1.0,
    image_size: int | None = None,
    classes: int | None = None,
    image_channels: int = 3,
    as_released: bool = False,
    widths: tuple[int, ...] = WIDTHS,
    form: Literal["super_kernel", "separate"] = "super_kernel",
) -> DnaSpecification:
    """The family of 22 blocks (Auto-NBA, `operations.py` and `config_search.py` of its release).

    Args:
      stride_plan: "cifar" (32 pixels, 10 classes; strides of the last three halvings only), "imagenet" (224 pixels, 1000),
        or "digits" (8 pixels, 10 classes; two halvings).
      width: multiplies all channels.
      image_size, classes, image_channels: of the task; those of the stride plan by default.
      as_released: with 192 channels in the sixth stage, as the released cost model counts; trained networks have 184.
      widths: operand widths to choose from, ascending.
      form: of the network that holds them all.
    """
    if stride_plan not in _STRIDES:
        raise ValueError(f"The stride plan {stride_plan!r} is none of this family; choose one of {', '.join(_STRIDES)}.")
    if not width > 0:
        raise ValueError(f"width must be positive, not {width}.")
    small = stride_plan != "imagenet"
    stem_stride, *stage_strides = _STRIDES[stride_plan]
    image_size = image_size or _IMAGE_SIZES[stride_plan]
    at_one = [192 if as_released and c == 184 else c for c in _CHANNELS]
    channels = [_scaled(c, width) for c, count in zip(at_one, _BLOCKS, strict=True) for _ in range(count)]
    strides = [s if i == 0 else 1 for s, count in zip(stage_strides, _BLOCKS, strict=True) for i in range(count)]
    stem = _scaled(16, width)
    return DnaSpecification(
        name="dna_network",
        image_size=image_size,
        image_channels=image_channels,
        classes=classes or (10 if small else 1000),
        stem_channels=stem,
        stem_stride=stem_stride,
        blocks=_blocks(channels, strides, stem, -(-image_size // stem_stride)),
        head_channels=_scaled(1504 if small else 1984, width),
        fixed_bits=8,
        widths=widths,
        form=form,
    )


def edd_network(as_released: bool = False) -> DnaSpecification:
    """The 16 blocks after EDD (Li et al., DAC 2020) on 224 pixels, known by their blocks alone, so that they can be priced
    but not trained.

    Args:
      as_released: with a first block of 16 output channels, though the next one reads 32.
    """
    channels = (32, 48, 48, 48, 96, 96, 96, 96, 128, 128, 128, 256, 256, 256, 256, 320)
    strides = (2, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
    first, *others = _blocks(channels, strides, 16, 112)
    if as_released:
        first = dataclasses.replace(first, out_channels=16)
    return DnaSpecification(
        name="dna_edd",
        image_size=224,
        image_channels=3,
        classes=1000,
        stem_channels=16,
        stem_stride=2,
        blocks=(first, *others),
        head_channels=0,
        fixed_bits=8,
    )
