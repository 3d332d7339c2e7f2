"""EfficientNet-B0 (Tan and Le, ICML 2019, Table 1), the network of NAHAS space S2: squeeze-excite and swish."""

from dna_jax.networks.specification import Specification, Stage, build
from dna_jax.spaces import s2

STAGES = (
    Stage(16, 1, 3, 1),
    Stage(24, 2, 3, 6),
    Stage(40, 2, 5, 6),
    Stage(80, 3, 3, 6),
    Stage(112, 3, 5, 6),
    Stage(192, 4, 5, 6),
    Stage(320, 1, 3, 6),
)


def efficientnet_b0(
    width: float = 1.0,
    image_size: int = 224,
    classes: int = 1000,
    stride_plan: str = "imagenet",
    image_channels: int = 3,
) -> Specification:
    """EfficientNet-B0 with searchable kernels and expansions; the squeeze has a quarter of a block's input channels."""
    return build(
        "efficientnet_b0",
        STAGES,
        s2(),
        activation="swish",
        squeeze_ratio=0.25,
        stem_channels=32,
        head_channels=1280,
        head_scales_down=True,
        width=width,
        image_size=image_size,
        image_channels=image_channels,
        classes=classes,
        stride_plan=stride_plan,
    )
