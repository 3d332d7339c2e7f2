"""Rewards: the equations of their papers, and what they prefer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.strategies import HARD, SOFT, Absolute

ACCURACY = jnp.array([90.0, 80.0, 70.0])


def _ratios(*costs_over_limits):
    return jnp.log(jnp.array(costs_over_limits))


def test_the_hard_constraint_is_the_accuracy_within_the_limits_and_divides_by_each_excess():
    within = HARD(ACCURACY, _ratios([0.2, 1.0], [1.0, 0.5], [0.9, 0.9]))
    np.testing.assert_allclose(within, [0.9, 0.8, 0.7], rtol=1e-6)
    beyond = HARD(ACCURACY, _ratios([2.0, 0.1], [2.0, 4.0], [1.0, 1.25]))
    np.testing.assert_allclose(beyond, [0.45, 0.1, 0.56], rtol=1e-6)


def test_the_soft_constraint_trades_on_both_sides_of_the_limit():
    reward = SOFT(jnp.array([80.0, 80.0]), _ratios([0.5, 0.5], [2.0, 2.0]))
    np.testing.assert_allclose(reward, [0.8 * 0.5**-0.14, 0.8 * 2**-0.14], rtol=1e-6)


def test_the_absolute_reward_of_tunas():
    both = Absolute(beta=-0.1)(jnp.array([90.0, 90.0]), _ratios([0.5], [1.5]))
    np.testing.assert_allclose(both, [0.85, 0.85], rtol=1e-6)
    one_sided = Absolute(beta=-0.1, one_sided=True)(jnp.array([90.0, 90.0]), _ratios([0.5, 0.25], [1.5, 3.0]))
    np.testing.assert_allclose(one_sided, [0.9, 0.65], rtol=1e-6)


@pytest.mark.parametrize("reward", [HARD, SOFT, Absolute(-0.1, one_sided=True)])
def test_more_accuracy_is_never_worse_nor_is_less_excess(reward):
    by_accuracy = jax.grad(lambda accuracy: reward(accuracy, _ratios(1.5, 0.7)))(90.0)
    assert by_accuracy > 0
    by_cost = jax.grad(lambda ratios: reward(jnp.array(90.0), ratios))(_ratios(1.5, 0.7))
    assert by_cost[0] < 0
    assert by_cost[1] <= 0


def test_the_absolute_reward_may_aim_at_one_budget_and_keep_within_another():
    reward = Absolute(beta=-0.1, one_sided=(False, True))
    found = reward(jnp.array([90.0, 90.0, 90.0]), _ratios([0.5, 0.5], [1.5, 0.5], [1.0, 1.5]))
    np.testing.assert_allclose(found, [0.85, 0.85, 0.85], rtol=1e-6)
