"""Two-level co-exploration: what is trained, what each level learns from, and what comes of it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.strategies import (
    HARD,
    AccuracyAndEfficiency,
    FastSlowConfig,
    FastSlowSearch,
    Feedback,
    PpoConfig,
    PpoSearch,
    Shortfall,
)
from dna_jax.spaces import Decision, Space

SPACE = Space("toy", tuple(Decision(f"d{i}", (0, 1, 2, 3)) for i in range(5)))
PPO = PpoConfig(learning_rate=5e-3, features=8)


def _problem(designs):
    """Accuracy grows with every decision, and so does the one cost: 121 of 1,024 designs meet the budget, and the best of
    them have an accuracy of 68."""
    total = jnp.sum(designs, axis=-1)
    return 60.0 + 2.0 * total, jnp.log((1.0 + total) / 5)[:, None]


def _search(strategy, steps, seeds):
    def step(state, key):
        designs = strategy.propose(state, key)
        accuracy, ratios = _problem(designs)
        trained = strategy.select(state, designs, ratios)
        feedback = Feedback(trained, jnp.where(trained, accuracy, 0), ratios)
        return strategy.update(state, designs, feedback), (trained, feedback.feasible)

    def run(key):
        state, history = jax.lax.scan(step, strategy.init(key), jax.random.split(key, steps))
        return strategy.answer(state), state, history

    return jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(1), seeds))


@pytest.fixture(scope="module")
def two_level():
    """Answers, states and (trained, feasible) [seeds, steps, batch] of 200 steps, every tenth of them slow."""
    return _search(FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=9, ppo=PPO)), 200, 6)


def test_fast_steps_train_nothing_and_slow_ones_nothing_that_misses_a_budget(two_level):
    answers, _, (trained, feasible) = two_level
    slow = np.arange(200) % 10 == 9
    assert not np.any(trained[:, ~slow])
    assert np.array_equal(trained[:, slow], feasible[:, slow])
    # Fast steps teach the controller to meet the budget, so that slow ones have something to train.
    assert feasible[:, :2].mean() < 0.25
    assert feasible[:, -20:].mean() > 0.8
    _, ratios = jax.vmap(lambda design: _problem(design[None]))(answers)
    assert np.all(ratios <= 0)


@pytest.mark.slow
def test_it_needs_fewer_trainings_than_slow_steps_alone_for_the_same(two_level):
    alone = _search(FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=0, prune=False, ppo=PPO)), 200, 6)
    for answers, _, _ in (two_level, alone):
        assert np.median(_problem(answers)[0]) == 68
    assert np.all(alone[2][0])
    trainings = two_level[2][0].sum(axis=(1, 2))
    assert np.all(trainings <= 200)
    assert 10 * trainings.max() <= alone[2][0].sum(axis=(1, 2)).min()


@pytest.mark.slow
def test_slow_steps_alone_without_pruning_are_multi_trial_search():
    strategy = FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=0, prune=False, ppo=PPO))
    answers, state, _ = _search(strategy, 30, 2)
    others, other, _ = _search(PpoSearch(SPACE, reward=HARD, config=PPO), 30, 2)
    assert np.array_equal(answers, others)
    for one, two in zip(jax.tree.leaves(state.learner), jax.tree.leaves(other.learner), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_levels_have_baselines_of_their_own():
    strategy = FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=1, prune=False, ppo=PPO))
    state = jax.jit(strategy.init)(jax.random.key(0))
    propose, update = jax.jit(strategy.propose), jax.jit(strategy.update)
    for step, slow in enumerate((False, True, False)):
        designs = propose(state, jax.random.key(step))
        accuracy, ratios = _problem(designs)
        trained = strategy.select(state, designs, ratios)
        assert bool(strategy.is_slow(state)) is slow
        new = update(state, designs, Feedback(trained, jnp.where(trained, accuracy, 0), ratios))
        assert (new.fast_baseline == state.fast_baseline) == slow
        assert (new.learner.baseline == state.learner.baseline) != slow
        state = new
    assert (state.steps, state.fast_updates, state.learner.updates) == (3, 2, 1)


def test_rewards_that_are_all_alike_teach_nothing():
    strategy = FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=1, ppo=PPO))
    state = dataclasses.replace(
        jax.jit(strategy.init)(jax.random.key(0)), fast_baseline=jnp.asarray(-0.5), fast_updates=jnp.asarray(7)
    )
    designs = jax.jit(strategy.propose)(state, jax.random.key(1))
    within = Feedback(jnp.zeros(10, bool), jnp.zeros(10), jnp.linspace(-2, -1, 10)[:, None])
    after = jax.jit(strategy.update)(state, designs, within)
    for one, two in zip(jax.tree.leaves(state.learner), jax.tree.leaves(after.learner), strict=True):
        assert np.array_equal(one, two)
    assert (after.fast_baseline, after.steps) == (-0.5, 1)


def test_designs_that_are_pruned_tell_a_slow_step_nothing():
    """A slow step with designs that were pruned teaches what the same step teaches without them."""
    strategy = FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=1, ppo=PPO))
    state = dataclasses.replace(jax.jit(strategy.init)(jax.random.key(0)), steps=jnp.asarray(1))
    designs = jax.jit(strategy.propose)(state, jax.random.key(1))
    trained = jnp.arange(10) < 6
    accuracy = jnp.where(trained, jnp.linspace(50, 90, 10), 0)
    ratios = jnp.where(trained, -0.5, 0.5)[:, None]
    update = jax.jit(strategy.update)
    after = update(state, designs, Feedback(trained, accuracy, ratios))
    far = update(state, designs, Feedback(trained, accuracy, 9 * ratios + 4 * trained[:, None]))
    assert after.learner.updates == 1
    np.testing.assert_allclose(after.learner.baseline, np.mean(np.linspace(50, 90, 10)[:6]) / 100, rtol=1e-6)
    for one, two in zip(jax.tree.leaves(after.learner), jax.tree.leaves(far.learner), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-7)
    # One that was trained alone has nothing beside it to be better than.
    alone = jnp.arange(10) < 1
    assert update(state, designs, Feedback(alone, accuracy, ratios)).learner.updates == 0


def test_fast_steps_teach_until_enough_designs_meet_the_budgets():
    strategy = FastSlowSearch(SPACE, config=FastSlowConfig(fast_steps=1, enough=0.5, ppo=PPO))
    state, update = strategy.init(jax.random.key(0)), jax.jit(strategy.update)
    designs = jax.jit(strategy.propose)(state, jax.random.key(1))

    def after(meeting, start):
        ratios = jnp.where(jnp.arange(10) < meeting, -1.0, 1.0)[:, None]
        return update(start, designs, Feedback(jnp.ones(10, bool), jnp.full(10, 50.0), ratios))

    assert after(5, state).fast_updates == 1
    assert after(6, state).fast_updates == 0
    # Slow steps teach whatever the share.
    assert after(9, after(6, state)).learner.updates == 1


def test_rewards():
    ratios = jnp.log(jnp.array([[0.5, 0.25], [2.0, 0.5], [2.0, 4.0]]))
    np.testing.assert_allclose(Shortfall()(jnp.array([90.0, 80.0, 70.0]), ratios), -np.log([1, 2, 8]), rtol=1e-6)
    # At a limit of 10 % efficiency, ratios of 1/4, 1/2 and 4 are 40, 20 and 2.5 %.
    reward = AccuracyAndEfficiency(beta=0.75, budget=1, least=0.1)
    expected = 0.75 * np.array([0.9, 0.8, 0.7]) + 0.25 * np.array([0.4, 0.2, 0.025]) - np.log([1, 2, 8])
    np.testing.assert_allclose(reward(jnp.array([90.0, 80.0, 70.0]), ratios), expected, rtol=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match="fast_steps must not be negative"):
        FastSlowConfig(fast_steps=-1)
    with pytest.raises(ValueError, match="enough is a share"):
        FastSlowConfig(enough=0.0)
    with pytest.raises(ValueError, match="read only with fast_steps of at least 1"):
        FastSlowConfig(fast_steps=0, enough=0.5)
