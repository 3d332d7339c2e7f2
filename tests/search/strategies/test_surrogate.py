"""The surrogate of the accuracy: its features, and that queries told one by one are a regression on all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.strategies import SurrogateConfig
from dna_jax.search.strategies.surrogate import Regression, features


def _one_hot(choices):
    return jax.nn.one_hot(jnp.asarray(choices), 3)


def test_features_are_one_the_choices_and_their_pairs():
    row = np.asarray(features(_one_hot([2, 0, 1])))
    assert len(row) == 1 + 9 + 3 * 9
    # One is always there, three choices and three pairs are made.
    assert row.sum() == 1 + 3 + 3
    assert row[0] == 1
    assert np.flatnonzero(row[1:10]).tolist() == [2, 3, 7]
    assert np.flatnonzero(row[10:]).tolist() == [0 + 6, 9 + 7, 18 + 1]


def test_features_of_a_soft_point_are_those_expected_of_its_designs():
    point = np.random.default_rng(0).dirichlet(np.ones(3), size=3)
    expected = sum(
        point[0, a] * point[1, b] * point[2, c] * np.asarray(features(_one_hot([a, b, c])))
        for a in range(3)
        for b in range(3)
        for c in range(3)
    )
    np.testing.assert_allclose(features(jnp.asarray(point, jnp.float32)), expected, atol=1e-6)


def test_told_one_by_one_it_is_the_posterior_of_all():
    config = SurrogateConfig(choice_deviation=2.0, pair_deviation=0.5)
    generator = np.random.default_rng(1)
    networks = generator.integers(0, 3, (12, 3))
    accuracy = 80 + generator.normal(0, 2, 12)
    rows = np.stack([np.asarray(features(_one_hot(network)), float) for network in networks])
    regression, variance = Regression.prior(config, 3, 3), 0.3
    for row, told in zip(rows, accuracy, strict=True):
        regression = regression.told(jnp.asarray(row, jnp.float32), jnp.float32(told), variance)
    prior = np.array([10.0, *[2.0] * 9, *[0.5] * 27]) ** 2
    precision = np.diag(1 / prior) + rows.T @ rows / variance
    weights = np.linalg.solve(precision, rows.T @ (accuracy - accuracy[0]) / variance)
    unseen = np.asarray(features(_one_hot([1, 1, 1])), float)
    for row in (unseen, rows[3]):
        mean, spread = regression.predict(jnp.asarray(row, jnp.float32))
        assert float(mean) == pytest.approx(accuracy[0] + row @ weights, abs=0.02)
        assert float(spread) == pytest.approx(row @ np.linalg.solve(precision, row), rel=0.02, abs=1e-3)


def test_what_is_not_known_is_more_uncertain_than_what_was_told():
    regression = Regression.prior(SurrogateConfig(), 3, 3)
    seen, unseen = features(_one_hot([0, 0, 0])), features(_one_hot([2, 2, 2]))
    for _ in range(5):
        regression = regression.told(seen, jnp.float32(90.0), 0.1)
    assert regression.predict(seen)[1] < 0.1 < regression.predict(unseen)[1]
    assert float(regression.predict(seen)[0]) == pytest.approx(90.0, abs=0.1)
