"""Quantisation against its definition: grids, error bounds, straight-through gradients, mixtures of widths."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend import core

from dna_jax.networks import dna_network, quantization, supernet
from dna_jax.networks.quantization import Precision, largest_magnitude, quantize, sum_over_images
from dna_jax.networks.quantized_relu import largest_of_relu, quantized_relu
from dna_jax.spaces import dna_network_space

WIDTHS = (4, 6, 8)
BLOCKS = 6


def _certain(bits):
    return Precision((bits,), jnp.ones(1))


def _numbers(signed, seed=0, shape=(4, 6, 6, 10)):
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return x if signed else np.abs(x)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_values_lie_on_the_grid_next_to_where_they_were(bits, signed):
    x = _numbers(signed)
    largest = largest_magnitude(x, signed)
    y = np.asarray(quantize(x, largest, _certain(bits), signed), np.float64)
    step = float(np.abs(x).max()) / (2 ** (bits - 1) - 1 if signed else 2**bits - 1)
    assert len(np.unique(y)) <= 2**bits
    np.testing.assert_allclose(y / step, np.round(y / step), atol=1e-4)
    assert np.abs(y - x).max() <= step / 2 * (1 + 1e-4)
    # The ends of the range are levels.
    assert np.abs(y).max() == pytest.approx(np.abs(x).max(), rel=1e-6)


@pytest.mark.parametrize("signed", [True, False])
def test_fewer_bits_err_more(signed):
    x = _numbers(signed, seed=1)
    largest = largest_magnitude(x, signed)
    errors = [float(np.mean((quantize(x, largest, _certain(bits), signed) - x) ** 2)) for bits in range(2, 13)]
    # A bit more halves the step, and so quarters the mean square of the error.
    assert np.all(np.diff(np.log2(errors)) < -1.5)


def test_what_exceeds_the_range_is_clipped():
    x = jnp.asarray([-3.0, -1.0, -0.1, 0.4, 1.0, 7.0])
    np.testing.assert_allclose(quantize(x, jnp.ones(()), _certain(8), True)[jnp.array([0, 1, 4, 5])], [-1, -1, 1, 1])
    np.testing.assert_allclose(quantize(x, jnp.ones(()), _certain(8), False)[jnp.array([0, 1, 2, 4, 5])], [0, 0, 0, 1, 1])


@pytest.mark.parametrize("magnitude", [0.0, 1e-42, 1e-30])
def test_tensors_of_nothing_stay_nothing(magnitude):
    x = jnp.full((2, 3, 3, 4), magnitude)
    precision = Precision(WIDTHS, jnp.asarray([0.2, 0.3, 0.5]))

    def total(x):
        return jnp.sum(quantize(x, largest_magnitude(x, True), precision, True))

    value, gradient = jax.value_and_grad(total)(x)
    assert float(value) == 0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("signed", [True, False])
def test_gradients_are_straight_through(signed):
    x = jnp.asarray(_numbers(signed=True, seed=2))
    weight = jax.random.normal(jax.random.key(0), x.shape)
    largest = jnp.asarray(1.2)
    precision = Precision(WIDTHS, jnp.asarray([0.2, 0.3, 0.5]))
    gradient = jax.grad(lambda x: jnp.vdot(weight, quantize(x, largest, precision, signed)))(x)
    inside = (x >= (-1.2 if signed else 0)) & (x <= 1.2)
    np.testing.assert_allclose(gradient, jnp.where(inside, weight, 0), rtol=1e-6)


@pytest.mark.parametrize("signed", [True, False])
def test_mixture_of_widths(signed):
    x = jnp.asarray(_numbers(signed, seed=3))
    weight = jax.random.normal(jax.random.key(1), x.shape)
    largest = largest_magnitude(x, signed)
    hard = [quantize(x, largest, _certain(bits), signed) for bits in WIDTHS]
    for i, chosen in enumerate(hard):
        np.testing.assert_array_equal(quantize(x, largest, Precision(WIDTHS, jnp.eye(3)[i]), signed), chosen)
    p = jnp.asarray([0.2, 0.3, 0.5])
    mixed = quantize(x, largest, Precision(WIDTHS, p), signed)
    np.testing.assert_allclose(mixed, sum(q * h for q, h in zip(p, hard, strict=True)), rtol=1e-5, atol=1e-6)

    def value(p):
        return jnp.vdot(weight, quantize(x, largest, Precision(WIDTHS, p), signed))

    step = 0.5
    numeric = [(value(p.at[i].add(step)) - value(p.at[i].add(-step))) / (2 * step) for i in range(3)]
    for probabilities in (p, jnp.eye(3)[1]):
        np.testing.assert_allclose(jax.grad(value)(probabilities), numeric, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_quantized_relu_is_its_parts_one_after_another(backend, monkeypatch):
    x = jnp.asarray(_numbers(signed=True, seed=4))
    keys = jax.random.split(jax.random.key(2), 3)
    factor, shift = jax.random.normal(keys[0], (10,)), jax.random.normal(keys[1], (10,))
    weight = jax.random.normal(keys[2], x.shape)
    p = jnp.asarray([0.2, 0.3, 0.5])
    # Less than the largest value, so that some of it is clipped.
    largest = 0.7 * largest_of_relu(x, factor, shift)

    def together(x, factor, shift, p):
        return jnp.vdot(weight, quantized_relu(x, factor, shift, largest, Precision(WIDTHS, p)))

    def apart(x, factor, shift, p):
        y = jax.nn.relu(x * factor + shift)
        return jnp.vdot(weight, quantize(y, largest, Precision(WIDTHS, p), False))

    expected = jax.value_and_grad(apart, argnums=(0, 1, 2, 3))(x, factor, shift, p)
    monkeypatch.setattr(quantization.jax, "default_backend", lambda: backend)
    found = jax.value_and_grad(together, argnums=(0, 1, 2, 3))(x, factor, shift, p)
    for mine, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_largest_activation_is_found_at_the_ends_of_the_inputs():
    x = jnp.asarray(_numbers(signed=True, seed=5))
    factor, shift = jax.random.normal(jax.random.key(3), (10,)), jax.random.normal(jax.random.key(4), (10,))
    y = jax.nn.relu(x * factor + shift)
    assert float(largest_of_relu(x, factor, shift)) == pytest.approx(float(y.max()), rel=1e-6)
    counted = jnp.ones(10).at[jnp.argmax(jnp.max(y, axis=(0, 1, 2)))].set(0)
    assert float(largest_of_relu(x, factor, shift, counted)) == pytest.approx(float((y * counted).max()), rel=1e-6)
    assert float(largest_magnitude(y, False, counted)) == pytest.approx(float((y * counted).max()), rel=1e-6)


def test_sums_over_images():
    x, y = jnp.asarray(_numbers(True, seed=6)), jnp.asarray(_numbers(True, seed=7))
    products, plain = sum_over_images(lambda x, y: [x * y, x], x, y)
    np.testing.assert_allclose(products, jnp.sum(x * y, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(plain, jnp.sum(x, axis=0), rtol=1e-5, atol=1e-5)


def _operations(jaxpr):
    """Names of all primitives of a program, those of called programs too; of a called program also its name."""
    names = []
    for equation in jaxpr.eqns:
        names.append(equation.params.get("name", equation.primitive.name))
        for inner in core.jaxprs_in_params(equation.params):
            names += _operations(inner)
    return names


def test_convolutions_do_not_grow_with_the_number_of_widths():
    def count(widths):
        whole = dna_network(width=0.25, image_size=8, widths=widths)
        specification = dataclasses.replace(whole, blocks=whole.blocks[:BLOCKS])
        model = supernet(specification)
        parameters, statistics = model.init(0)
        images = np.zeros((2, 8, 8, 3), np.float32)
        point = dna_network_space(BLOCKS, widths).sample_soft(jax.random.key(0))

        def loss(parameters, point):
            return jnp.sum(model.apply(parameters, statistics, images, training=True, point=point)[0])

        names = _operations(jax.make_jaxpr(jax.grad(loss, argnums=(0, 1)))(parameters, point).jaxpr)
        return {name: names.count(name) for name in ("dot_general", "conv_general_dilated", "_correlate")}

    one = count((8,))
    assert one == count((2, 4, 6, 8))
    # Forward and by the input in each block; by the kernel it is no correlation.
    assert one["_correlate"] == 2 * BLOCKS
    assert one["conv_general_dilated"] >= 2
    # Two pointwise ones in each block, head and classifier, and their gradients.
    assert one["dot_general"] > 3 * (2 * BLOCKS + 2)


def test_the_largest_of_a_tensor_keeps_its_gradient():
    # The backward pass computes it anew, in another order of rounding.
    @jax.jit
    def gradient(x, factor, shift):
        def total(x):
            y = x * 2 + 1
            return jnp.sum(quantized_relu(y, factor, shift, largest_of_relu(y, factor, shift), _certain(8)))

        return jax.grad(total)(x), (x * 2 + 1) * factor + shift

    for seed in range(100):
        generator = np.random.default_rng(seed)
        x, factor, shift = (generator.standard_normal(shape).astype(np.float32) for shape in ((2, 4, 4, 8), 8, 8))
        slope, y = gradient(x, factor, shift)
        largest = int(jnp.argmax(y))
        assert float(slope.flatten()[largest]) == pytest.approx(2 * factor[largest % 8], rel=1e-5)
