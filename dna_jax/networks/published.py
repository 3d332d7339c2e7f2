"""Published networks that co-design papers compare with, by name, as layers to be priced."""

from collections.abc import Callable

from dna_jax.networks.efficientnet_b0 import efficientnet_b0
from dna_jax.networks.fbnet_c import fbnet_c_layers
from dna_jax.networks.fixed import mnasnet_b1, proxylessnas_mobile, single_path
from dna_jax.networks.mobilenet_v2 import mobilenet_v2
from dna_jax.networks.resnet import resnet18_layers, resnet50_layers
from dna_jax.networks.specification import Specification
from dna_jax.networks.workload import chosen_layers
from dna_jax.workload import Layer


def _default_layers(family: Callable[[], Specification]) -> Callable[[], list[Layer]]:
    """What lists the layers of a family's published network."""

    def layers() -> list[Layer]:
        specification = family()
        return chosen_layers(specification, specification.default_design)

    return layers


_LAYERS: dict[str, Callable[[], list[Layer]]] = {
    "mobilenet_v2": _default_layers(mobilenet_v2),
    "mnasnet_b1": _default_layers(mnasnet_b1),
    "proxylessnas_mobile": _default_layers(proxylessnas_mobile),
    "fbnet_c": fbnet_c_layers,
    "single_path": _default_layers(single_path),
    "efficientnet_b0": _default_layers(efficientnet_b0),
    "resnet18": resnet18_layers,
    "resnet50": resnet50_layers,
}

PUBLISHED = tuple(_LAYERS)
"""Names of the networks; their ImageNet accuracies stand in `third_party/reference_networks/imagenet_top1.csv`."""


def published_layers(name: str) -> list[Layer]:
    """The layers of a published network for ImageNet (224 x 224, 1000 classes), batch 1, 8-bit operands.

    Args:
      name: one of PUBLISHED.

    Raises:
      ValueError: if there is no such network.
    """
    if name not in _LAYERS:
        raise ValueError(f"Unknown network {name!r}; choose one of {', '.join(PUBLISHED)}.")
    return _LAYERS[name]()
