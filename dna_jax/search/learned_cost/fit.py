"""Learning the cost model: Adam over labelled designs, an epoch as one jitted scan."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from dna_jax.checks import require_at_least
from dna_jax.search.learned_cost.labels import LabelledDesigns
from dna_jax.search.learned_cost.model import LearnedCost, definition, design_inputs, input_count, loss, untaught
from dna_jax.spaces import Space


@dataclasses.dataclass(frozen=True)
class LearnedCostConfig:
    """How a cost model is learned. Samples, batch, learning rate, dropout and weight are those of NAHAS by default; that
    the rate falls to zero is ours.

    On the space of the card `digits.py` the median errors of latency and area are then 0.60 % and 6.2 %
    (`experiments/results/learned_cost`).

    Attributes:
      samples: designs that it learns from, each labelled by the analytical model.
      epochs: times that it sees each of them.
      batch_size: designs of a step.
      learning_rate: of Adam, its highest.
      schedule: "constant", or "cosine" to zero at the last step.
      dropout: share of units dropped while learning.
      latency_weight: of the error of latency in the loss, beside 1 of that of area.
    """

    samples: int = 500_000
    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    dropout: float = 0.1
    latency_weight: float = 10.0

    def __post_init__(self) -> None:
        require_at_least(self, samples=1, epochs=1, batch_size=1)
        if self.batch_size > self.samples:
            raise ValueError(f"batch_size {self.batch_size} must not exceed samples {self.samples}.")
        for name in ("learning_rate", "latency_weight"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, but is {getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout {self.dropout} must lie in [0, 1).")


@dataclasses.dataclass(frozen=True)
class _Learning:
    """What a program of learning is compiled for."""

    config: LearnedCostConfig
    space: Space
    steps: int

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        rate, config = self.config.learning_rate, self.config
        schedule = rate if config.schedule == "constant" else optax.cosine_decay_schedule(rate, self.steps * config.epochs)
        # One flat vector in place of ten leaves: fewer kernels.
        return optax.flatten(optax.adam(schedule))


@functools.partial(jax.jit, static_argnames="learning", donate_argnames="carry")
def _epoch(
    learning: _Learning, carry: tuple[nnx.State, optax.OptState], indices: jax.Array, wanted: jax.Array, key: jax.Array
) -> tuple[tuple[nnx.State, optax.OptState], jax.Array]:
    """Parameters and optimiser after an epoch, and the mean loss."""
    graph = definition(input_count(learning.space))
    size, config = learning.config.batch_size, learning.config
    shuffling, dropping = jax.random.split(key)
    order = jax.random.permutation(shuffling, len(indices))[: learning.steps * size].reshape(learning.steps, size)

    def step(carry: tuple[nnx.State, optax.OptState], number: jax.Array) -> tuple[tuple, jax.Array]:
        parameters, moments = carry
        rows = order[number]
        inputs = design_inputs(learning.space, learning.space.one_hot(indices[rows]))
        drops = jax.random.fold_in(dropping, number)

        def batch_loss(parameters: nnx.State) -> jax.Array:
            predicted = nnx.merge(graph, parameters)(inputs, config.dropout, drops)
            return loss(predicted, wanted[rows], config.latency_weight)

        value, gradient = jax.value_and_grad(batch_loss)(parameters)
        updates, moments = learning.optimizer.update(gradient, moments, parameters)
        return (optax.apply_updates(parameters, updates), moments), value

    carry, losses = jax.lax.scan(step, carry, jnp.arange(learning.steps))
    return carry, jnp.mean(losses)


def fit(
    config: LearnedCostConfig,
    space: Space,
    designs: LabelledDesigns,
    seed: int,
    told: Callable[[int, float], None] = lambda epoch, loss: None,
) -> LearnedCost:
    """The cost model learned from designs.

    Args:
      config: how; the designs that are left over from whole batches change from epoch to epoch.
      space: that the designs are of, with what is fixed.
      designs: at least one batch of them.
      seed: of first weights, order and dropout.
      told: is called after each epoch with its number, from 1, and its mean loss.
    """
    logs = np.log(np.stack([designs.latency_ms, designs.area_mm2], axis=1))
    mean, deviation = logs.mean(axis=0), logs.std(axis=0)
    # An accelerator that is fixed has but one area.
    wanted = jnp.asarray((logs - mean) / np.where(deviation > 1e-9, deviation, 1), jnp.float32)
    learning = _Learning(config, space, len(designs) // config.batch_size)
    start, key = jax.random.split(jax.random.key(seed))
    parameters = untaught(space, start).parameters
    carry, indices = (parameters, learning.optimizer.init(parameters)), jnp.asarray(designs.indices)
    for epoch in range(config.epochs):
        carry, mean_loss = _epoch(learning, carry, indices, wanted, jax.random.fold_in(key, epoch))
        told(epoch + 1, float(mean_loss))
    return LearnedCost(carry[0], jnp.asarray(mean, jnp.float32), jnp.asarray(deviation, jnp.float32))
