"""Networks of NAS-Bench-Macro (Su et al., CVPR 2021, section 4): what they cost.

A 3x3 stem to 32 channels; three stages of 2, 3 and 3 layers, each of which doubles the channels and halves the map in its
first layer; a 1x1 convolution to 1280 channels, pooling, classifier. A layer is the identity (where the shape changes, a
strided 1x1 convolution with batch normalisation) or an inverted residual block. How accurate they are is known
(`accuracy.macro_table`), so they need not be trained here.
"""

import dataclasses
from collections.abc import Mapping

from dna_jax.networks.family import ConditionalLayer
from dna_jax.spaces import BLOCKS, IDENTITY, MACRO_OPTIONS, Design, Option, macro_layer_name
from dna_jax.workload import Layer, elementwise, global_pooling

STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
STAGES = (2, 3, 3)
"""Layers of each stage."""


def _convolution(
    name: str, inputs: int, outputs: int, size: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> Layer:
    """A convolution from maps of `size` pixels."""
    return Layer(
        name,
        K=outputs,
        C=inputs,
        P=size // stride,
        Q=size // stride,
        R=kernel,
        S=kernel,
        stride=stride,
        groups=groups,
        input_rows=size,
        input_columns=size,
    )


@dataclasses.dataclass(frozen=True)
class MacroSpecification:
    """The family, a `LayeredFamily`.

    Attributes:
      image_size: height and width of the input, a multiple of 8.
      image_channels: of the input.
      classes: of the classifier.
    """

    image_size: int = 32
    image_channels: int = 3
    classes: int = 10

    @property
    def name(self) -> str:
        return "macro"

    @property
    def options(self) -> dict[str, tuple[Option, ...]]:
        return {macro_layer_name(layer): MACRO_OPTIONS for layer in range(1, sum(STAGES) + 1)}

    @property
    def default_design(self) -> Design:
        """The larger block everywhere: the benchmark has no published network."""
        return {name: options[-1] for name, options in self.options.items()}

    def conditional_layers(self) -> list[ConditionalLayer]:
        size, channels = self.image_size, STEM_CHANNELS
        rows = [ConditionalLayer(_convolution("stem", self.image_channels, channels, size, kernel=3), {})]
        layer = 0
        for count in STAGES:
            for position in range(count):
                layer += 1
                outputs, stride = (2 * channels, 2) if position == 0 else (channels, 1)
                for option in MACRO_OPTIONS:
                    needs = {macro_layer_name(layer): option}
                    prefix = f"layer_{layer}"
                    rows += [
                        ConditionalLayer(each, needs) for each in _layers(prefix, option, channels, outputs, size, stride)
                    ]
                size, channels = size // stride, outputs
        head = _convolution("head", channels, HEAD_CHANNELS, size)
        pool = global_pooling("pool", HEAD_CHANNELS, size, size)
        classifier = Layer("classifier", K=self.classes, C=HEAD_CHANNELS, P=1, Q=1)
        return rows + [ConditionalLayer(each, {}) for each in (head, pool, classifier)]

    def count_parameters(self, design: Mapping[str, Option]) -> int:
        """Trainable parameters of a network: kernels, scale and shift of a normalisation after every convolution, and the
        classifier's bias."""
        total = 0
        for row in self.conditional_layers():
            layer = row.layer
            if layer.weight_bits and all(design[name] == option for name, option in row.needs.items()):
                kernel = layer.K * (layer.C // layer.groups) * layer.R * layer.S
                total += kernel + (self.classes if layer.name == "classifier" else 2 * layer.K)
        return total


def _layers(prefix: str, option: str, inputs: int, outputs: int, size: int, stride: int) -> list[Layer]:
    """What an option of a layer consists of."""
    if option == IDENTITY:
        if inputs == outputs and stride == 1:
            return []
        return [_convolution(f"{prefix}.identity", inputs, outputs, size, stride=stride)]
    kernel, expansion = BLOCKS[option]
    hidden, out = inputs * expansion, size // stride
    layers = [
        _convolution(f"{prefix}.expand", inputs, hidden, size),
        _convolution(f"{prefix}.depthwise", hidden, hidden, size, kernel=kernel, stride=stride, groups=hidden),
        _convolution(f"{prefix}.project", hidden, outputs, out),
    ]
    if inputs == outputs and stride == 1:
        layers.append(elementwise(f"{prefix}.add", outputs, out, out, inputs=2))
    return layers
