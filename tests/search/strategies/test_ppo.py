"""The recurrent controller and how it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dna_jax.search.strategies import Controller, Feedback, Ppo, PpoConfig, PpoSearch, clipped_surrogate_loss
from dna_jax.spaces import Decision, Space

SPACE = Space("small", (Decision("a", (1, 2, 3)), Decision("b", (1, 2)), Decision("c", (1, 2, 3, 4))))


@pytest.fixture(scope="module")
def learned():
    """Parameters that are not those of the start."""
    controller = Controller(SPACE, features=8)
    key = jax.random.key(3)
    parameters = controller.init(key)
    leaves, tree = jax.tree.flatten(parameters)
    noise = [leaf + 0.5 * jax.random.normal(jax.random.fold_in(key, i), leaf.shape) for i, leaf in enumerate(leaves)]
    return controller, jax.tree.unflatten(tree, noise)


def test_probabilities_of_all_designs_add_up_to_one(learned):
    controller, parameters = learned
    episodes = controller.score(parameters, jnp.asarray(SPACE.grid()), jnp.asarray(SPACE.is_allowed))
    np.testing.assert_allclose(jnp.sum(jnp.exp(episodes.log_probability.sum(axis=-1))), 1, rtol=1e-5)


def test_samples_are_as_frequent_as_their_probability(learned):
    controller, parameters = learned
    allowed = jnp.asarray(SPACE.is_allowed)
    drawn = controller.sample(parameters, jax.random.key(0), 20000, allowed)
    again = controller.score(parameters, drawn.designs, allowed)
    np.testing.assert_allclose(drawn.log_probability, again.log_probability, atol=1e-5)
    grid = SPACE.grid()
    expected = np.exp(controller.score(parameters, jnp.asarray(grid), allowed).log_probability.sum(axis=-1))
    position = {tuple(row): i for i, row in enumerate(grid)}
    counts = np.bincount([position[tuple(row)] for row in np.asarray(drawn.designs)], minlength=len(grid))
    np.testing.assert_allclose(counts / 20000, expected, atol=0.015)


def test_what_is_fixed_is_never_drawn_otherwise(learned):
    controller, parameters = learned
    allowed = jnp.asarray(SPACE.fix({"b": 2}).is_allowed)
    drawn = controller.sample(parameters, jax.random.key(0), 100, allowed)
    assert np.all(drawn.designs[:, 1] == 1)
    assert np.all(drawn.log_probability[:, 1] == 0)
    assert np.all(drawn.entropy[:, 1] == 0)
    gradient = jax.grad(lambda p: controller.score(p, drawn.designs, allowed).entropy.sum())(parameters)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_the_clipped_loss_stops_where_the_ratio_has_moved_far_enough():
    ratios, advantages = jnp.array([0.5, 0.9, 1.5, 1.5]), jnp.array([1.0, 1.0, 1.0, -1.0])
    value, slope = jax.value_and_grad(clipped_surrogate_loss)(ratios, advantages, 0.2)
    np.testing.assert_allclose(value, -(0.5 + 0.9 + 1.2 - 1.5) / 4, rtol=1e-6)
    np.testing.assert_allclose(slope, [-0.25, -0.25, 0, 0.25], atol=1e-7)


def test_the_first_epoch_follows_the_policy_gradient(learned):
    """At a ratio of 1 the gradient of the clipped loss is that of REINFORCE."""
    controller, parameters = learned
    allowed = jnp.asarray(SPACE.is_allowed)
    designs = controller.sample(parameters, jax.random.key(1), 6, allowed).designs
    advantages = jnp.linspace(-1, 1, 6)

    def log_p(p):
        return controller.score(p, designs, allowed).log_probability.sum(axis=-1)

    old = log_p(parameters)
    ppo = jax.grad(lambda p: clipped_surrogate_loss(jnp.exp(log_p(p) - old), advantages, 0.2))(parameters)
    reinforce = jax.grad(lambda p: -jnp.mean(log_p(p) * advantages))(parameters)
    for one, other in zip(jax.tree.leaves(ppo), jax.tree.leaves(reinforce), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_designs_that_nothing_was_told_of_change_nothing():
    ppo = Ppo(SPACE, PpoConfig(features=8))
    learner = ppo.init(jax.random.key(0))
    allowed = jnp.asarray(SPACE.is_allowed)
    designs = jnp.asarray(SPACE.grid()[:4])
    rewards = jnp.array([0.3, 0.9, 0.1, 0.5])
    untold = ppo.learn(learner, designs, jnp.full(4, jnp.nan), allowed)
    assert optax.tree.norm(optax.tree.sub(untold.parameters, learner.parameters)) == 0
    assert untold.updates == 0
    told = ppo.learn(learner, designs[:2], rewards[:2], allowed)
    mixed = ppo.learn(learner, designs, rewards.at[2:].set(jnp.nan), allowed)
    np.testing.assert_allclose(told.baseline, mixed.baseline, rtol=1e-6)


@pytest.mark.parametrize("fixed", [{}, pytest.param({"b": 1}, marks=pytest.mark.slow)])
def test_the_controller_finds_what_is_rewarded(fixed):
    space = SPACE.fix(fixed)
    strategy = PpoSearch(space, config=PpoConfig(learning_rate=5e-3, features=8))
    best = jnp.array([2, 0, 3])

    def step(state, key):
        designs = strategy.propose(state, key)
        accuracy = 50 + 10.0 * jnp.sum(designs == best, axis=-1)
        # The best by accuracy alone breaks the budget.
        ratios = jnp.where(designs[:, :1] == 2, 1.0, -1.0)
        feedback = Feedback(strategy.select(state, designs, ratios), accuracy, ratios)
        return strategy.update(state, designs, feedback), jnp.mean(feedback.feasible)

    @jax.jit
    @jax.vmap
    def search(key):
        state, feasible = jax.lax.scan(step, strategy.init(key), jax.random.split(key, 150))
        return strategy.answer(state), feasible

    answers, feasible = search(jax.random.split(jax.random.key(5), 8))
    assert np.all(answers[:, 0] != 2)
    assert np.all(answers[:, 1:] == jnp.array([0, 3]))
    assert feasible[:, -20:].mean() > 0.9 > feasible[:, :5].mean()
