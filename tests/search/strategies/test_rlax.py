"""Our losses against those of RLax, where it is installed (extra `baselines`)."""

import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.strategies import clipped_surrogate_loss, reinforce_loss

with warnings.catch_warnings(action="ignore"):
    rlax = pytest.importorskip("rlax", reason="RLax is not installed; it comes with the extra 'baselines'.")


def test_the_clipped_loss_is_that_of_rlax():
    generator = np.random.default_rng(0)
    ratios = jnp.asarray(generator.uniform(0.5, 1.6, 64), jnp.float32)
    advantages = jnp.asarray(generator.normal(size=64), jnp.float32)
    expected = rlax.clipped_surrogate_pg_loss(ratios, advantages, 0.2)
    np.testing.assert_allclose(clipped_surrogate_loss(ratios, advantages, 0.2), expected, rtol=1e-6)


def test_the_policy_gradient_loss_is_that_of_rlax():
    generator = np.random.default_rng(1)
    logits = jnp.asarray(generator.normal(size=(32, 5)), jnp.float32)
    actions = jnp.asarray(generator.integers(0, 5, 32))
    advantages = jnp.asarray(generator.normal(size=32), jnp.float32)
    expected = rlax.policy_gradient_loss(logits, actions, advantages, jnp.ones(32))
    log_p = jnp.take_along_axis(logits - jnp.log(jnp.exp(logits).sum(axis=-1, keepdims=True)), actions[:, None], axis=-1)
    np.testing.assert_allclose(reinforce_loss(log_p[:, 0], advantages), expected, rtol=1e-5)
