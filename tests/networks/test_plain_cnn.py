"""Plain convolutional networks: those released with their paper, what they compute, and how they are priced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.networks import PlainCnn, count_parameters, single_network
from dna_jax.spaces import plain_cnn_space, plain_layer_names


def _design(rows):
    return {
        name: value
        for layer, row in enumerate(rows, start=1)
        for name, value in zip(plain_layer_names(layer), row, strict=True)
    }


# Kernel, filters and stride of each layer, trainable parameters, and the size of the last map, as
# github.com/PITT-JZ-COOP/Co-Explore-NAS states them for CIFAR-10 (Cifar-10/PredictableStride, Cifar-10/FixedStride).
RELEASED = {
    "OptHW": ([(3, 36, 1), (5, 36, 1), (1, 64, 1), (3, 48, 2), (7, 24, 1), (1, 64, 1)], 285_974, 16),
    "OptSW": (
        [
            *[(1, 24, 1), (7, 64, 1), (1, 64, 1), (5, 48, 2), (5, 48, 1), (7, 24, 1), (7, 64, 1), (5, 24, 2)],
            *[(1, 48, 1), (5, 36, 1), (1, 48, 1), (7, 24, 2), (1, 64, 1), (7, 36, 1)],
        ],
        608_522,
        4,
    ),
    "OptHW of fixed strides": (
        [
            *[(5, 24, 1), (1, 64, 1), (5, 48, 1), (7, 24, 1), (5, 36, 1), (1, 24, 1), (5, 48, 1), (3, 24, 1)],
            *[(7, 24, 1), (3, 36, 1)],
        ],
        603_922,
        32,
    ),
}


@pytest.mark.parametrize("name", RELEASED)
def test_released_networks_have_their_parameters_and_sizes(name):
    rows, parameters, size = RELEASED[name]
    family = PlainCnn(len(rows), image_size=32, image_channels=3, classes=10)
    design = _design(rows)
    assert count_parameters(single_network(family, design)) == parameters
    assert family.plain_layers(design)[-1].size == size
    layers = family.layers(design, bits=16)
    # Weights of the layers, and a bias, a scale and a shift for each of their channels; the classifier has a bias alone.
    weights = sum(y.K * y.C * y.R * y.S for y in layers)
    assert weights + 3 * sum(y.K for y in layers[:-1]) + layers[-1].K == parameters


def test_a_network_runs_and_its_layers_do_what_they_say():
    family = PlainCnn(3, image_size=7, image_channels=2, classes=5)
    design = _design([(3, 24, 2), (1, 36, 1), (7, 48, 2)])
    model = single_network(family, design)
    parameters, statistics = model.init(0)
    images = jnp.asarray(np.random.default_rng(0).normal(size=(4, 7, 7, 2)), jnp.float32)
    logits, measured = model.apply(parameters, statistics, images, training=True)
    assert logits.shape == (4, 5)
    again, _ = model.apply(parameters, measured, images, training=False)
    np.testing.assert_allclose(logits, again, atol=1e-5)
    assert [(y.in_size, y.size) for y in family.plain_layers(design)] == [(7, 4), (4, 4), (4, 2)]
    # XLA's own count of the operations of the compiled network, dominated by the MACs, each of which is two: it leaves out
    # taps that fall on padding.
    compiled = jax.jit(lambda x: model.apply(parameters, statistics, x, training=False)[0]).lower(images[:1]).compile()
    analysis = compiled.cost_analysis()
    assert analysis is not None
    macs = sum(layer.macs for layer in family.layers(design, bits=16))
    assert 0.3 < analysis["flops"] / (2 * macs) <= 1.1


def test_every_layer_is_one_that_the_family_says_it_may_have():
    family = PlainCnn(4, image_size=9, image_channels=1, classes=10)
    space = plain_cnn_space(4)
    assert space.cardinality == 32**4
    assert [(d.name, d.options) for d in space.decisions] == list(family.options.items())
    generator = np.random.default_rng(1)
    for _ in range(50):
        design = {name: options[generator.integers(len(options))] for name, options in family.options.items()}
        for layer in family.layers(design, bits=16):
            assert layer.K in family.output_channels
            assert layer.C in family.input_channels
            assert layer.P in family.sizes
