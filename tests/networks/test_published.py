"""Published networks as layers: counts of their references, how layers follow each other, accuracies."""

import csv
import pathlib

import pytest

from dna_jax.networks import (
    FAMILIES,
    PUBLISHED,
    count_parameters,
    proxylessnas_mobile,
    published_layers,
    single_network,
    single_path,
)

FOLDER = pathlib.Path(__file__).parents[2] / "third_party" / "reference_networks"
REFERENCE_NAMES = {
    "mobilenet_v2": "MobileNetV2 1.0",
    "mnasnet_b1": "MnasNet-B1",
    "proxylessnas_mobile": "ProxylessNAS-Mobile",
    "fbnet_c": "FBNet-C",
    "single_path": "Single-Path NAS",
    "efficientnet_b0": "EfficientNet-B0",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
}


def _reference(name):
    with (FOLDER / "macs_params.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["model"] == REFERENCE_NAMES[name])
    return int(row["conv+linear MACs"]), int(row["params"])


def _weights(layers):
    return sum(y.K * y.C // y.groups * y.R * y.S for y in layers if y.weight_bits)


def _macs(layers):
    return sum(y.macs for y in layers if y.weight_bits)


def _is_biased(layer):
    """Linear layers and squeeze-excite have a bias per channel; what else has weights, a batch norm's scale and shift."""
    return layer.name.rsplit(".")[-1] in ("classifier", "squeeze", "excite")


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_the_reference(name):
    layers = published_layers(name)
    affine = sum(y.K * (1 if _is_biased(y) else 2) for y in layers if y.weight_bits)
    assert (_macs(layers), _weights(layers) + affine) == _reference(name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_layer_reads_what_the_one_before_wrote(name):
    channels, size = 3, 224
    for y in published_layers(name):
        last = y.name.rsplit(".")[-1]
        if last in ("squeeze", "excite") or y.name.endswith("squeeze.pool"):
            # Beside the main path.
            continue
        if last == "shortcut":
            assert (channels, size) == (y.K, y.P), y.name
        elif last == "add":
            assert (channels, 2 * channels, size) == (y.K, y.C, y.P), y.name
        else:
            assert channels == y.C, y.name
            assert -(-size // y.stride) == y.P or (last, y.P, y.R) == ("pool", 1, size), y.name
            assert y.input_rows in (None, size), y.name
            channels, size = y.K, y.P
    assert (channels, size) == (1000, 1)


def test_fbnet_c_as_its_authors_released_it():
    # facebookresearch/mobile-vision (model_info_fbnet.json) states 378.23344 million operations, average pooling included,
    # and 5.52542 million weights for a network without the first convolution of blocks that do not expand.
    released = [y for y in published_layers("fbnet_c") if not (y.name.endswith("expand") and y.K == y.C)]
    pooling = next(y for y in released if y.name == "pool")
    assert _macs(released) + pooling.macs == 378_233_440
    assert _weights(released) == pytest.approx(5_525_420, abs=5)


def test_resnet50_halves_images_in_convolutions_of_3x3():
    layers = {y.name: y for y in published_layers("resnet50")}
    strided = {(y.name, y.R) for y in layers.values() if y.stride == 2 and y.name.endswith(("conv_1", "conv_2", "conv_3"))}
    assert strided == {(f"stage_{stage}_block_1.conv_2", 3) for stage in (2, 3, 4)}
    pooling = layers["stem.pool"]
    assert (pooling.P, pooling.R, pooling.groups, pooling.weight_bits) == (56, 3, 64, 0)


@pytest.mark.parametrize("family", [proxylessnas_mobile, single_path])
def test_families_of_one_network_can_be_trained(family):
    specification = FAMILIES[family.__name__]()
    assert count_parameters(single_network(specification, specification.default_design)) == _reference(family.__name__)[1]


def test_unknown_network():
    with pytest.raises(ValueError, match=r"'vgg'; choose one of mobilenet_v2, .*, resnet50"):
        published_layers("vgg")


def test_every_network_has_an_accuracy_with_its_source():
    with (FOLDER / "imagenet_top1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(row["network"] for row in rows) == PUBLISHED
    assert all(65 < float(row["top1_percent"]) < 80 and row["source"] for row in rows)
