"""The learned cost model of NAHAS (Zhou et al., 2021, arXiv:2102.08619): a network of three layers with two heads.

It works on logarithms, standardised: costs of designs span orders of magnitude, and what a search weighs is their ratio to
a budget. Its inputs are the probabilities of all options, one-hot for a discrete design, so that it has a gradient.
"""

import itertools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx, struct

from dna_jax.spaces import Point, Space

WIDTH = 256
LAYERS = 3
COST_HEADS = ("latency_ms", "area_mm2")
"""Costs in the order of the heads."""


def design_inputs(space: Space, point: Mapping[str, jax.Array]) -> jax.Array:
    """Probabilities of all options of the decisions that are searched, [..., inputs].

    Args:
      space: the joint space, with what is fixed.
      point: probabilities of its decisions, soft or one-hot.
    """
    searched = {decision.name: len(decision.options) for decision in space.free}
    rows = Point.of(point).select(list(searched)).rows
    decision, option = np.nonzero(np.arange(rows.shape[-1]) < np.array(list(searched.values()))[:, None])
    return rows[..., decision, option]


class CostNetwork(nnx.Module):
    """Three layers of 256 units with ReLU and dropout, and a head for each of COST_HEADS.

    Args:
      inputs: how many.
      rngs: of its first weights.
    """

    def __init__(self, inputs: int, rngs: nnx.Rngs) -> None:
        widths = [inputs, *[WIDTH] * LAYERS]
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in itertools.pairwise(widths)])
        self.heads = nnx.List([nnx.Linear(WIDTH, 1, rngs=rngs) for _ in COST_HEADS])

    def __call__(self, inputs: jax.Array, dropout: float = 0.0, key: jax.Array | None = None) -> jax.Array:
        """Standardised logarithms of costs [..., heads] of inputs [..., inputs]; units are dropped with probability
        `dropout` where a key is given."""
        hidden = inputs
        for number, layer in enumerate(self.layers):
            hidden = nnx.relu(layer(hidden))
            if key is not None:
                kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - dropout, hidden.shape)
                hidden = jnp.where(kept, hidden / (1 - dropout), 0)
        return jnp.concatenate([head(hidden) for head in self.heads], axis=-1)


def definition(inputs: int) -> nnx.GraphDef:
    """Of a network of so many inputs: what its parameters are merged with."""
    return nnx.split(nnx.eval_shape(lambda: CostNetwork(inputs, nnx.Rngs(0))))[0]


def loss(predicted: jax.Array, wanted: jax.Array, latency_weight: float) -> jax.Array:
    """MSE(area) + latency_weight MSE(latency), the loss of NAHAS with a weight of 10.

    Args:
      predicted, wanted: standardised logarithms of the costs, [n, heads].
      latency_weight: the paper's lambda.
    """
    latency, area = (jnp.mean(jnp.square(predicted[:, head] - wanted[:, head])) for head in range(len(COST_HEADS)))
    return area + latency_weight * latency


@struct.dataclass
class LearnedCost:
    """A network with what it learned.

    Attributes:
      parameters: of a `CostNetwork`.
      mean, deviation: of the logarithms of the costs, by which its outputs are standardised, [heads].
    """

    parameters: nnx.State
    mean: jax.Array
    deviation: jax.Array

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Costs [..., heads] at inputs [..., inputs], in the order and the units of COST_HEADS."""
        network = nnx.merge(definition(inputs.shape[-1]), self.parameters)
        return jnp.exp(self.mean + self.deviation * network(inputs))


def input_count(space: Space) -> int:
    """Options of all decisions that are searched."""
    return sum(len(decision.options) for decision in space.free)


def untaught(space: Space, key: jax.Array) -> LearnedCost:
    """A model of a space with first weights and costs as they are."""
    parameters = nnx.state(CostNetwork(input_count(space), nnx.Rngs(key)))
    heads = len(COST_HEADS)
    return LearnedCost(parameters, jnp.zeros(heads), jnp.ones(heads))
