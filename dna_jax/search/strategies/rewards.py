"""Rewards of strategies that try designs: one number from an accuracy and costs, higher is better.

Costs enter as the logarithm of cost over limit (`Feedback.log_ratios`), so that units do not matter.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Reward = Callable[[jax.Array, jax.Array], jax.Array]
"""(accuracy in percent [...], log_ratios [..., budgets]) -> reward [...], about 0 to 1."""


@dataclasses.dataclass(frozen=True)
class WeightedProduct:
    """NAHAS section 3.4: accuracy * product over budgets of (cost / limit)^w, w = `within` below the limit, `beyond` above.

    Attributes:
      within: the paper's p, of all budgets or of each.
      beyond: the paper's q.
    """

    within: float | tuple[float, ...]
    beyond: float

    def __call__(self, accuracy: jax.Array, log_ratios: jax.Array) -> jax.Array:
        """Reward [...] of accuracies [...] and log_ratios [..., budgets]."""
        exponents = jnp.where(log_ratios <= 0, np.asarray(self.within), self.beyond)
        return accuracy / 100 * jnp.exp(jnp.sum(exponents * log_ratios, axis=-1))


HARD = WeightedProduct(within=0.0, beyond=-1.0)
"""The hard constraint of NAHAS: what a design saves below its limits earns nothing."""

SOFT = WeightedProduct(within=-0.07, beyond=-0.07)
"""The soft constraint of NAHAS, after MnasNet (Tan et al., CVPR 2019, equation 3)."""


@dataclasses.dataclass(frozen=True)
class Absolute:
    """TuNAS (Bender et al., CVPR 2020, section 4.3): accuracy + beta * |cost / limit - 1|, summed over budgets.

    Attributes:
      beta: negative; at -0.1, the default of the release of TuNAS, a cost of twice its limit weighs as ten points.
      one_sided: of costs below their limit nothing is taken off; for all budgets, or for each. TuNAS has one cost, which it
        aims at; of several, the cheapest way to one may leave another below its limit.
    """

    beta: float = -0.1
    one_sided: bool | tuple[bool, ...] = False

    def __call__(self, accuracy: jax.Array, log_ratios: jax.Array) -> jax.Array:
        """Reward [...] of accuracies [...] and log_ratios [..., budgets]."""
        off = jnp.expm1(log_ratios)
        off = jnp.where(np.asarray(self.one_sided), jax.nn.relu(off), jnp.abs(off))
        return accuracy / 100 + self.beta * jnp.sum(off, axis=-1)
