"""Published networks that are no search space of their own: their choices are fixed, and they are priced like any other."""

import math

from dna_jax.networks.efficientnet_b0 import STAGES as B0_STAGES
from dna_jax.networks.specification import Specification, Stage, build
from dna_jax.spaces import Decision, Space, expansion_name, kernel_name


def _fixed_space(name: str, stages: tuple[Stage, ...]) -> Space:
    """One option per decision: that of the stage table."""
    decisions = []
    blocks = [stage for stage in stages for _ in range(stage.blocks)]
    for index, stage in enumerate(blocks, 1):
        decisions.append(Decision(kernel_name(index), (stage.kernel,)))
        decisions.append(Decision(expansion_name(index), (stage.expansion,)))
    return Space(name, tuple(decisions))


def mnasnet_b1(image_size: int = 224, classes: int = 1000) -> Specification:
    """MnasNet-B1 (Tan et al., CVPR 2019, appendix; the sizes of its reference implementation), without squeeze-excite."""
    stages = (
        Stage(16, 1, 3, 1),
        Stage(24, 3, 3, 3),
        Stage(40, 3, 5, 3),
        Stage(80, 3, 5, 6),
        Stage(96, 2, 3, 6),
        Stage(192, 4, 5, 6),
        Stage(320, 1, 3, 6),
    )
    return build(
        "mnasnet_b1",
        stages,
        _fixed_space("mnasnet_b1", stages),
        activation="relu6",
        squeeze_ratio=0.0,
        stem_channels=32,
        head_channels=1280,
        head_scales_down=False,
        width=1.0,
        image_size=image_size,
        image_channels=3,
        classes=classes,
        stride_plan="imagenet",
    )


def efficientnet_b1(image_size: int = 240, classes: int = 1000) -> Specification:
    """EfficientNet-B1 (Tan and Le, ICML 2019): B0 with 1.1 times the blocks of every stage, rounded up, at 240 pixels."""
    stages = tuple(
        Stage(stage.channels, math.ceil(1.1 * stage.blocks), stage.kernel, stage.expansion) for stage in B0_STAGES
    )
    return build(
        "efficientnet_b1",
        stages,
        _fixed_space("efficientnet_b1", stages),
        activation="swish",
        squeeze_ratio=0.25,
        stem_channels=32,
        head_channels=1280,
        head_scales_down=True,
        width=1.0,
        image_size=image_size,
        image_channels=3,
        classes=classes,
        stride_plan="imagenet",
    )
