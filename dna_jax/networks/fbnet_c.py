"""FBNet-C (Wu et al., CVPR 2019), a list of layers: its blocks open with a 1x1 convolution even where they do not expand.

The paper shows the network in a figure and tabulates no block. The table below is that of the authors' release (`fbnet_c` in
facebookresearch/mobile-vision): one of the 22 layers of the search space is skipped, and no 1x1 convolution has groups.
Sources differ in the three blocks of expansion 1. The paper's block (Section 3.1) opens with a 1x1 convolution, and so does
`fbnetc_100` of timm, which is followed here: 384,960,160 multiply-accumulates. The release leaves it out where it would not
expand: 378,136,224. The paper states 375 million.
"""

from dna_jax.networks.square import convolution
from dna_jax.workload import Layer, elementwise, global_pooling

_STEM_CHANNELS = 16
_HEAD_CHANNELS = 1984

_BLOCKS = (
    (16, 3, 1, 1),
    (24, 3, 6, 2),
    (24, 3, 1, 1),
    (24, 3, 1, 1),
    (32, 5, 6, 2),
    (32, 5, 3, 1),
    (32, 5, 6, 1),
    (32, 3, 6, 1),
    (64, 5, 6, 2),
    (64, 5, 3, 1),
    (64, 5, 6, 1),
    (64, 5, 6, 1),
    (112, 5, 6, 1),
    (112, 5, 6, 1),
    (112, 5, 6, 1),
    (112, 5, 3, 1),
    (184, 5, 6, 2),
    (184, 5, 6, 1),
    (184, 5, 6, 1),
    (184, 5, 6, 1),
    (352, 3, 6, 1),
)
"""Output channels, kernel, expansion and stride of each block."""


def fbnet_c_layers() -> list[Layer]:
    """The layers for ImageNet (224 x 224, 1000 classes), batch 1; ReLU ends the layer before it for free."""
    layers = [convolution("stem", 3, _STEM_CHANNELS, size=224, kernel=3, stride=2)]
    channels, size = _STEM_CHANNELS, layers[0].P
    for index, (out_channels, kernel, expansion, stride) in enumerate(_BLOCKS, 1):
        prefix = f"block_{index:02d}"
        hidden = expansion * channels
        expand = convolution(f"{prefix}.expand", channels, hidden, size)
        depthwise = convolution(f"{prefix}.depthwise", hidden, hidden, size, kernel, stride, groups=hidden)
        size = depthwise.P
        layers += [expand, depthwise, convolution(f"{prefix}.project", hidden, out_channels, size)]
        if stride == 1 and channels == out_channels:
            layers.append(elementwise(f"{prefix}.add", channels, size, size, inputs=2))
        channels = out_channels
    head = convolution("head", channels, _HEAD_CHANNELS, size)
    pool = global_pooling("pool", _HEAD_CHANNELS, size, size)
    return [*layers, head, pool, Layer("classifier", K=1000, C=_HEAD_CHANNELS, P=1, Q=1)]
