"""What a co-exploration has found out about networks, kept in its metrics so that nothing is priced or trained twice."""

import dataclasses
from typing import Any

import numpy as np

from dna_jax.runs.coexplore_problem import CoexploreProblem
from dna_jax.runs.directory import RunDirectory, read_metrics

Indices = tuple[int, ...]
"""A network as option indices, a row of `Space.grid`."""


@dataclasses.dataclass(frozen=True)
class Price:
    """What the best pipeline for a network does; fields as in `Pipeline`."""

    images_per_second: float
    efficiency: float
    balance: float
    gops_per_board: float
    boards: int
    dsp: int


class Record:
    """Prices and accuracies by network, of earlier processes of a run and of this one.

    Attributes:
      prices: of every network priced.
      accuracies: in percent, of every network trained.
    """

    def __init__(self, problem: CoexploreProblem, directory: RunDirectory):
        self._problem, self._directory = problem, directory
        phases = read_metrics(directory.path)
        self.prices: dict[Indices, Price] = {
            tuple(line["network"]): Price(**{field.name: line[field.name] for field in dataclasses.fields(Price)})
            for line in phases.get("priced", [])
        }
        self.accuracies: dict[Indices, float] = {
            tuple(line["network"]): line["accuracy"] for line in phases.get("trained", [])
        }

    def price(self, network: Indices) -> Price:
        """Of a network, computed if need be."""
        if network not in self.prices:
            found = self._problem.pipeline(self._problem.space.design(np.array(network)))
            price = Price(
                **{f.name: getattr(found, f.name) for f in dataclasses.fields(Price) if f.name != "boards"},
                boards=len(found.stages),
            )
            self.prices[network] = price
            self._append("priced", len(self.prices), network, dataclasses.asdict(price))
        return self.prices[network]

    def accuracy(self, network: Indices) -> float:
        """In percent, of a network on the images that designs are judged on, trained if need be."""
        if network not in self.accuracies:
            problem = self._problem
            accuracy = problem.train(problem.space.design(np.array(network)), problem.config.training, *problem.parts)
            self.accuracies[network] = accuracy
            self._append("trained", len(self.accuracies), network, {"accuracy": accuracy})
        return self.accuracies[network]

    def _append(self, phase: str, count: int, network: Indices, values: dict[str, Any]) -> None:
        self._directory.append_metrics(phase, count, {"network": list(network), **values})
