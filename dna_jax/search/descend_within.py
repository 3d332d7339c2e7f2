"""A network that meets budgets, from a given one on: by coordinate descent on what exceeds them most."""

from collections.abc import Callable

from dna_jax.spaces import Design, Space


def descend_within(networks: Space, start: Design, excess: Callable[[Design], float]) -> tuple[Design, float]:
    """The first network found that meets all budgets, or else one that no single decision makes better; and its excess.

    Decisions are gone through in their order, and take every option that lowers the excess, until none does.

    Args:
      networks: its free decisions may change.
      start: a network of the space.
      excess: a network -> the logarithm of its largest cost over budget: 0 or less where all are met, infinite where it has
        no price.
    """
    network, least = networks.restrict(start), excess(start)
    before = None
    while least > 0 and network != before:
        before = network
        for decision in networks.free:
            for option in networks.allowed(decision.name):
                other = network | {decision.name: option}
                if other == network:
                    continue
                found = excess(other)
                if found < least:
                    network, least = other, found
                if least <= 0:
                    return network, least
    return network, least
