"""Cycles of Gemmini's RTL from a layer and its mapping: a physical estimate times what small networks add to it."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from dna_jax.hardware.correction.gemmini_counts import TileCounts
from dna_jax.hardware.correction.tile_time import EventCosts, log_tile_cycles

HIDDEN = 32
INPUTS = len(TileCounts._fields) + 1


class ResidualNetwork(nnx.Module):
    """Two hidden layers; what it adds to the logarithm of the estimate."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(INPUTS, HIDDEN, rngs=rngs)
        self.second = nnx.Linear(HIDDEN, HIDDEN, rngs=rngs)
        self.last = nnx.Linear(HIDDEN, 1, kernel_init=nnx.initializers.normal(0.01), rngs=rngs)

    def __call__(self, inputs: jax.Array, dropout: float = 0.0, key: jax.Array | None = None) -> jax.Array:
        """Inputs [..., INPUTS], standardised; units are dropped with probability `dropout` where a key is given."""
        hidden = inputs
        for number, layer in enumerate((self.first, self.second)):
            hidden = nnx.silu(layer(hidden))
            if key is not None:
                kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - dropout, hidden.shape)
                hidden = jnp.where(kept, hidden / (1 - dropout), 0)
        return self.last(hidden)[..., 0]


class Correction(NamedTuple):
    """A fitted correction.

    Attributes:
      costs: of events.
      networks: states of `ResidualNetwork`, with a leading axis of the ensemble.
      mean, deviation: of the inputs of the networks, [INPUTS].
    """

    costs: EventCosts
    networks: nnx.State
    mean: jax.Array
    deviation: jax.Array


def structure() -> nnx.GraphDef:
    """What the states of an ensemble are states of."""
    return nnx.split(nnx.eval_shape(lambda: ResidualNetwork(nnx.Rngs(0))))[0]


def network_inputs(counts: TileCounts, log_estimate: jax.Array) -> jax.Array:
    """Logarithms of all counts (and whether it is a matrix product) with that of the estimate, [..., INPUTS]."""
    *positive, is_matmul = counts
    logs = [jnp.log(count) for count in positive]
    columns: Sequence[jax.Array] = jnp.broadcast_arrays(*logs, is_matmul, log_estimate)
    return jnp.stack(columns, axis=-1)


def corrected_cycles(correction: Correction, counts: TileCounts) -> jax.Array:
    """Cycles of layers on the RTL; differentiable in the counts, which may have any shape."""
    estimate = log_tile_cycles(correction.costs, counts)
    inputs = (network_inputs(counts, estimate) - correction.mean) / correction.deviation
    definition = structure()
    added = jax.vmap(lambda state: nnx.merge(definition, state)(inputs))(correction.networks)
    return jnp.exp(estimate + jnp.log(counts.tiles) + jnp.mean(added, axis=0))
