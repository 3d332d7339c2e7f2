"""The learned cost model in the place of the analytical one, in a search."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.search.learned_cost.model import COST_HEADS, LearnedCost, design_inputs
from dna_jax.spaces import Space
from dna_jax.workload import Layer


@struct.dataclass
class LearnedPrice:
    """What a design costs by a learned model, a `SoftCost`.

    Attributes:
      costs: in the order and the units of COST_HEADS, [heads].
    """

    costs: jax.Array

    @property
    def metrics(self) -> dict[str, jax.Array]:
        """What may have a budget, by name; energy has no head."""
        return {name: self.costs[head] for head, name in enumerate(COST_HEADS)}

    @property
    def misfit(self) -> jax.Array:
        """0: whether tiles fit the memories has no head either, and is left to the verdict of the analytical model."""
        return jnp.zeros(())


@dataclasses.dataclass(frozen=True, eq=False)
class LearnedPricing:
    """Prices of a search by a learned model, a `Pricing`.

    Attributes:
      learned: the model.
      space: the joint space that it was learned in, with what is fixed.
    """

    learned: LearnedCost
    space: Space

    def __call__(self, layers: Sequence[Layer], weight: jax.Array, point: Mapping[str, jax.Array]) -> LearnedPrice:
        """Cost at a point of the joint space. The layers are those of the point, and so not looked at."""
        return LearnedPrice(self.learned(design_inputs(self.space, point)))
