"""Exact forward, smooth backward."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import surrogate


def test_forward_values_are_exact():
    x = jnp.asarray([0.2, 1.0, 2.0000001, 2.5, 96 / 7 * 7])
    np.testing.assert_array_equal(surrogate.ceil(x), [1, 1, 2, 3, 96])
    np.testing.assert_array_equal(surrogate.floor(jnp.asarray([1.9999999, 2.5, 3.0])), [2, 2, 3])
    assert float(surrogate.minimum(jnp.asarray(3.0), jnp.asarray(5.0))) == 3
    assert float(surrogate.maximum(jnp.asarray(3.0), jnp.asarray(5.0))) == 5
    assert float(surrogate.largest([0.0, jnp.asarray(2.0), jnp.asarray(7.0), jnp.asarray(0.0)])) == 7
    assert float(surrogate.at_least(jnp.asarray(4.0), jnp.asarray(4.0))) == 1
    assert float(surrogate.at_least(jnp.asarray(3.9), jnp.asarray(4.0))) == 0


@pytest.mark.parametrize("operation", [surrogate.minimum, surrogate.maximum], ids=["minimum", "maximum"])
def test_shares_are_positive_sum_to_one_and_sharpen(operation):
    def shares(x, y):
        by_x, by_y = jax.grad(operation, argnums=(0, 1))(jnp.asarray(x), jnp.asarray(y))
        value = operation(jnp.asarray(x), jnp.asarray(y))
        return float(by_x * x / value), float(by_y * y / value)

    near, far = shares(1.0, 1.2), shares(1.0, 8.0)
    for share in (near, far):
        assert min(share) > 0
        assert sum(share) == pytest.approx(1, rel=1e-5)
    assert max(far) > max(near)
    # Homogeneous of degree one: scaling both scales the value, so elasticities do not move.
    assert shares(3.0, 3.6) == pytest.approx(near, rel=1e-4)


def test_a_zero_term_gets_no_gradient_and_no_nan():
    gradient = jax.grad(lambda x: surrogate.largest([x, jnp.asarray(5.0)]))(jnp.asarray(0.0))
    assert np.isfinite(float(gradient))


def test_rounding_passes_gradients():
    assert float(jax.grad(surrogate.ceil)(jnp.asarray(2.3))) == 1
    assert float(jax.grad(surrogate.floor)(jnp.asarray(2.3))) == 1


def test_step_gradient_integrates_to_the_step():
    # The derivative of the soft step over log(x), integrated over all x, is the height of the hard one.
    log_x = jnp.linspace(-12, 12, 4001)
    slope = jax.vmap(jax.grad(lambda u: surrogate.at_least(jnp.exp(u), jnp.asarray(1.0))))(log_x)
    assert float(jnp.sum(slope) * (log_x[1] - log_x[0])) == pytest.approx(1, rel=1e-3)
    assert float(slope.min()) >= 0


def test_the_best_candidate_is_taken_exactly():
    values = jnp.asarray([5.0, 3.0, 4.0])
    other = jnp.asarray([7.0, 8.0, 0.0])
    index, (value, carried) = surrogate.take_least(values, values, (values, other))
    assert (int(index), float(value), float(carried)) == (1, 3, 8)
    gradient = jax.grad(lambda v: surrogate.take_least(values, values, (v, other))[1][0])(values)
    assert float(gradient.sum()) == pytest.approx(1, abs=1e-6)
    assert float(gradient.min()) > 0
    assert int(jnp.argmax(gradient)) == 1
    # Among equals, up to rounding, the least tie; then the first.
    metric = jnp.asarray([2.0, 1.0, 1.0 - 1e-7, 1.0])
    assert int(surrogate.take_least(metric, jnp.asarray([0.0, 3.0, 3.0, 2.0]), (metric,))[0]) == 3
    assert int(surrogate.take_least(metric, jnp.ones(4), (metric,))[0]) == 1
