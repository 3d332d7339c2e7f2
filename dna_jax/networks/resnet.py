"""ResNet-18 and ResNet-50 (He et al., CVPR 2016, Table 1), lists of layers for ImageNet.

ResNet-50 is torchvision's variant ("v1.5"): a bottleneck that halves the image does so in its 3x3 convolution, not in its
first 1x1 one. That is the network usually trained and measured, and the one that the accuracy and the counts in
`third_party/reference_networks` belong to; it has 6 % more multiply-accumulates than the paper's. Shortcuts are identities
where shapes allow, else 1x1 convolutions (option B of the paper).
"""

import dataclasses

from dna_jax.networks.square import convolution
from dna_jax.workload import Layer, elementwise, global_pooling

_STAGE_CHANNELS = (64, 128, 256, 512)
"""Output channels of the 3x3 convolutions of each stage."""

_BOTTLENECK_EXPANSION = 4
"""Output channels of a bottleneck block over those of its 3x3 convolution."""


def _basic(prefix: str, in_channels: int, channels: int, size: int, stride: int) -> list[Layer]:
    """Two 3x3 convolutions, the first with the stride."""
    first = convolution(f"{prefix}.conv_1", in_channels, channels, size, kernel=3, stride=stride)
    return [first, convolution(f"{prefix}.conv_2", channels, channels, first.P, kernel=3)]


def _bottleneck(prefix: str, in_channels: int, channels: int, size: int, stride: int) -> list[Layer]:
    """A 1x1 convolution that narrows, a 3x3 one with the stride, a 1x1 one that widens."""
    narrow = convolution(f"{prefix}.conv_1", in_channels, channels, size)
    middle = convolution(f"{prefix}.conv_2", channels, channels, size, kernel=3, stride=stride)
    return [narrow, middle, convolution(f"{prefix}.conv_3", channels, _BOTTLENECK_EXPANSION * channels, middle.P)]


def _layers(blocks: tuple[int, ...], bottleneck: bool) -> list[Layer]:
    """The layers of a network with the given number of blocks per stage; ReLU ends the layer before it for free."""
    stem = convolution("stem", 3, 64, size=224, kernel=7, stride=2)
    # Maxima of 3x3 pixels: the shape of a depthwise convolution, without weights.
    pool = convolution("stem.pool", stem.K, stem.K, stem.P, kernel=3, stride=2, groups=stem.K)
    layers = [stem, dataclasses.replace(pool, weight_bits=0)]
    in_channels, size = pool.K, pool.P
    for stage, (channels, repeats) in enumerate(zip(_STAGE_CHANNELS, blocks, strict=True), 1):
        for block in range(1, repeats + 1):
            prefix = f"stage_{stage}_block_{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            body = (_bottleneck if bottleneck else _basic)(prefix, in_channels, channels, size, stride)
            layers += body
            out_channels = body[-1].K
            if stride > 1 or in_channels != out_channels:
                layers.append(convolution(f"{prefix}.shortcut", in_channels, out_channels, size, stride=stride))
            in_channels, size = out_channels, body[-1].P
            layers.append(elementwise(f"{prefix}.add", out_channels, size, size, inputs=2))
    layers.append(global_pooling("pool", in_channels, size, size))
    return [*layers, Layer("classifier", K=1000, C=in_channels, P=1, Q=1)]


def resnet18_layers() -> list[Layer]:
    """ResNet-18 at 224 x 224, 1000 classes, batch 1."""
    return _layers((2, 2, 2, 2), bottleneck=False)


def resnet50_layers() -> list[Layer]:
    """ResNet-50 (v1.5) at 224 x 224, 1000 classes, batch 1."""
    return _layers((3, 4, 6, 3), bottleneck=True)
