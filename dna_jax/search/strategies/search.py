"""Searches of a problem whose costs and accuracies can be asked for, with gradients or by trials, and what they report."""

from typing import Any, Protocol

import jax
import numpy as np
from flax import struct

from dna_jax.search.objectives import Budgets, SoftCost
from dna_jax.spaces import Point, Space

Array = jax.Array | np.ndarray


@struct.dataclass
class Trials:
    """What one step tried.

    Attributes:
      designs: int8[batch, decisions]; each was priced.
      trained: of which the accuracy was asked, bool[batch].
      queries: accuracies asked in the step, int32.
      evaluations: designs priced in the step, int32; more than the batch where neighbours are priced for a gradient.
      answer: what the search would return now, int8[decisions].
    """

    designs: Array
    trained: Array
    queries: Array
    evaluations: Array
    answer: Array


AT_LIMITS = Budgets(latency_ms=1.0, area_mm2=1.0)
"""Budgets of a `JointProblem`, whose costs are over their limits already."""


class JointProblem(Protocol):
    """A network space with an accelerator space under budgets, networks first."""

    @property
    def network_space(self) -> Space:
        """Decisions with as many options each."""
        ...

    @property
    def accelerator_space(self) -> Space:
        """Of the accelerator."""
        ...

    @property
    def networks(self) -> int:
        """How many networks there are: what reading the accuracy of all of them takes."""
        ...

    @property
    def priced_by_gradient(self) -> int:
        """Designs that `cost_at` prices, neighbours included."""
        ...

    @property
    def priced_by_mixture(self) -> int:
        """Designs that `cost` prices."""
        ...

    def network_row(self, designs: jax.Array) -> jax.Array:
        """Number of the network of designs int32[..., decisions], int32[...]."""
        ...

    def log_ratios(self, designs: jax.Array) -> jax.Array:
        """Logarithm of cost over limit of designs int32[..., decisions], f32[..., budgets]."""
        ...

    def settled_design(self, point: Point) -> tuple[jax.Array, jax.Array]:
        """The likeliest network of a point that can be within the budgets, with the likeliest accelerator with which it is,
        int32[decisions], the likeliest design where none is found; and how many designs were priced for it, int32."""
        ...

    def train(self, key: jax.Array, designs: jax.Array) -> jax.Array:
        """Accuracy of one training of each design int32[batch, decisions], percent, f32[batch]: another training differs."""
        ...

    def expected_accuracy(self, probabilities: jax.Array) -> jax.Array:
        """Exact accuracy at a point, percent, of rows of the network's decisions [D, options], with its gradient."""
        ...

    def accuracy_at(self, one_hot: jax.Array) -> jax.Array:
        """The same at a one-hot point, cheaper."""
        ...

    def cost(self, point: Point) -> SoftCost:
        """Costs over limits at a point of the joint space, with their gradient."""
        ...

    def cost_at(self, point: Point) -> SoftCost:
        """The same at a one-hot point, cheaper."""
        ...


class Search(Protocol):
    """A search, as pure functions over a state that is a pytree."""

    def init(self, key: jax.Array, problem: Any) -> Any:
        """State before the first step of a search of a `JointProblem`."""
        ...

    def step(self, state: Any, key: jax.Array, problem: Any) -> tuple[Any, Trials]:
        """One step."""
        ...
