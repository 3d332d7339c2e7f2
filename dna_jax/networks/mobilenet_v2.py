"""MobileNetV2 (Sandler et al., CVPR 2018, Table 2), the network of NAHAS space S1."""

from dna_jax.networks.specification import Specification, Stage, build
from dna_jax.spaces import s1

STAGES = (
    Stage(16, 1, 3, 1),
    Stage(24, 2, 3, 6),
    Stage(32, 3, 3, 6),
    Stage(64, 4, 3, 6),
    Stage(96, 3, 3, 6),
    Stage(160, 3, 3, 6),
    Stage(320, 1, 3, 6),
)


def mobilenet_v2(
    width: float = 1.0,
    image_size: int = 224,
    classes: int = 1000,
    stride_plan: str = "imagenet",
    image_channels: int = 3,
) -> Specification:
    """MobileNetV2 with searchable kernels and expansions; the head keeps 1280 channels at widths below 1."""
    return build(
        "mobilenet_v2",
        STAGES,
        s1(),
        activation="relu6",
        squeeze_ratio=0.0,
        stem_channels=32,
        head_channels=1280,
        head_scales_down=False,
        width=width,
        image_size=image_size,
        image_channels=image_channels,
        classes=classes,
        stride_plan=stride_plan,
    )
