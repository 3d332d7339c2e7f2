"""Flax modules of the DNA networks.

A block holds candidates: one in a single network, the super-kernel and the skip in a super-kernel network, one of each
operation where candidates are separate. Parameters are masked and quantised before they get here (`dna_parameters`);
activations are quantised here, once for all convolutions that read them.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from dna_jax.networks.channel_groups import shuffle
from dna_jax.networks.dna_blocks import DnaBlock, DnaLayout
from dna_jax.networks.dna_choices import LARGEST, SUPER_KERNEL, BlockChoice, Choices
from dna_jax.networks.modules import BatchNorm, Depthwise, Pointwise, Stem
from dna_jax.networks.quantization import Precision, largest_magnitude, quantize
from dna_jax.networks.quantized_relu import largest_of_relu, quantized_relu
from dna_jax.spaces import OPERATIONS, SKIP, Operation, operation


class Quantizer(nnx.Module):
    """Activations at the precision of the convolutions that read them.

    In training the largest level stands for the largest magnitude of the batch, which is stored in `range`; in evaluation
    for what is stored, so that the result of an image does not depend on those beside it.
    """

    def __init__(self, signed: bool):
        self.range = nnx.BatchStat(jnp.ones(()))
        self.signed = signed

    def __call__(self, x: jax.Array, precision: Precision, training: bool) -> jax.Array:
        if training:
            self.range.set_value(largest_magnitude(x, self.signed))
        return quantize(x, self.range[...], precision, self.signed)


class QuantizedActivation(nnx.Module):
    """Batch normalisation, ReLU, and quantisation as by a `Quantizer`."""

    def __init__(self, channels: int):
        self.norm = BatchNorm(channels)
        self.range = nnx.BatchStat(jnp.ones(()))

    def __call__(self, x: jax.Array, choice: BlockChoice, training: bool) -> jax.Array:
        factor, shift = self.norm.factor_and_shift(x, training)
        if training:
            counted = None if choice.masks is None else choice.masks.counted
            self.range.set_value(largest_of_relu(x, factor, shift, counted))
        return quantized_relu(x, factor, shift, self.range[...], choice.precision)


class GroupedPointwise(Pointwise):
    """1x1 convolution over groups of channels; weights [in / groups, out]."""

    def __init__(self, in_channels: int, out_channels: int, groups: int):
        super().__init__(in_channels // groups, out_channels)
        self.groups = groups

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.groups == 1:
            return super().__call__(x)
        parts = zip(jnp.split(x, self.groups, axis=-1), jnp.split(self.kernel[...], self.groups, axis=-1), strict=True)
        return jnp.concatenate([part @ kernel for part, kernel in parts], axis=-1)


class InvertedBottleneck(nnx.Module):
    """Expand, shuffle if grouped, depthwise, project, and the input added where the shape is kept.

    The expansion is a convolution even where it expands by 1. A super-kernel block is built for the largest operation. The
    normalisation in front of an addition starts with a scale of zero (Goyal et al., arXiv:1706.02677, section 5.1), so that
    such a block starts as the identity whatever operation is drawn: without, the network that holds them all hardly learns.
    """

    def __init__(self, block: DnaBlock, parts: Operation):
        hidden = block.in_channels * parts.expansion
        self.groups = parts.groups
        self.expand = GroupedPointwise(block.in_channels, hidden, parts.groups)
        self.expand_activation = QuantizedActivation(hidden)
        self.depthwise = Depthwise(hidden, parts.kernel, block.stride)
        self.depthwise_activation = QuantizedActivation(hidden)
        self.project = GroupedPointwise(hidden, block.out_channels, parts.groups)
        self.project_norm = None if block.keeps_shape else BatchNorm(block.out_channels)
        self.residual_norm = BatchNorm(block.out_channels) if block.keeps_shape else None

    def __call__(self, x: jax.Array, quantized: jax.Array, choice: BlockChoice, training: bool) -> jax.Array:
        y = self.expand_activation(self.expand(quantized), choice, training)
        if self.groups > 1:
            y = shuffle(y, self.groups)
        y = self.depthwise_activation(self.depthwise(y), choice, training)
        y = self.project(y)
        if self.residual_norm is not None:
            return x + self.residual_norm(y, training)
        assert self.project_norm is not None
        return self.project_norm(y, training)


class Skip(nnx.Module):
    """The identity where the shape is kept, else a 1x1 convolution of the block's stride, normalisation, ReLU."""

    def __init__(self, block: DnaBlock):
        self.stride = block.stride
        self.pointwise = None if block.keeps_shape else Pointwise(block.in_channels, block.out_channels)
        self.norm = None if block.keeps_shape else BatchNorm(block.out_channels)

    def __call__(self, x: jax.Array, quantized: jax.Array, choice: BlockChoice, training: bool) -> jax.Array:
        if self.pointwise is None or self.norm is None:
            return x
        return jax.nn.relu(self.norm(self.pointwise(quantized[:, :: self.stride, :: self.stride]), training))


class MixedBlock(nnx.Module):
    """The output of a block's only candidate, or the mixture of those of several."""

    def __init__(self, block: DnaBlock, candidates: Mapping[str, nnx.Module]):
        convolves = not block.keeps_shape or any(name != SKIP for name in candidates)
        # Projections are linear, so all blocks but the first, which reads the stem's ReLU, may read negative numbers.
        self.input = Quantizer(signed=block.index > 1) if convolves else None
        self.candidates = nnx.Dict(candidates)

    def __call__(self, x: jax.Array, choice: BlockChoice, training: bool) -> jax.Array:
        quantized = x if self.input is None else self.input(x, choice.precision, training)
        outputs = {name: candidate(x, quantized, choice, training) for name, candidate in self.candidates.items()}
        if choice.mixture is None:
            (output,) = outputs.values()
            return output
        total = jnp.zeros((), x.dtype)
        for name, output in outputs.items():
            total = total + choice.mixture[name] * output
        return total


def candidates_of(layout: DnaLayout, block: DnaBlock, chosen: str | None) -> dict[str, nnx.Module]:
    """The candidates of a block by name: the chosen operation alone, or for None all in the family's form."""
    if chosen is None and layout.form == "super_kernel":
        return {SUPER_KERNEL: InvertedBottleneck(block, LARGEST), SKIP: Skip(block)}
    names = OPERATIONS if chosen is None else (chosen,)
    return {name: Skip(block) if name == SKIP else InvertedBottleneck(block, operation(name)) for name in names}


class DnaNetwork(nnx.Module):
    """Stem, blocks, head, pool, classifier; an operation for each block, or None for all in the family's form."""

    def __init__(self, layout: DnaLayout, operations: Sequence[str | None]):
        last = layout.blocks[-1].out_channels
        self.image = Quantizer(signed=True)
        self.stem = Stem(layout.image_channels, layout.stem_channels, layout.stem_stride)
        self.stem_norm = BatchNorm(layout.stem_channels)
        self.blocks = nnx.List(
            [
                MixedBlock(block, candidates_of(layout, block, chosen))
                for block, chosen in zip(layout.blocks, operations, strict=True)
            ]
        )
        self.head_input = Quantizer(signed=True)
        self.head = Pointwise(last, layout.head_channels)
        self.head_norm = BatchNorm(layout.head_channels)
        self.classifier_input = Quantizer(signed=False)
        self.classifier = Pointwise(layout.head_channels, layout.classes, use_bias=True)

    def __call__(self, images: jax.Array, training: bool, choices: Choices) -> jax.Array:
        """Logits [batch, classes] of images [batch, height, width, channels]."""
        x = self.stem(self.image(images, choices.fixed, training))
        x = jax.nn.relu(self.stem_norm(x, training))
        for block, choice in zip(self.blocks, choices.blocks, strict=True):
            x = block(x, choice, training)
        x = self.head(self.head_input(x, choices.fixed, training))
        x = jax.nn.relu(self.head_norm(x, training))
        x = self.classifier_input(jnp.mean(x, axis=(1, 2)), choices.fixed, training)
        return self.classifier(x)
