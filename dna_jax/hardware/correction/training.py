"""Fitting the correction to measured cycles: costs of events first, then networks to what remains."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from dna_jax.hardware.correction.gemmini_counts import TileCounts
from dna_jax.hardware.correction.model import Correction, ResidualNetwork, network_inputs, structure
from dna_jax.hardware.correction.tile_time import EventCosts, guess, log_tile_cycles


@dataclasses.dataclass(frozen=True)
class CorrectionConfig:
    """How a correction is fitted.

    Attributes:
      ensemble: networks, each from its own start.
      steps: of a network, on all rows at once.
      learning_rate: its highest.
      weight_decay, dropout: regularisation of the networks.
      cost_steps, cost_learning_rate: of the costs of events.
      huber: error of a logarithm beyond which the loss grows linearly.
      seed: of starts and dropout.
    """

    ensemble: int = 8
    steps: int = 300
    learning_rate: float = 1e-2
    weight_decay: float = 3e-2
    dropout: float = 0.2
    cost_steps: int = 1500
    cost_learning_rate: float = 0.05
    huber: float = 0.1
    seed: int = 0


_RECIPE = CorrectionConfig()


def _robust(residual: jax.Array, weight: jax.Array, width: float) -> jax.Array:
    return jnp.average(jnp.sqrt(residual**2 + width**2) - width, weights=weight)


@functools.partial(jax.jit, static_argnames="config")
def _fit_costs(counts: TileCounts, log_cycles: jax.Array, weight: jax.Array, config: CorrectionConfig) -> EventCosts:
    start = guess()
    optimizer = optax.adam(optax.cosine_decay_schedule(config.cost_learning_rate, config.cost_steps))

    def loss(costs: EventCosts) -> jax.Array:
        residual = log_tile_cycles(costs, counts) + jnp.log(counts.tiles) - log_cycles
        # What the rows do not determine stays near its guess.
        drift = sum(jnp.square(a - b) for a, b in zip(costs, start, strict=True))
        return _robust(residual, weight, config.huber) + 1e-4 * drift

    def step(carry, _):
        costs, state = carry
        updates, state = optimizer.update(jax.grad(loss)(costs), state)
        return (jax.tree.map(jnp.add, costs, updates), state), None

    (costs, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), None, length=config.cost_steps)
    return costs


@functools.partial(jax.jit, static_argnames="config")
def _fit_networks(inputs: jax.Array, residual: jax.Array, weight: jax.Array, config: CorrectionConfig) -> nnx.State:
    definition = structure()
    schedule = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, config.steps // 20, config.steps)
    optimizer = optax.adamw(schedule, weight_decay=config.weight_decay)

    def fit(key: jax.Array) -> nnx.State:
        start, drops = jax.random.split(key)
        state = nnx.state(ResidualNetwork(nnx.Rngs(start)))

        def loss(state: nnx.State, key: jax.Array) -> jax.Array:
            added = nnx.merge(definition, state)(inputs, config.dropout, key)
            return _robust(added - residual, weight, config.huber)

        def step(carry, key):
            state, moments = carry
            updates, moments = optimizer.update(jax.grad(loss)(state, key), moments, state)
            return (jax.tree.map(jnp.add, state, updates), moments), None

        (state, _), _ = jax.lax.scan(step, (state, optimizer.init(state)), jax.random.split(drops, config.steps))
        return state

    return jax.vmap(fit)(jax.random.split(jax.random.key(config.seed), config.ensemble))


def fit_correction(
    counts: TileCounts, cycles: jax.Array, weight: jax.Array | None = None, config: CorrectionConfig = _RECIPE
) -> Correction:
    """The correction that fits measured cycles best.

    Args:
      counts: of rows, [n].
      cycles: measured, [n].
      weight: of rows, [n]: 0 leaves one out, and so fits to some rows share a compiled program; ones by default.
      config: how.
    """
    log_cycles = jnp.log(cycles)
    weight = jnp.ones_like(cycles) if weight is None else weight
    costs = _fit_costs(counts, log_cycles, weight, config)
    estimate = log_tile_cycles(costs, counts)
    inputs = network_inputs(counts, estimate)
    mean = jnp.average(inputs, axis=0, weights=weight)
    deviation = jnp.sqrt(jnp.average((inputs - mean) ** 2, axis=0, weights=weight)) + 1e-6
    residual = log_cycles - estimate - jnp.log(counts.tiles)
    return Correction(costs, _fit_networks((inputs - mean) / deviation, residual, weight, config), mean, deviation)
