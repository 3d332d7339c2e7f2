"""Plain convolutional networks, whose every layer has a kernel, a number of filters and a stride.

Jiang et al. (TCAD 2020, arXiv:1907.04650). As in their released networks (github.com/PITT-JZ-COOP/Co-Explore-NAS) a layer is
a convolution with biases, ReLU and batch normalisation; the last map is flattened and classified.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from dna_jax.networks.modules import BatchNorm, Pointwise, Variables
from dna_jax.spaces import PLAIN_FILTERS, PLAIN_STRIDES, Design, Option, plain_cnn_space, plain_layer_names
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class PlainLayer:
    """One layer of a network.

    Attributes:
      kernel, filters, stride: as chosen.
      in_channels: of its input.
      size, in_size: height and width of its output and input.
    """

    kernel: int
    filters: int
    stride: int
    in_channels: int
    size: int
    in_size: int


class _Convolution(nnx.Module):
    """Convolution, ReLU, batch normalisation; weights [kernel, kernel, in, out]."""

    def __init__(self, layer: PlainLayer):
        self.kernel = nnx.Param(jnp.zeros((layer.kernel, layer.kernel, layer.in_channels, layer.filters)))
        self.bias = nnx.Param(jnp.zeros(layer.filters))
        self.norm = BatchNorm(layer.filters)
        self.stride = layer.stride

    def __call__(self, x: jax.Array, training: bool) -> jax.Array:
        strides = (self.stride, self.stride)
        y = jax.lax.conv_general_dilated(x, self.kernel[...], strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return self.norm(jax.nn.relu(y + self.bias[...]), training)


class _PlainNetwork(nnx.Module):
    def __init__(self, layers: list[PlainLayer], classes: int):
        self.layers = nnx.List([_Convolution(layer) for layer in layers])
        last = layers[-1]
        self.classifier = Pointwise(last.filters * last.size**2, classes, use_bias=True)

    def __call__(self, images: jax.Array, training: bool) -> jax.Array:
        """Logits [batch, classes] of images [batch, height, width, channels]."""
        x = images
        for layer in self.layers:
            x = layer(x, training)
        return self.classifier(x.reshape(x.shape[0], -1))


@dataclasses.dataclass(frozen=True)
class PlainCnn:
    """A `TrainableFamily`, of which networks do not inherit.

    Attributes:
      depth: layers before the classifier.
      image_size: height and width of the input.
      image_channels: of the input.
      classes: of the classifier.
    """

    depth: int
    image_size: int
    image_channels: int
    classes: int

    @property
    def name(self) -> str:
        return f"plain_cnn_{self.depth}"

    @property
    def options(self) -> dict[str, tuple[Option, ...]]:
        return {decision.name: decision.options for decision in plain_cnn_space(self.depth).decisions}

    @property
    def default_design(self) -> Design:
        """3x3 kernels and most filters throughout; every other layer halves the map. (The paper has no such network.)"""
        design: Design = {}
        for layer in range(1, self.depth + 1):
            values = (3, PLAIN_FILTERS[-1], PLAIN_STRIDES[(layer - 1) % 2])
            design |= dict(zip(plain_layer_names(layer), values, strict=True))
        return design

    def plain_layers(self, design: Mapping[str, Option]) -> list[PlainLayer]:
        """The layers of a network; a stride of 2 halves its map, rounding up."""
        layers, channels, size = [], self.image_channels, self.image_size
        for layer in range(1, self.depth + 1):
            kernel, filters, stride = (int(design[name]) for name in plain_layer_names(layer))
            smaller = -(-size // stride)
            layers.append(PlainLayer(kernel, filters, stride, channels, smaller, size))
            channels, size = filters, smaller
        return layers

    def module(self, design: Mapping[str, Option]) -> nnx.Module:
        return _PlainNetwork(self.plain_layers(design), self.classes)

    def choose(self, parameters: Variables, design: Mapping[str, Option], point: None) -> tuple[Variables, tuple[()]]:
        """Nothing is masked."""
        return parameters, ()

    def layers(self, design: Mapping[str, Option], bits: int) -> list[Layer]:
        """The layers of a network with operands of so many bits; the classifier is a convolution as large as its map."""
        plain = self.plain_layers(design)
        width = {"weight_bits": bits, "input_bits": bits, "output_bits": bits}
        rows = [
            Layer(
                f"layer_{i:02d}",
                K=y.filters,
                C=y.in_channels,
                P=y.size,
                Q=y.size,
                R=y.kernel,
                S=y.kernel,
                stride=y.stride,
                input_rows=y.in_size,
                input_columns=y.in_size,
                **width,
            )
            for i, y in enumerate(plain, start=1)
        ]
        last = plain[-1]
        return [
            *rows,
            Layer("classifier", K=self.classes, C=last.filters, P=1, Q=1, R=last.size, S=last.size, **width),
        ]

    @property
    def output_channels(self) -> tuple[int, ...]:
        """Output channels that layers may have."""
        return (self.classes, *PLAIN_FILTERS)

    @property
    def input_channels(self) -> tuple[int, ...]:
        """Input channels that layers may have."""
        return (self.image_channels, *PLAIN_FILTERS)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the output maps that layers may have, the classifier's 1 among them."""
        sizes = [self.image_size]
        for _ in range(self.depth):
            sizes.append(-(-sizes[-1] // max(PLAIN_STRIDES)))
        return tuple(sorted({1, *sizes}))
