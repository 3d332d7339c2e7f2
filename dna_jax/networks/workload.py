"""The workload of a network family: every layer that some choice would bring, weighted by how likely it is.

A choice of kernel and expansion, or of operation and precision, replaces layers by others, so the relaxed workload lists
the layers of all options and weights each with the probability of the options it needs. Costs of layers add up; hence the
relaxed cost is the expected cost under independent choices, its gradient is exact, and at a one-hot point only the chosen
layers have weight.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.networks.family import LayeredFamily
from dna_jax.spaces import Option, Point
from dna_jax.workload import Layer, Workload, merge_counts, workload_from_layers


def chosen_layers(specification: LayeredFamily, design: Mapping[str, Option]) -> list[Layer]:
    """The layers of one network, in order."""
    return [
        row.layer
        for row in specification.conditional_layers()
        if all(design[name] == option for name, option in row.needs.items())
    ]


def possible_layers(specification: LayeredFamily) -> list[Layer]:
    """The layers that some choice would bring, in order; those of one name and shape that several options bring once."""
    return list(dict.fromkeys(row.layer for row in specification.conditional_layers()))


def expected_layers(specification: LayeredFamily, point: Mapping[str, jax.Array]) -> tuple[list[Layer], jax.Array]:
    """The `possible_layers`, and how often each is expected at a point, [L].

    Layers of one shape under other names are several, for they may run on other chunks: `workload.merge_counts` takes them
    together.

    Args:
      specification: the family.
      point: probabilities of its decisions, soft or one-hot, without leading axes; their type is that of the counts.
    """
    rows, options = specification.conditional_layers(), specification.options
    names = [name for name in point if name in options]
    chosen = Point.of(point).select(names).rows
    # All probabilities in one vector behind a leading 1, so that the weights of all rows are two lookups and a product.
    start = {name: 1 + row * chosen.shape[-1] for row, name in enumerate(names)}
    probabilities = jnp.concatenate([jnp.ones(1, chosen.dtype), chosen.ravel()])
    lookup = np.zeros((len(rows), 2), np.int32)
    for i, row in enumerate(rows):
        needed = [start[name] + options[name].index(option) for name, option in row.needs.items()]
        lookup[i, : len(needed)] = needed
    position = {layer: i for i, layer in enumerate(possible_layers(specification))}
    each = jnp.prod(probabilities[lookup], axis=-1)
    weight = jnp.zeros(len(position), chosen.dtype).at[np.array([position[row.layer] for row in rows])].add(each)
    return list(position), weight


def relaxed_workload(specification: LayeredFamily, point: Mapping[str, jax.Array]) -> Workload:
    """The expected workload at a point: `expected_layers`, equal shapes once, as a struct of arrays."""
    layers, weight = merge_counts(*expected_layers(specification, point))
    return workload_from_layers(layers, weight, weight.dtype)


def macs(specification: LayeredFamily, design: Mapping[str, Option]) -> int:
    """Multiply-accumulates of one network: convolutions and the classifier."""
    return sum(layer.macs for layer in chosen_layers(specification, design) if layer.weight_bits)
