"""Gradient estimators against the exact gradient of a small expectation."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.estimators import ESTIMATORS, conditional_gumbel, estimate

GROUPS, CHOICES, OPTIONS = 2, 3, 4
IS_OPTION = jnp.array([[[True] * 4, [True] * 3 + [False], [True, True, False, False]]] * GROUPS)
LOGITS = jax.random.normal(jax.random.key(5), (GROUPS, CHOICES, OPTIONS))
VALUES = jax.random.normal(jax.random.key(6), (GROUPS, CHOICES, OPTIONS))


def _curved(point):
    """A number per group that no sum over choices makes: the exponential of one."""
    numbers = jnp.exp(0.7 * jnp.sum(point * VALUES, axis=(-1, -2)))
    return numbers, numbers


def _linear(point):
    numbers = jnp.sum(point * VALUES, axis=(-1, -2))
    return numbers, numbers


def _exact(cost):
    """The gradient of the expectation, over all designs of each group."""

    def expected(logits):
        probabilities = jax.nn.softmax(jnp.where(IS_OPTION, logits, -jnp.inf), axis=-1)
        total = 0.0
        for chosen in itertools.product(range(4), range(3), range(2)):
            point = jax.nn.one_hot(jnp.array([chosen] * GROUPS), OPTIONS)
            chance = jnp.prod(jnp.sum(probabilities * point, axis=-1), axis=-1)
            total += jnp.sum(chance * cost(point)[0])
        return total

    return np.asarray(jax.grad(expected)(LOGITS))


def _mean_and_spread(estimator, cost, samples=64, repeats=2000, temperature=1.0):
    keys = jax.random.split(jax.random.key(0), repeats)

    @jax.jit
    def run(keys):
        return jax.vmap(lambda key: estimate(estimator, key, LOGITS, IS_OPTION, jnp.array(temperature), samples, cost)[0])(
            keys
        )

    gradients = np.asarray(run(keys))
    assert np.all(np.isfinite(gradients))
    return gradients.mean(axis=0), gradients.std(axis=0)


@pytest.mark.parametrize("estimator", ["reinforce", "expectation"])
def test_unbiased_estimators_meet_the_exact_gradient(estimator):
    mean, spread = _mean_and_spread(estimator, _curved, samples=8)
    np.testing.assert_allclose(mean, _exact(_curved), atol=float(5 * spread.max() / np.sqrt(2000)))


def test_what_is_no_option_is_neither_picked_nor_pushed():
    for estimator in ESTIMATORS:
        compiled = jax.jit(estimate, static_argnums=(0, 5, 6))
        gradient, picked, _ = compiled(estimator, jax.random.key(1), LOGITS, IS_OPTION, jnp.array(1.0), 16, _curved)
        assert np.all(np.asarray(gradient)[~np.asarray(IS_OPTION)] == 0), estimator
        assert np.all(np.asarray(picked)[:, ~np.asarray(IS_OPTION)] == 0)
        assert np.all(np.asarray(picked).sum(axis=-1) == 1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_costs_are_evaluated_at_the_picks_and_some_read_the_temperature(estimator):
    def cost(point):
        return _curved(point)[0], point

    compiled = jax.jit(estimate, static_argnums=(0, 5, 6))
    gradients = []
    for temperature in (0.5, 2.0):
        gradient, picked, point = compiled(estimator, jax.random.key(3), LOGITS, IS_OPTION, jnp.array(temperature), 4, cost)
        np.testing.assert_array_equal(point, picked)
        gradients.append(np.asarray(gradient))
    reads = estimator in ("published", "straight_through", "gumbel_rao")
    assert np.array_equal(*gradients) != reads


def test_the_price_of_every_option_is_that_of_neighbours_of_the_picks():
    _, priced, _ = estimate("expectation", jax.random.key(3), LOGITS, IS_OPTION, jnp.array(1.0), 4, _curved)
    drawn, *besides = np.split(np.argmax(np.asarray(priced), axis=-1), 1 + CHOICES * OPTIONS)
    for (choice, option), neighbours in zip(itertools.product(range(CHOICES), range(OPTIONS)), besides, strict=True):
        wanted = drawn.copy()
        wanted[..., choice] = np.where(IS_OPTION[:, choice, option], option, drawn[..., choice])
        np.testing.assert_array_equal(neighbours, wanted)


def test_straight_through_points_the_right_way_and_is_biased():
    exact = _exact(_curved)
    mean, spread = _mean_and_spread("straight_through", _curved)
    cosine = np.sum(mean * exact) / np.linalg.norm(mean) / np.linalg.norm(exact)
    assert cosine > 0.8
    assert np.max(np.abs(mean - exact) / (spread / np.sqrt(2000) + 1e-9)) > 10


def test_averaging_relaxed_samples_keeps_the_mean_and_narrows_the_spread():
    plain, plain_spread = _mean_and_spread("straight_through", _curved, samples=1)
    rao, rao_spread = _mean_and_spread("gumbel_rao", _curved, samples=1)
    np.testing.assert_allclose(rao, plain, atol=float(5 * plain_spread.max() / np.sqrt(2000)))
    assert rao_spread.sum() < 0.9 * plain_spread.sum()


def test_the_published_estimator_does_not_tell_good_picks_from_bad():
    """Every pick is pushed down by the whole cost: for a constant cost, where nothing is to learn, its gradient is not 0."""

    def constant(point):
        numbers = jnp.ones(point.shape[:-2])
        return numbers, numbers

    mean, spread = _mean_and_spread("published", constant, samples=8)
    assert np.max(np.abs(mean)) > 20 * spread.max() / np.sqrt(2000)
    for estimator in ("reinforce", "expectation", "straight_through"):
        np.testing.assert_allclose(_mean_and_spread(estimator, constant, samples=8, repeats=50)[0], 0, atol=1e-6)


def test_conditional_noise_leads_to_its_pick_and_is_gumbel_overall():
    keys = jax.random.split(jax.random.key(2), 20_000)
    logits, is_option = LOGITS[0, 1], IS_OPTION[0, 1]

    def draw(key):
        pick_key, noise_key = jax.random.split(key)
        pick = jnp.argmax(jnp.where(is_option, logits + jax.random.gumbel(pick_key, logits.shape), -jnp.inf))
        picked = jax.nn.one_hot(pick, OPTIONS)
        return pick, conditional_gumbel(noise_key, picked, logits, is_option)

    picks, noisy = map(np.asarray, jax.vmap(draw)(keys))
    options = np.asarray(is_option)
    np.testing.assert_array_equal(np.argmax(np.where(options, noisy, -np.inf), axis=-1), picks)
    # Mixed over picks, each is its logit plus a standard Gumbel number: mean 0.5772, deviation pi / sqrt(6).
    noise = noisy[:, options] - np.asarray(logits)[options]
    np.testing.assert_allclose(noise.mean(axis=0), 0.5772, atol=0.04)
    np.testing.assert_allclose(noise.std(axis=0), np.pi / np.sqrt(6), atol=0.04)


def test_an_unknown_estimator_is_named():
    with pytest.raises(ValueError, match="Unknown estimator 'guess'; choose one of published"):
        estimate("guess", jax.random.key(0), LOGITS, IS_OPTION, jnp.array(1.0), 2, _linear)  # pyright: ignore[reportArgumentType]
