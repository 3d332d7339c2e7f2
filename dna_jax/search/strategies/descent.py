"""What searches that follow gradients share: logits of all decisions, and multipliers of budgets that ascend meanwhile."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dna_jax.search.objectives import (
    Multipliers,
    ObjectiveConfig,
    SoftCost,
    initial_multipliers,
    objective,
    update_multipliers,
)
from dna_jax.search.relaxation import Logits, initial_logits
from dna_jax.search.strategies.search import AT_LIMITS
from dna_jax.spaces import Space


def by_part(
    count: int, network: optax.GradientTransformation, accelerator: optax.GradientTransformation
) -> optax.GradientTransformation:
    """Optimiser of the logits of a joint space, whose first `count` decisions are the network's."""

    def init(params: Any) -> Any:
        return network.init(params[:count]), accelerator.init(params[count:])

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        first, first_state = network.update(updates[:count], state[0], params[:count])
        second, second_state = accelerator.update(updates[count:], state[1], params[count:])
        return jnp.concatenate([cast(jax.Array, first), cast(jax.Array, second)]), (first_state, second_state)

    return optax.GradientTransformation(init, update)


@struct.dataclass
class Descent:
    """Where a search by gradients is.

    Attributes:
      logits: of all decisions, the network's first.
      optimizer: Optax state.
      multipliers: of the budgets, where the objective has any.
    """

    logits: Logits
    optimizer: optax.OptState
    multipliers: Multipliers

    @classmethod
    def begin(cls, space: Space, config: ObjectiveConfig, optimizer: optax.GradientTransformation) -> "Descent":
        """Every option as likely."""
        logits = initial_logits(space)
        return cls(logits, optimizer.init(logits), initial_multipliers(config, AT_LIMITS))

    def step(
        self,
        samples: Callable[[Logits], tuple[jax.Array, SoftCost, Any]],
        config: ObjectiveConfig,
        optimizer: optax.GradientTransformation,
    ) -> tuple["Descent", Any]:
        """One step down the mean objective of samples, and up its multipliers.

        Args:
          samples: logits -> task losses [samples], costs over limits [samples], and anything else.
          config: objective.
          optimizer: of the logits.

        Returns:
          the descent after the step, and what else `samples` returned.
        """

        def loss(logits: Logits) -> tuple[jax.Array, tuple[SoftCost, Any]]:
            losses, costs, rest = samples(logits)
            totals = jax.vmap(lambda task, cost: objective(config, task, cost, AT_LIMITS, self.multipliers))(losses, costs)
            return jnp.mean(totals), (costs, rest)

        gradient, (costs, rest) = jax.grad(loss, has_aux=True)(self.logits)
        updates, state = optimizer.update(gradient, self.optimizer, self.logits)
        multipliers = jax.vmap(lambda cost: update_multipliers(config, self.multipliers, cost, AT_LIMITS))(costs)
        logits = self.logits + cast(jax.Array, updates)
        return Descent(logits, state, jax.tree.map(jnp.mean, multipliers)), rest
