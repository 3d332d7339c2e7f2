"""Differentiable search of a known problem: where its gradients come from."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from dna_jax.accuracy import multilinear
from dna_jax.search import ObjectiveConfig
from dna_jax.search.strategies import DifferentiableConfig, DifferentiableSearch
from dna_jax.search.strategies.descent import by_part
from dna_jax.spaces import Decision, Space

NETWORKS = Space("networks", (Decision("a", (0, 1, 2)), Decision("b", (0, 1, 2))))
ACCELERATORS = Space("accelerators", (Decision("rows", (1, 2, 4)),))
ACCURACY = jnp.array([60.0, 64.0, 71.0, 66.0, 80.0, 82.0, 70.0, 83.0, 90.0])


@struct.dataclass
class _Free:
    """Accuracies known exactly, and costs that are always half their limits."""

    @property
    def network_space(self):
        return NETWORKS

    @property
    def accelerator_space(self):
        return ACCELERATORS

    networks = 9
    priced_by_gradient = 3

    def log_ratios(self, designs):
        return jnp.full((*designs.shape[:-1], 2), jnp.log(0.5))

    def train(self, key, designs):
        return ACCURACY[designs[:, 0] * 3 + designs[:, 1]]

    def expected_accuracy(self, probabilities):
        return multilinear(ACCURACY, probabilities)

    accuracy_at = expected_accuracy

    def cost(self, point):
        return _Half(jnp.array(0.5), jnp.array(0.5))

    cost_at = cost


@struct.dataclass
class _Half:
    latency_ms: jax.Array
    area_mm2: jax.Array

    @property
    def metrics(self):
        return {"latency_ms": self.latency_ms, "area_mm2": self.area_mm2}

    @property
    def misfit(self):
        return jnp.zeros(())


def test_sampled_accuracies_give_the_gradient_of_their_expectation():
    """The mean of score-function steps points where the exact gradient of the expected loss does."""
    config = DifferentiableConfig(accuracy="sampled", samples=4, objective=ObjectiveConfig(pressure=0.0))
    search, problem = DifferentiableSearch(NETWORKS | ACCELERATORS, config), _Free()
    start = search.init(jax.random.key(0), problem)
    logits = start.descent.logits.at[0].set(jnp.array([0.3, -0.2, 0.1])).at[1].set(jnp.array([0.0, 0.5, -0.4]))
    state = dataclasses.replace(start, descent=dataclasses.replace(start.descent, logits=logits), baseline=jnp.array(75.0))

    def first_moment(key):
        # Adam's mean of gradients after one step is a tenth of the gradient.
        after, _ = search.step(state, key, problem)
        network, _ = after.descent.optimizer
        return 10 * optax.tree_utils.tree_get(network, "mu").reshape(2, -1)

    estimates = jax.jit(jax.vmap(first_moment))(jax.random.split(jax.random.key(1), 20_000))

    def expected_loss(logits):
        chances = jax.nn.softmax(logits[:2, :3], axis=-1)
        return multilinear(-jnp.log(ACCURACY / 100), chances)

    exact = jax.grad(expected_loss)(logits)
    mean, error = estimates.mean(axis=0), estimates.std(axis=0) / np.sqrt(20_000)
    assert np.all(np.abs(mean - exact[:2]) < 4 * error + 1e-4)
    assert np.abs(exact[:2]).max() > 10 * error.max()


@pytest.mark.parametrize("accuracy", ["exact", "sampled"])
def test_the_likeliest_network_becomes_the_best(accuracy):
    config = DifferentiableConfig(accuracy=accuracy)
    search, problem = DifferentiableSearch(NETWORKS | ACCELERATORS, config), _Free()

    @jax.jit
    @jax.vmap
    def run(key):
        def step(state, number):
            return search.step(state, jax.random.fold_in(key, number), problem)

        return jax.lax.scan(step, search.init(key, problem), jnp.arange(200))

    state, trials = run(jax.random.split(jax.random.key(2), 4))
    assert np.all(jnp.argmax(state.descent.logits[:, :2, :3], axis=-1) == 2)
    assert np.all(trials.answer[:, -1, :2] == 2)
    assert np.all(np.asarray(trials.queries).sum(axis=1) == (9 if accuracy == "exact" else 1600))


def test_either_part_has_an_optimiser_of_its_own():
    optimizer = by_part(2, optax.sgd(0.5), optax.sgd(2.0))
    logits = jnp.ones((3, 2))
    moved, _ = optimizer.update(jnp.ones((3, 2)), optimizer.init(logits), logits)
    assert moved.tolist() == [[-0.5, -0.5], [-0.5, -0.5], [-2.0, -2.0]]
    still = dataclasses.replace(DifferentiableConfig.network, learning_rate=0.0)
    search, problem = DifferentiableSearch(NETWORKS | ACCELERATORS, DifferentiableConfig(network=still)), _Free()
    start = search.init(jax.random.key(0), problem)
    after, _ = jax.jit(search.step)(start, jax.random.key(1), problem)
    np.testing.assert_array_equal(after.descent.logits, start.descent.logits)
    search = dataclasses.replace(search, config=DifferentiableConfig(accelerator=still))
    after, _ = jax.jit(search.step)(start, jax.random.key(1), problem)
    assert not np.array_equal(after.descent.logits, start.descent.logits)


def test_mixtures_of_networks_cannot_be_trained():
    with pytest.raises(ValueError, match="Only discrete networks can be trained"):
        DifferentiableConfig(accuracy="sampled", hard=False)
