"""Candidate mappings: which uses of its fan-outs and which orders of loops a template considers for every layer."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from dna_jax.workload import DIMENSIONS

Objective = Literal["latency", "energy", "edp"]


@dataclasses.dataclass(frozen=True)
class SpatialChoice:
    """One use of the fan-outs: per fan-out the dimensions laid out over it, in the order in which they fill it.

    For instance ("KG", "P", "QP"): output channels (or groups), then rows, then pixels over three fan-outs.
    """

    fanouts: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Schedule:
    """One way to cut loops in time.

    Attributes:
      growth: per level the dimensions whose tile grows there, first to last; "" at a level without loops.
      order: per level all dimensions from the innermost loop to the outermost.
      whole: per level the dimensions of which all that is left loops there, whether it fits or not; () for none anywhere.
    """

    growth: tuple[str, ...]
    order: tuple[str, ...]
    whole: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class CandidateSet:
    """The mappings that a template considers.

    Attributes:
      pairs: use of the fan-outs and schedule of each candidate.
      as_matrix_product: whether layers run as matrix products (`workload.as_matrix_product`).
      objective: what the mapper minimises: cycles, energy or the product of both.
      divisors: whether factors in space and time divide what they cut.
    """

    pairs: tuple[tuple[SpatialChoice, Schedule], ...]
    as_matrix_product: bool = False
    objective: Objective = "latency"
    divisors: bool = False

    @property
    def size(self) -> int:
        """Number of candidate mappings per layer."""
        return len(self.pairs)

    @functools.cached_property
    def order(self) -> np.ndarray:
        """Loop order of each candidate, int[candidates, V, 8]."""
        return np.array([[[DIMENSIONS.index(d) for d in level] for level in s.order] for _, s in self.pairs], np.int32)

    def fills(self, fanout: int, step: int) -> dict[int, np.ndarray]:
        """Dimensions that some candidate lays out at a step of a fan-out -> which candidates do, bool[candidates]."""
        return _by_dimension([choice.fanouts[fanout][step : step + 1] for choice, _ in self.pairs])

    def grows(self, level: int, step: int) -> dict[int, np.ndarray]:
        """Dimensions that some candidate grows at a step of a level -> which candidates do, bool[candidates]."""
        return _by_dimension([schedule.growth[level][step : step + 1] for _, schedule in self.pairs])

    def takes_whole(self, level: int) -> dict[int, np.ndarray]:
        """Dimensions that some candidate loops over whole at a level -> which candidates do, bool[candidates]."""
        named = [schedule.whole[level] if schedule.whole else "" for _, schedule in self.pairs]
        return {i: mask for i, d in enumerate(DIMENSIONS) if (mask := np.array([d in dims for dims in named])).any()}


def _by_dimension(names: list[str]) -> dict[int, np.ndarray]:
    present = np.array(names)
    return {DIMENSIONS.index(name): present == name for name in sorted(set(names)) if name}


def complete(order: str) -> str:
    """An order of all dimensions that begins with those given, sums innermost among the rest."""
    return order + "".join(d for d in "SRCQPNKG" if d not in order)


def every_combination(
    layouts: Sequence[Sequence[str]],
    growth: Sequence[tuple[int, Sequence[str]]],
    last_order: Sequence[str],
    objective: Objective = "latency",
) -> CandidateSet:
    """All combinations of layouts and schedules.

    Args:
      layouts: per fan-out the alternatives of what is laid out over it.
      growth: per group of levels, from the innermost: of how many levels it consists, and the alternatives of what their
        tiles grow along; their loops run in the same order.
      last_order: alternatives of what runs innermost in the backing store.
      objective: of the mapper.
    """
    schedules = []
    for *chosen, last in itertools.product(*(alternatives for _, alternatives in growth), last_order):
        grown = [along for (levels, _), along in zip(growth, chosen, strict=True) for _ in range(levels)]
        schedules.append(Schedule((*grown, ""), (*map(complete, grown), complete(last))))
    spatial = [SpatialChoice(choice) for choice in itertools.product(*layouts)]
    return CandidateSet(tuple(itertools.product(spatial, schedules)), objective=objective)
