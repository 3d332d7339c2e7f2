"""REINFORCE over independent decisions: its gradient is that of the expected reward, and it finds what is rewarded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search.strategies import Absolute, Feedback, Reinforce, ReinforceConfig, ReinforceSearch, reinforce_loss
from dna_jax.spaces import Decision, Space

SPACE = Space("small", (Decision("a", (1, 2, 3)), Decision("b", (1, 2)), Decision("c", (1, 2, 3, 4))))
LOGITS = jax.random.normal(jax.random.key(2), SPACE.is_option.shape)


def test_the_loss_is_the_advantage_times_log_probability_and_slopes_reach_the_probability_alone():
    log_p, advantages = jnp.array([-1.0, -2.0, -0.5]), jnp.array([0.5, -1.0, 2.0])
    value, slopes = jax.value_and_grad(reinforce_loss, argnums=(0, 1))(log_p, advantages)
    np.testing.assert_allclose(value, -(-0.5 + 2.0 - 1.0) / 3, rtol=1e-6)
    np.testing.assert_allclose(slopes[0], [-0.5 / 3, 1 / 3, -2 / 3], rtol=1e-6)
    np.testing.assert_array_equal(slopes[1], 0)


@pytest.mark.parametrize("fixed", [{}, {"b": 2}])
@pytest.mark.parametrize("baseline", [0.0, 3.0])
def test_its_expected_gradient_is_that_of_the_expected_reward(fixed, baseline):
    """Every design once, as often as it is probable: whatever the baseline."""
    space = SPACE.fix(fixed)
    learner, grid = Reinforce(space), jnp.asarray(space.grid())
    rewards = jnp.asarray(np.random.default_rng(0).normal(size=len(grid)), jnp.float32)

    def product_of_choices(logits):
        """Expected reward from probabilities decision by decision, apart from the code under test."""
        total = 0.0
        for design, reward in zip(space.grid(), rewards, strict=True):
            probability = 1.0
            for row, decision in enumerate(space.decisions):
                if decision.name not in fixed:
                    weights = jnp.exp(logits[row, : len(decision.options)])
                    probability = probability * weights[design[row]] / jnp.sum(weights)
            total = total + probability * reward
        return total

    def gradient_of(design, reward):
        return jax.grad(lambda x: reinforce_loss(learner.log_probability(x, design[None]), reward[None] - baseline))(LOGITS)

    probability = jnp.exp(learner.log_probability(LOGITS, grid))
    np.testing.assert_allclose(jnp.sum(probability), 1, rtol=1e-5)
    expected = jnp.einsum("g,gdo->do", probability, jax.vmap(gradient_of)(grid, rewards))
    np.testing.assert_allclose(expected, -jax.grad(product_of_choices)(LOGITS), atol=1e-5)


def test_samples_are_as_frequent_as_their_probability_and_what_is_fixed_stays():
    space = SPACE.fix({"c": 3})
    learner = Reinforce(space)
    drawn = np.asarray(learner.sample(LOGITS, jax.random.key(0), 20000))
    assert np.all(drawn[:, 2] == 2)
    assert learner.likeliest(LOGITS)[2] == 2
    grid = space.grid()
    counts = np.array([np.mean(np.all(drawn == design, axis=-1)) for design in grid])
    np.testing.assert_allclose(counts, jnp.exp(learner.log_probability(LOGITS, jnp.asarray(grid))), atol=0.015)


def test_entropy_is_that_of_the_designs():
    learner = Reinforce(SPACE)
    log_p = learner.log_probability(LOGITS, jnp.asarray(SPACE.grid()))
    np.testing.assert_allclose(learner.entropy(LOGITS), -jnp.sum(jnp.exp(log_p) * log_p), rtol=1e-5)
    assert np.isfinite(jax.grad(Reinforce(SPACE.fix({"a": 1})).entropy)(LOGITS)).all()


def test_the_baseline_begins_with_the_first_rewards_and_follows_slowly():
    learner = Reinforce(SPACE)
    designs, start = jnp.asarray(SPACE.grid()[:2]), learner.init()
    first = learner.learn(start, designs, jnp.array([0.2, 0.6]))
    np.testing.assert_allclose(first.baseline, 0.4, rtol=1e-6)
    second = learner.learn(first, designs, jnp.array([1.0, 1.0]))
    np.testing.assert_allclose(second.baseline, 0.95 * 0.4 + 0.05, rtol=1e-6)
    # One reward, which is its own baseline, teaches nothing.
    alone = learner.learn(start, designs[:1], jnp.array([0.7]))
    np.testing.assert_array_equal(alone.logits, start.logits)


def test_the_first_step_of_adam_is_its_rate_and_the_last_ten_times_that():
    config = ReinforceConfig(batch=1, updates=4, baseline_decay=0.0)
    learner = Reinforce(SPACE, config)
    design = jnp.zeros((1, 3), jnp.int32)
    policy = learner.init()
    # A gradient of one size: Adam without a mean of gradients moves by its rate, whatever the size.
    for update, reward in enumerate([0.0, 1.0, 2.0, 3.0]):
        before = policy.logits
        policy = learner.learn(policy, design, jnp.array([reward]))
        moved = float(policy.logits[0, 0] - before[0, 0])
        rate = 0.0048 * 10 ** (update / 3)
        # The second moment has seen no gradient in the first update, which its correction for the start spreads.
        corrected = np.sqrt((1 - 0.999 ** (update + 1)) / (1 - 0.999**update)) if update else 0.0
        assert moved == pytest.approx(rate * corrected, rel=0.1)


def test_an_update_raises_the_probability_of_the_design_that_was_rewarded():
    learner = Reinforce(SPACE)
    designs = jnp.array([[0, 0, 0], [2, 1, 3]])
    policy = learner.learn(learner.init(), designs, jnp.array([0.1, 0.9]))
    before, after = (learner.log_probability(p.logits, designs) for p in (learner.init(), policy))
    assert after[1] > before[1]
    assert after[0] < before[0]


@pytest.mark.parametrize("fixed", [{}, {"b": 1}])
def test_the_search_ends_with_what_is_rewarded(fixed):
    """A table with a known optimum within a limit, eight seeds as one program."""
    space = SPACE.fix(fixed)
    strategy = ReinforceSearch(space, Absolute(beta=-1.0, one_sided=True), ReinforceConfig(updates=400))
    best = jnp.array([2, 0, 3])

    def step(state, key):
        designs = strategy.propose(state, key)
        accuracy = 50 + 10.0 * jnp.sum(designs == best, axis=-1)
        # The best by accuracy alone costs twice the limit.
        ratios = jnp.where(designs[:, :1] == 2, jnp.log(2.0), -1.0)
        feedback = Feedback(strategy.select(state, designs, ratios), accuracy, ratios)
        return strategy.update(state, designs, feedback), jnp.mean(feedback.feasible)

    @jax.jit
    @jax.vmap
    def search(key):
        state, feasible = jax.lax.scan(step, strategy.init(key), jax.random.split(key, 400))
        return strategy.answer(state), feasible

    answers, feasible = search(jax.random.split(jax.random.key(5), 8))
    assert np.all(answers[:, 0] != 2)
    assert np.all(answers[:, 1:] == jnp.array([0, 3]))
    assert feasible[:, -20:].mean() > 0.95 > feasible[:, :5].mean()


@pytest.mark.parametrize(
    "wrong", [{"batch": 0}, {"updates": 0}, {"growth": 0.0}, {"learning_rate": -1.0}, {"baseline_decay": 1.0}]
)
def test_bad_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReinforceConfig(**wrong)
