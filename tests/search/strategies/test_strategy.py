"""The best design so far."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.strategies import Feedback, Incumbent, Rewarded


def _feedback(trained, accuracy, ratios):
    return Feedback(jnp.array(trained), jnp.array(accuracy), jnp.array(ratios))


def test_the_incumbent_is_that_of_a_plain_loop():
    generator = np.random.default_rng(0)
    for _ in range(20):
        batches, size = 5, 4
        designs = generator.integers(0, 9, (batches, size, 3)).astype(np.int32)
        trained = generator.random((batches, size)) < 0.7
        accuracy = np.where(trained, generator.integers(50, 60, (batches, size)), 0).astype(np.float32)
        ratios = generator.normal(0.4, 0.5, (batches, size, 2)).astype(np.float32)
        incumbent = Incumbent.none(3)
        for step in range(batches):
            feedback = _feedback(trained[step], accuracy[step], ratios[step])
            incumbent = jax.jit(Incumbent.update)(incumbent, jnp.array(designs[step]), feedback)
        flat = [
            (np.maximum(r.max(), 0), -a if r.max() <= 0 else np.inf, i)
            for i, (t, a, r) in enumerate(zip(trained.ravel(), accuracy.ravel(), ratios.reshape(-1, 2), strict=True))
            if t
        ]
        assert np.array_equal(incumbent.design, designs.reshape(-1, 3)[min(flat)[2]])


def test_designs_that_were_not_trained_are_no_answer():
    feedback = _feedback([False, True], [0.0, 80.0], [[-1.0], [0.3]])
    incumbent = Incumbent.none(2).update(jnp.array([[1, 1], [2, 2]]), feedback)
    assert incumbent.design.tolist() == [2, 2]
    assert np.isneginf(incumbent.accuracy)
    nothing = Incumbent.none(2).update(jnp.array([[1, 1]]), _feedback([False], [0.0], [[-1.0]]))
    assert np.isinf(nothing.excess)


def test_the_most_rewarded_design_is_the_first_of_the_best_and_unrewarded_ones_are_none():
    designs = jnp.arange(4)[:, None]
    best = Rewarded.none(1).update(designs, jnp.array([jnp.nan, 0.3, 0.7, 0.7]))
    assert (best.design.tolist(), float(best.reward)) == ([2], pytest.approx(0.7))
    same = best.update(designs, jnp.array([0.7, jnp.nan, jnp.nan, 0.1]))
    assert same.design.tolist() == [2]
    assert best.update(designs, jnp.full(4, jnp.nan)).design.tolist() == [2]
    assert best.update(designs, jnp.array([0.1, 0.8, 0.2, 0.3])).design.tolist() == [1]
