"""Every design of a space with its costs: which are feasible, which the best, where one stands, what trades off."""

import dataclasses
import os
import pathlib
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import moocore
import numpy as np

from dna_jax.search.objectives import COSTS, Budgets, merit
from dna_jax.spaces import Design, Option, Space


@dataclasses.dataclass(frozen=True)
class Enumeration:
    """All designs of a space for one network.

    Attributes:
      indices: option indices of each design, int[D, decisions].
      costs: "latency_ms", "energy_mj", "area_mm2" -> float64[D].
      valid: whether every layer's tiles fit the memories, bool[D].
    """

    indices: np.ndarray
    costs: dict[str, np.ndarray]
    valid: np.ndarray

    def save(self, path: pathlib.Path, network: str) -> None:
        """Write the table as a compressed npz file, whole or not at all, with what names the network it was priced for."""
        temporary = path.with_name("partial_" + path.name)
        arrays: dict[str, Any] = {"indices": self.indices, "valid": self.valid, **self.costs}
        with temporary.open("wb") as file:
            np.savez_compressed(file, network=np.array(network), **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    @classmethod
    def load(cls, path: pathlib.Path, network: str) -> "Enumeration | None":
        """Read what `save` wrote for a network; None if there is nothing, or nothing readable, or another network's."""
        try:
            with np.load(path) as file:
                if str(file["network"]) != network:
                    return None
                return cls(file["indices"], {name: file[name] for name in COSTS}, file["valid"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            # It can be priced again in seconds.
            return None

    def row(self, space: Space, design: Mapping[str, Option]) -> int:
        """The row of a design; IndexError if it was not enumerated."""
        wanted = [decision.index(design[decision.name]) for decision in space.decisions]
        return int(np.flatnonzero((self.indices == wanted).all(axis=1))[0])

    def feasible(self, budgets: Budgets) -> np.ndarray:
        """Which designs are valid and meet every budget, bool[D]."""
        met = self.valid.copy()
        for name, limit in budgets.items():
            met &= self.costs[name] <= limit
        return met

    def merits(self, budgets: Budgets, by: str | None = None) -> np.ndarray:
        """What ranks the designs, float64[D], lower is better: one of the costs, or the geometric mean of cost over budget
        (`objectives.merit`)."""
        return self.costs[by] if by else np.asarray(merit(self.costs, budgets))

    def best(self, budgets: Budgets, by: str | None = None) -> int | None:
        """The row of the best feasible design, by `merits`; None where none is feasible."""
        feasible = self.feasible(budgets)
        return int(np.argmin(np.where(feasible, self.merits(budgets, by), np.inf))) if feasible.any() else None

    def front(self, names: Sequence[str] = COSTS, budgets: Budgets | None = None) -> np.ndarray:
        """The Pareto front: rows of designs than which no other is better in one cost and no worse in the others.

        Args:
          names: the costs that count.
          budgets: to be met; none by default.

        Returns:
          Rows int[F] of feasible designs, by the first of the costs; of designs with equal costs, one.
        """
        rows = np.flatnonzero(self.feasible(budgets or Budgets()))
        if not len(rows):
            return rows
        costs = np.stack([self.costs[name][rows] for name in names], axis=1)
        rows = rows[moocore.is_nondominated(costs)]
        return rows[np.argsort(self.costs[names[0]][rows], kind="stable")]


def worst_of(enumerations: Sequence[Enumeration]) -> Enumeration:
    """Several networks on the same designs: of each design the highest of every cost, so that a budget holds for all.

    Raises:
      ValueError: if the designs differ.
    """
    first = enumerations[0]
    if any(not np.array_equal(first.indices, other.indices) for other in enumerations):
        raise ValueError("The networks were priced on different designs; enumerate the same space for each.")
    costs = {name: np.max([other.costs[name] for other in enumerations], axis=0) for name in COSTS}
    return Enumeration(first.indices, costs, np.all([other.valid for other in enumerations], axis=0))


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where one design stands among all of its space.

    Attributes:
      rank: 1 + number of feasible designs with less merit; None if it is not feasible itself.
      gap: its merit over the best feasible one's, minus 1; None where no design is feasible.
      best: the best feasible design, with its costs.
      feasible: number of feasible designs.
      total: number of designs.
    """

    rank: int | None
    gap: float | None
    best: Design | None
    best_costs: dict[str, float] | None
    feasible: int
    total: int


def standing(
    enumeration: Enumeration, space: Space, budgets: Budgets, design: Mapping[str, Option], by: str | None = None
) -> Standing:
    """Rank of a design of `space` under budgets, by the merit that `Enumeration.merits` has."""
    feasible, merits = enumeration.feasible(budgets), enumeration.merits(budgets, by)
    row, best = enumeration.row(space, design), enumeration.best(budgets, by)
    total = len(merits)
    if best is None:
        return Standing(None, None, None, None, 0, total)
    # Equal designs in other words (8 x 4 PEs for 4 x 8) differ by rounding alone and share a rank.
    better = feasible & (merits < merits[row] * (1 - 1e-9))
    return Standing(
        rank=1 + int(better.sum()) if feasible[row] else None,
        gap=float(merits[row] / merits[best] - 1),
        best=space.design(enumeration.indices[best]),
        best_costs={name: float(enumeration.costs[name][best]) for name in COSTS},
        feasible=int(feasible.sum()),
        total=total,
    )


def most_likely_feasible(
    enumeration: Enumeration, space: Space, budgets: Budgets, point: Mapping[str, jax.Array]
) -> Design | None:
    """The feasible design with the highest probability under independent choices; None where none is feasible."""
    feasible = enumeration.feasible(budgets)
    if not feasible.any():
        return None
    score = np.zeros(len(enumeration.indices))
    for column, decision in enumerate(space.decisions):
        log_p = np.log(np.asarray(point[decision.name], np.float64) + 1e-30)
        score += log_p[enumeration.indices[:, column]]
    return space.design(enumeration.indices[int(np.argmax(np.where(feasible, score, -np.inf)))])
