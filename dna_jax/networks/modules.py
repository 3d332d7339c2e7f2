"""Flax modules of the networks. Super-kernels and single networks share them: parameters are masked before they get here.

Batch norm stores the statistics of the batch at hand when training; averaging them over steps, or over a calibration set
for a derived network, is a matter of pytrees outside.
"""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from dna_jax.networks.depthwise import depthwise
from dna_jax.networks.inverted_residual import Block, Layout

BATCH_NORM_EPSILON = 1e-3

Variables = nnx.State
"""Parameters or batch statistics, a pytree."""


def activate(x: jax.Array, name: str) -> jax.Array:
    """ReLU6 or swish."""
    return jax.nn.relu6(x) if name == "relu6" else jax.nn.swish(x)


class BatchNorm(nnx.Module):
    """Batch normalisation over all axes but the last.

    In training it normalises with the batch's mean and variance and stores just these in `mean` and `variance`; in
    evaluation it normalises with what is stored.
    """

    def __init__(self, channels: int):
        self.scale = nnx.Param(jnp.ones(channels))
        self.bias = nnx.Param(jnp.zeros(channels))
        self.mean = nnx.BatchStat(jnp.zeros(channels))
        self.variance = nnx.BatchStat(jnp.ones(channels))

    def _factor_and_mean(self, x: jax.Array, training: bool) -> tuple[jax.Array, jax.Array]:
        if training:
            axes = tuple(range(x.ndim - 1))
            mean = jnp.mean(x, axis=axes)
            variance = jnp.maximum(jnp.mean(jnp.square(x), axis=axes) - jnp.square(mean), 0)
            self.mean.set_value(jax.lax.stop_gradient(mean))
            self.variance.set_value(jax.lax.stop_gradient(variance))
        else:
            mean, variance = self.mean[...], self.variance[...]
        factor = self.scale[...] * jax.lax.rsqrt(variance + BATCH_NORM_EPSILON)
        return factor, mean

    def factor_and_shift(self, x: jax.Array, training: bool) -> tuple[jax.Array, jax.Array]:
        """What each channel is multiplied by and what is then added to it, [channels] each."""
        factor, mean = self._factor_and_mean(x, training)
        return factor, self.bias[...] - mean * factor

    def __call__(self, x: jax.Array, training: bool) -> jax.Array:
        factor, mean = self._factor_and_mean(x, training)
        return x * factor + (self.bias[...] - mean * factor)


class Pointwise(nnx.Module):
    """1x1 convolution or linear layer over the last axis; weights [in, out]."""

    def __init__(self, in_channels: int, out_channels: int, use_bias: bool = False):
        self.kernel = nnx.Param(jnp.zeros((in_channels, out_channels)))
        self.bias = nnx.Param(jnp.zeros(out_channels)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = x @ self.kernel[...]
        return y if self.bias is None else y + self.bias[...]


class Depthwise(nnx.Module):
    """Depthwise convolution; weights [side, side, channels]."""

    def __init__(self, channels: int, side: int, stride: int):
        self.kernel = nnx.Param(jnp.zeros((side, side, channels)))
        self.stride = stride

    def __call__(self, x: jax.Array) -> jax.Array:
        return depthwise(x, self.kernel[...], self.stride)


class Stem(nnx.Module):
    """3x3 convolution over image channels; weights [3, 3, in, out]."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        self.kernel = nnx.Param(jnp.zeros((3, 3, in_channels, out_channels)))
        self.stride = stride

    def __call__(self, x: jax.Array) -> jax.Array:
        strides = (self.stride, self.stride)
        return jax.lax.conv_general_dilated(x, self.kernel[...], strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


class SqueezeExcite(nnx.Module):
    """Channel gates from global averages (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, squeeze_channels: int):
        self.reduce = Pointwise(channels, squeeze_channels, use_bias=True)
        self.expand = Pointwise(squeeze_channels, channels, use_bias=True)

    def __call__(self, x: jax.Array, activation: str) -> jax.Array:
        squeezed = activate(self.reduce(jnp.mean(x, axis=(1, 2))), activation)
        return x * jax.nn.sigmoid(self.expand(squeezed))[:, None, None, :]


class InvertedResidual(nnx.Module):
    """Expand, depthwise, (squeeze-excite,) project (MobileNetV2, Figure 3), built for one kernel and expansion.

    A super-kernel block is built for the largest; masked parameters then select or mix the smaller options.
    """

    def __init__(self, block: Block, kernel: int, expansion: int, activation: str):
        hidden = block.in_channels * expansion
        self.residual = block.residual
        self.activation = activation
        self.expand = Pointwise(block.in_channels, hidden) if expansion > 1 else None
        self.expand_norm = BatchNorm(hidden) if expansion > 1 else None
        self.depthwise = Depthwise(hidden, kernel, block.stride)
        self.depthwise_norm = BatchNorm(hidden)
        self.squeeze = SqueezeExcite(hidden, block.squeeze_channels) if block.squeeze_channels else None
        self.project = Pointwise(hidden, block.out_channels)
        self.project_norm = BatchNorm(block.out_channels)

    def __call__(self, x: jax.Array, training: bool) -> jax.Array:
        y = x
        if self.expand is not None and self.expand_norm is not None:
            y = activate(self.expand_norm(self.expand(y), training), self.activation)
        y = activate(self.depthwise_norm(self.depthwise(y), training), self.activation)
        if self.squeeze is not None:
            y = self.squeeze(y, self.activation)
        y = self.project_norm(self.project(y), training)
        return x + y if self.residual else y


class Network(nnx.Module):
    """Stem, blocks, head, pool, classifier, with one kernel and expansion per block."""

    def __init__(self, specification: Layout, kernels: list[int], expansions: list[int]):
        stem, last = specification.stem_channels, specification.blocks[-1].out_channels
        self.activation = specification.activation
        self.stem = Stem(specification.image_channels, stem, specification.stem_stride)
        self.stem_norm = BatchNorm(stem)
        self.blocks = nnx.List(
            [
                InvertedResidual(block, k, e, specification.activation)
                for block, k, e in zip(specification.blocks, kernels, expansions, strict=True)
            ]
        )
        self.head = Pointwise(last, specification.head_channels)
        self.head_norm = BatchNorm(specification.head_channels)
        self.classifier = Pointwise(specification.head_channels, specification.classes, use_bias=True)

    def __call__(self, images: jax.Array, training: bool) -> jax.Array:
        """Logits [batch, classes] of images [batch, height, width, channels]."""
        x = activate(self.stem_norm(self.stem(images), training), self.activation)
        for block in self.blocks:
            x = block(x, training)
        x = activate(self.head_norm(self.head(x), training), self.activation)
        return self.classifier(jnp.mean(x, axis=(1, 2)))


def fan_in_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of a kernel over which an output sums: all but the last; of a depthwise one, [side, side, channels], two."""
    return tuple(range(2 if len(shape) == 3 else len(shape) - 1))


def initial_deviation(path: tuple[str, ...], shape: tuple[int, ...]) -> float:
    """Standard deviation of a kernel's initial weights: He et al. (ICCV 2015) by fan-in; 0.01 for the classifier."""
    if path[0] == "classifier":
        return 0.01
    return math.sqrt(2 / math.prod(shape[axis] for axis in fan_in_axes(shape)))
