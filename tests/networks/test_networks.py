"""Networks: published sizes, supernet against derived networks, depthwise implementations."""

import csv
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.networks import (
    chosen_layers,
    count_parameters,
    efficientnet_b0,
    efficientnet_b1,
    inherit,
    macs,
    mnasnet_b1,
    mobilenet_v2,
    relaxed_workload,
    single_network,
    supernet,
)
from dna_jax.networks.depthwise import native_depthwise, shifted_depthwise
from dna_jax.spaces import s1, s2
from dna_jax.workload import merge_equal_layers

REFERENCE = pathlib.Path(__file__).parents[2] / "third_party" / "reference_networks" / "macs_params.csv"


@pytest.mark.parametrize(
    ("name", "specification"),
    [
        ("MobileNetV2 1.0", mobilenet_v2()),
        ("MobileNetV2 1.4", mobilenet_v2(width=1.4)),
        ("EfficientNet-B0", efficientnet_b0()),
        ("EfficientNet-B1", efficientnet_b1()),
        ("MnasNet-B1", mnasnet_b1()),
    ],
)
def test_published_macs_and_parameters(name, specification):
    with REFERENCE.open() as file:
        row = next(row for row in csv.DictReader(file) if row["model"] == name)
    design = specification.default_design
    assert macs(specification, design) == int(row["conv+linear MACs"])
    assert count_parameters(single_network(specification, design)) == int(row["params"])


def test_stride_plans_end_as_documented():
    for plan, size, last in (("imagenet", 224, 7), ("cifar", 32, 4), ("cifar_early", 32, 4), ("digits", 8, 2)):
        specification = mobilenet_v2(image_size=size, stride_plan=plan)
        head = next(y for y in chosen_layers(specification, specification.default_design) if y.name == "head")
        assert last == head.P
    with pytest.raises(ValueError, match="choose one of"):
        mobilenet_v2(stride_plan="spiral")


def _tiny(make, width=0.25):
    return make(width=width, image_size=8, classes=5, stride_plan="digits", image_channels=1)


def _random_statistics(statistics, seed):
    """Batch statistics that differ from their defaults, so that a test sees whether they are used."""
    leaves, structure = jax.tree.flatten(statistics)
    generator = np.random.default_rng(seed)
    return structure.unflatten([np.abs(generator.standard_normal(x.shape)).astype(np.float32) + 0.5 for x in leaves])


FAMILIES = pytest.mark.parametrize(
    ("make", "space"),
    [pytest.param(mobilenet_v2, s1(), id="s1"), pytest.param(efficientnet_b0, s2(), id="s2", marks=pytest.mark.slow)],
)


@pytest.mark.parametrize(
    ("image_size", "stride_plan", "designs"), [(8, "digits", 3), pytest.param(16, "cifar_early", 1, marks=pytest.mark.slow)]
)
@FAMILIES
def test_supernet_at_a_one_hot_point_is_the_derived_network(make, space, image_size, stride_plan, designs):
    specification = make(width=0.25, image_size=image_size, classes=10, stride_plan=stride_plan, image_channels=1)
    whole = supernet(specification)
    parameters, statistics = whole.init(0)
    statistics = _random_statistics(statistics, 1)
    images = jax.random.normal(jax.random.key(0), (8, image_size, image_size, 1))
    masked = jax.jit(lambda point: whole.apply(parameters, statistics, images, training=False, point=point)[0])
    for key in jax.random.split(jax.random.key(3), designs):
        design = space.decode(space.sample(key))
        model = single_network(specification, design)
        own_parameters, own_statistics = model.init(9)
        evaluate = jax.jit(functools.partial(model.apply, training=False))
        inherited = inherit(model, own_parameters, parameters), inherit(model, own_statistics, statistics)
        logits, _ = evaluate(*inherited, images)
        expected = np.asarray(logits)
        assert np.std(expected) > 1e-3, "the comparison must not be of constants"
        np.testing.assert_allclose(masked(space.encode(design)), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@FAMILIES
def test_supernet_trains_on_the_statistics_of_the_chosen_network(make, space):
    # Under shared weights the batch's own statistics must be those of the chosen network, in training too.
    specification = _tiny(make)
    whole = supernet(specification)
    parameters, statistics = whole.init(0)
    images = jax.random.normal(jax.random.key(0), (16, 8, 8, 1))
    design = space.decode(space.sample(jax.random.key(5)))
    train = jax.jit(functools.partial(whole.apply, training=True))
    logits, _ = train(parameters, statistics, images, point=space.encode(design))
    model = single_network(specification, design)
    own = model.init(0)
    train = jax.jit(functools.partial(model.apply, training=True))
    expected, measured = train(inherit(model, own[0], parameters), own[1], images)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    assert any(np.abs(np.asarray(x)).max() > 1e-3 for x in jax.tree.leaves(measured))


@pytest.mark.slow
def test_every_kernel_choice_moves_the_output():
    specification = _tiny(mobilenet_v2)
    whole = supernet(specification)
    parameters, statistics = whole.init(0)
    images = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))

    @jax.jit
    def gradient(point):
        return jax.grad(
            lambda p: jnp.sum(whole.apply(parameters, statistics, images, training=True, point=p)[0][:, 0] ** 2)
        )(point)

    for name, value in gradient(s1().sample_soft(jax.random.key(1))).items():
        assert np.isfinite(np.asarray(value)).all()
        if name.endswith(".kernel"):
            assert np.abs(np.asarray(value)).max() > 0, f"{name} has no influence"


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("size", "side"), [(8, 3), (7, 5), (4, 7), (2, 7), (1, 3)])
def test_depthwise_implementations_agree(size, side, stride):
    x = jax.random.normal(jax.random.key(0), (3, size, size, 6))
    kernel = jax.random.normal(jax.random.key(1), (side, side, 6))

    def value_and_gradients(implementation):
        def loss(x, kernel):
            y = implementation(x, kernel, stride)
            return jnp.sum(jnp.sin(y)), y

        return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(x, kernel)

    (_, ours), our_gradients = value_and_gradients(shifted_depthwise)
    (_, native), native_gradients = value_and_gradients(native_depthwise)
    assert ours.shape == (3, -(-size // stride), -(-size // stride), 6)
    np.testing.assert_allclose(ours, native, rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(our_gradients, native_gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_initialisation_is_seeded_and_scaled():
    model = single_network(_tiny(mobilenet_v2, 0.5), mobilenet_v2().default_design)
    first, again, other = (model.init(seed)[0] for seed in (0, 0, 1))
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)
    changed = [not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(other), strict=True)]
    assert any(changed)
    head = np.asarray(first["head"]["kernel"][...])
    assert head.std() == pytest.approx(np.sqrt(2 / head.shape[0]), rel=0.05)
    assert np.asarray(first["classifier"]["kernel"][...]).std() == pytest.approx(0.01, rel=0.1)


def test_super_kernel_holds_little_more_than_its_largest_network():
    specification = mobilenet_v2()
    largest = {name: (7 if name.endswith("kernel") else 6) for name in specification.default_design} | {
        "block_01.expansion": 1
    }
    assert count_parameters(supernet(specification)) == count_parameters(single_network(specification, largest))


@pytest.mark.parametrize(("make", "space"), [(mobilenet_v2, s1()), (efficientnet_b0, s2())], ids=["s1", "s2"])
def test_relaxed_workload_conserves_macs(make, space):
    specification = make()
    for key in jax.random.split(jax.random.key(0), 20):
        design = space.decode(space.sample(key))
        workload = relaxed_workload(specification, space.encode(design))
        # Layers without weights (pooling, element-wise ones) have none.
        multiplies = np.asarray(workload.bits)[:, 0] > 0
        operations = np.prod(np.asarray(workload.bounds, np.float64), axis=-1) * np.asarray(workload.weight, np.float64)
        assert float(operations[multiplies].sum()) == pytest.approx(macs(specification, design), rel=1e-6)
        layers, matrix = merge_equal_layers(chosen_layers(specification, design))
        counts = matrix.sum(axis=1)
        assert sum(y.macs * n for y, n in zip(layers, counts, strict=True) if y.weight_bits) == macs(specification, design)
