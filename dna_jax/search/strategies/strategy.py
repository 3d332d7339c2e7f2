"""What search strategies that try designs have in common: they ask, are told, and answer.

A strategy is a few pure functions over a state that is a pytree, so that a hundred seeds run as one program under `vmap`.
Each step it proposes a batch of designs; these are priced; it selects which of them are trained, for training is what takes
long; and it is told what came of it.
"""

from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp
from flax import struct

Designs = jax.Array
"""Option indices of several designs, int32[batch, decisions], as rows of `Space.grid`."""


@struct.dataclass
class Feedback:
    """What came of a batch of designs.

    Attributes:
      trained: which were trained, bool[batch].
      accuracy: percent, f32[batch]; 0 of those that were not trained.
      log_ratios: logarithm of cost over limit of every budget, f32[batch, budgets]: above 0 where it is exceeded.
    """

    trained: jax.Array
    accuracy: jax.Array
    log_ratios: jax.Array

    @property
    def feasible(self) -> jax.Array:
        """Which designs meet every budget, bool[batch]."""
        return jnp.all(self.log_ratios <= 0, axis=-1)


class Strategy(Protocol):
    """A strategy that tries designs. States are pytrees of arrays."""

    def init(self, key: jax.Array) -> Any:
        """State before the first step."""
        ...

    def propose(self, state: Any, key: jax.Array) -> Designs:
        """The designs of a step; their number is the same in every step."""
        ...

    def select(self, state: Any, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        """Which of the proposed designs are trained, bool[batch], knowing what they cost (as in `Feedback`)."""
        ...

    def update(self, state: Any, designs: Designs, feedback: Feedback) -> Any:
        """The state after a step."""
        ...

    def answer(self, state: Any) -> jax.Array:
        """The design that a search which ended here would return, int32[decisions]."""
        ...


def select_all(designs: Designs) -> jax.Array:
    """Every design is trained, bool[batch]."""
    return jnp.ones(designs.shape[0], bool)


Returns = Literal["best", "rewarded"]
"""What a search ends with: the "best" design within the budgets, as `Incumbent` has it, or the most "rewarded" one, as
`Rewarded` has it, which may exceed a budget if its reward makes up for that."""


@struct.dataclass
class Rewarded:
    """The design of highest reward so far; of equals the earlier.

    Attributes:
      design: int32[decisions].
      reward: as it was told; minus infinity before the first.
    """

    design: jax.Array
    reward: jax.Array

    @classmethod
    def none(cls, decisions: int) -> "Rewarded":
        """Before the first design."""
        return cls(jnp.zeros(decisions, jnp.int32), jnp.array(-jnp.inf))

    def update(self, designs: Designs, rewards: jax.Array) -> "Rewarded":
        """The better of itself and the best of a batch with rewards [batch], NaN of those that have none."""
        known = jnp.where(jnp.isnan(rewards), -jnp.inf, rewards)
        best = jnp.argmax(known)
        candidate = Rewarded(designs[best], known[best])
        return jax.tree.map(lambda new, old: jnp.where(known[best] > self.reward, new, old), candidate, self)


@struct.dataclass
class Incumbent:
    """The best design so far: of those that meet every budget the most accurate, before there is one the least excessive.

    Attributes:
      design: int32[decisions].
      accuracy: percent as it was told; minus infinity before a trained design met every budget.
      excess: the largest `log_ratios`, at least 0; infinite before the first design.
    """

    design: jax.Array
    accuracy: jax.Array
    excess: jax.Array

    @classmethod
    def none(cls, decisions: int) -> "Incumbent":
        """Before the first design."""
        return cls(jnp.zeros(decisions, jnp.int32), jnp.array(-jnp.inf), jnp.array(jnp.inf))

    def update(self, designs: Designs, feedback: Feedback) -> "Incumbent":
        """The better of itself and the best trained design of a batch; of equals the earlier."""
        excess = jnp.maximum(jnp.max(feedback.log_ratios, axis=-1), 0)
        excess = jnp.where(feedback.trained, excess, jnp.inf)
        accuracy = jnp.where(feedback.trained & feedback.feasible, feedback.accuracy, -jnp.inf)
        # Designs that meet the budgets tie at an excess of 0; among others none has an accuracy that counts.
        best = jnp.lexsort((-accuracy, excess))[0]
        better = (excess[best] < self.excess) | ((excess[best] == self.excess) & (accuracy[best] > self.accuracy))
        candidate = Incumbent(designs[best], accuracy[best], excess[best])
        return jax.tree.map(lambda new, old: jnp.where(better, new, old), candidate, self)
