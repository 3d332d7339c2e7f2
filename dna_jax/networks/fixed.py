"""Published networks of inverted residual blocks that are no search space of their own: their choices are fixed."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

from dna_jax.networks.efficientnet_b0 import STAGES as B0_STAGES
from dna_jax.networks.specification import Specification, Stage, build
from dna_jax.spaces import Decision, Space, expansion_name, kernel_name


def _fixed_space(name: str, runs: Sequence[Stage]) -> Space:
    """One option per decision: that of the table."""
    decisions = []
    blocks = [run for run in runs for _ in range(run.blocks)]
    for index, run in enumerate(blocks, 1):
        decisions.append(Decision(kernel_name(index), (run.kernel,)))
        decisions.append(Decision(expansion_name(index), (run.expansion,)))
    return Space(name, tuple(decisions))


def _specification(
    name: str, runs: Sequence[Stage], image_size: int, classes: int, activation: str = "relu6", squeeze_ratio: float = 0.0
) -> Specification:
    """A specification for ImageNet with one option per decision.

    Args:
      name: of the network.
      runs: equal blocks that follow each other; runs of equal channels that follow each other are one of seven stages.
      image_size, classes: of the task.
      activation, squeeze_ratio: as for `build`.
    """
    grouped = [list(group) for _, group in itertools.groupby(runs, key=lambda run: run.channels)]
    specification = build(
        name,
        [dataclasses.replace(group[0], blocks=sum(run.blocks for run in group)) for group in grouped],
        _fixed_space(name, runs),
        activation=activation,
        squeeze_ratio=squeeze_ratio,
        stem_channels=32,
        head_channels=1280,
        head_scales_down=False,
        width=1.0,
        image_size=image_size,
        image_channels=3,
        classes=classes,
        stride_plan="imagenet",
    )
    # A stage has one default for all its blocks; what is published may differ within it.
    blocks = (dataclasses.replace(b, kernel=b.kernels[0], expansion=b.expansions[0]) for b in specification.blocks)
    return dataclasses.replace(specification, blocks=tuple(blocks))


def mnasnet_b1(image_size: int = 224, classes: int = 1000) -> Specification:
    """MnasNet-B1 (Tan et al., CVPR 2019, appendix; the sizes of its reference implementation), without squeeze-excite."""
    runs = (
        Stage(16, 1, 3, 1),
        Stage(24, 3, 3, 3),
        Stage(40, 3, 5, 3),
        Stage(80, 3, 5, 6),
        Stage(96, 2, 3, 6),
        Stage(192, 4, 5, 6),
        Stage(320, 1, 3, 6),
    )
    return _specification("mnasnet_b1", runs, image_size, classes)


def proxylessnas_mobile(image_size: int = 224, classes: int = 1000) -> Specification:
    """ProxylessNAS-Mobile (Cai et al., ICLR 2019; `proxyless_mobile` of its release); it skips two blocks of 32 channels."""
    runs = (
        Stage(16, 1, 3, 1),
        Stage(32, 1, 5, 3),
        Stage(32, 1, 3, 3),
        Stage(40, 1, 7, 3),
        Stage(40, 1, 3, 3),
        Stage(40, 2, 5, 3),
        Stage(80, 1, 7, 6),
        Stage(80, 3, 5, 3),
        Stage(96, 1, 5, 6),
        Stage(96, 3, 5, 3),
        Stage(192, 2, 7, 6),
        Stage(192, 2, 7, 3),
        Stage(320, 1, 7, 6),
    )
    return _specification("proxylessnas_mobile", runs, image_size, classes)


def single_path(image_size: int = 224, classes: int = 1000) -> Specification:
    """Single-Path NAS for Pixel 1 (Stamoulis et al., ECML PKDD 2019), with the sizes of timm's `spnasnet_100`."""
    runs = (
        Stage(16, 1, 3, 1),
        Stage(24, 3, 3, 3),
        Stage(40, 1, 5, 6),
        Stage(40, 3, 3, 3),
        Stage(80, 1, 5, 6),
        Stage(80, 3, 3, 3),
        Stage(96, 1, 5, 6),
        Stage(96, 3, 5, 3),
        Stage(192, 4, 5, 6),
        Stage(320, 1, 3, 6),
    )
    return _specification("single_path", runs, image_size, classes)


def efficientnet_b1(image_size: int = 240, classes: int = 1000) -> Specification:
    """EfficientNet-B1 (Tan and Le, ICML 2019): B0 with 1.1 times the blocks of every stage, rounded up, at 240 pixels."""
    runs = tuple(dataclasses.replace(stage, blocks=math.ceil(1.1 * stage.blocks)) for stage in B0_STAGES)
    return _specification("efficientnet_b1", runs, image_size, classes, activation="swish", squeeze_ratio=0.25)
