"""The most likely network that meets budgets: decisions give way one by one, at the least loss of likelihood."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.search.cosearch import CoSearch
from dna_jax.spaces import Design, Point

_LEAST_LOSS = 1e-3
"""Nats that a change counts at least, so that changes of next to no loss are compared by what they gain."""

_NEAR = 0.25
"""Logarithm of the largest cost over budget from which on changes are judged one by one, before one is made."""

MISFIT = "misfit"
"""What is exceeded by a design that does not run, beside costs with a budget; its slopes are those of `SoftCost.misfit`."""

Trial = TypeVar("Trial")


@dataclasses.dataclass(frozen=True, order=True)
class Change:
    """A decision that gives way.

    Attributes:
      loss: of log likelihood, nats.
      decision, option: which, and its new option.
      gain: of the cost, as promised.
    """

    loss: float
    decision: int
    option: int
    gain: float

    def rate(self, gain: float) -> float:
        """A gain for the loss."""
        return gain / max(self.loss, _LEAST_LOSS)


def changes_by_loss(likelihood: np.ndarray, slopes: np.ndarray, chosen: np.ndarray) -> list[Change]:
    """Changes of one decision that promise to lower a cost, the one of least loss of likelihood first.

    Args:
      likelihood: log probabilities of options, [decisions, widest]; -inf where there is no option, or none may be taken.
      slopes: cost with each option, all other decisions as chosen, but for a constant, [decisions, widest].
      chosen: options, int[decisions].

    """
    rows = np.arange(len(chosen))
    gain = slopes[rows, chosen][:, None] - slopes
    helps = (gain > 0) & np.isfinite(likelihood)
    loss = likelihood[rows, chosen][:, None] - np.where(helps, likelihood, 0)
    found = zip(*np.nonzero(helps), strict=True)
    return sorted(Change(float(loss[d, o]), int(d), int(o), float(gain[d, o])) for d, o in found)


def likeliest_within(
    strategy: CoSearch,
    point: Mapping[str, jax.Array],
    judge: Callable[[Design], tuple[Trial, Design, Mapping[str, float]]],
) -> Trial | None:
    """The network of a point that meets budgets, from the most likely one on; None where none is found.

    While it does not, one decision changes, of those that the slopes of what is exceeded most promise to help. Far from the
    budgets it is the one that promises most for its loss of likelihood. Near them changes are judged in the order of their
    loss: it is the first with which all budgets are met, or if none is, the one that takes off most for its loss; so where
    one change is enough there, it is that of least loss. A decision does not come back to an option it has left, and takes
    none without probability: a point that is one-hot, as that of a multi-trial search, has its own network alone.

    Args:
      strategy: its network decisions that are free may change.
      point: of its space.
      judge: a design of the network space -> what is returned if it meets all budgets, the accelerator it gets, and what it
        exceeds, 0 or less where that is met: of costs (`SoftCost.metrics`), by name, the logarithm of cost over budget; and
        as MISFIT, where designs may not run at all, how far they are from it.
    """
    space, networks = strategy.space, strategy.network_space
    free = {decision.name for decision in networks.free}
    changeable = np.array([[decision.name in free] for decision in networks.decisions])
    rows = np.asarray(Point.of(point).rows, np.float64)[: len(networks.decisions), : networks.is_option.shape[1]]
    with np.errstate(divide="ignore"):
        likelihood = np.where(changeable & networks.is_option, np.log(rows), -np.inf)

    @functools.partial(jax.jit, static_argnames="name")
    def slopes_of(name: str, rows: jax.Array) -> jax.Array:
        def value(rows: jax.Array) -> jax.Array:
            cost = strategy.cost(Point(rows, space.sizes))
            return jnp.asarray(cost.misfit if name == MISFIT else cost.metrics[name])

        return jax.grad(value)(rows)

    network = networks.restrict(space.decode(point))
    trial, accelerator, exceeded = judge(network)
    while (excess := max(exceeded.values(), default=0.0)) > 0:
        most = max(exceeded, key=lambda name: exceeded[name])
        slopes = np.asarray(slopes_of(most, space.encode(network | accelerator).rows))
        chosen = np.array([decision.index(network[decision.name]) for decision in networks.decisions])
        changes = changes_by_loss(likelihood, slopes[: rows.shape[0], : rows.shape[1]], chosen)
        if excess > _NEAR:
            changes = sorted(changes, key=lambda change: -change.rate(change.gain))[:1]
        best: tuple[float, Change, Design, Trial, Design, Mapping[str, float]] | None = None
        for change in changes:
            decision = networks.decisions[change.decision]
            other = network | {decision.name: decision.options[change.option]}
            judged = judge(other)
            left = max(judged[2].values(), default=0.0)
            rate = change.rate(excess - left)
            if best is None or left <= 0 or rate > best[0]:
                best = rate, change, other, *judged
            if left <= 0:
                break
        if best is None:
            return None
        _, change, network, trial, accelerator, exceeded = best
        likelihood[change.decision, chosen[change.decision]] = -np.inf
    return trial
