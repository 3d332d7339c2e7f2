"""An entry of the benchmark: a search, how many designs it tries, and where it is from."""

import abc
import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Sequence

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.run import ready
from dna_jax.search.strategies import Search, Trials

Ready = Callable[[Sequence[int]], Trials]
"""A search with its table and budgets at hand: seeds -> trials [budgets, seeds, steps, ...]."""

_REPEATS, _SECONDS = 5, 1.0
"""Searches that are timed at least, and seconds that all of them take at least: the median counts."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry(abc.ABC):
    """A strategy of the benchmark.

    Attributes:
      source: paper, and where its settings are from.
      batch: designs that it tries in a step.
      factor: designs that it tries over those of the others, which train each of theirs.
      most: designs that it tries at most, for a search that needs no more.
      variant: whether it differs from another in a setting or two; such are drawn apart.
      require: raises a UserError where something that it needs is not installed.
    """

    source: str
    batch: int = 10
    factor: float = 1
    most: int | None = None
    variant: bool = False
    require: Callable[[], None] = lambda: None

    def designs(self, samples: int) -> int:
        """That it tries where others try so many."""
        wanted = max(1, round(samples * self.factor))
        return wanted if self.most is None else min(wanted, self.most)

    def steps(self, samples: int) -> int:
        """In which it tries them."""
        return max(1, math.ceil(self.designs(samples) / self.batch))

    @abc.abstractmethod
    def ready(self, table: JointTable, tasks: Sequence[Task], samples: int) -> Ready:
        """The search of a table within budgets, where others try so many designs."""

    def run(self, table: JointTable, tasks: Sequence[Task], seeds: Sequence[int], samples: int) -> Trials:
        """Trials [budgets, seeds, steps, ...]."""
        return self.ready(table, tasks, samples)(seeds)

    def seconds(self, table: JointTable, task: Task, samples: int) -> float:
        """Of one search by itself, compiled, with the table at hand; the median of several."""
        search = self.ready(table, [task], samples)
        search([0])
        seconds: list[float] = []
        while len(seconds) < _REPEATS or sum(seconds) < _SECONDS:
            began = time.perf_counter()
            search([len(seconds)])
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompiledEntry(Entry):
    """One whose searches for all budgets and seeds are one JAX program.

    Attributes:
      search: from the table and the number of designs that it tries to the search.
    """

    search: Callable[[JointTable, int], Search]

    def ready(self, table: JointTable, tasks: Sequence[Task], samples: int) -> Ready:
        return ready(self.search(table, self.designs(samples)), table, tasks, self.steps(samples))


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostEntry(Entry):
    """One that runs a search after the other, and is no JAX program.

    Attributes:
      search: from a table, budgets, seeds, steps and designs of a step to trials.
    """

    search: Callable[[JointTable, Sequence[Task], Sequence[int], int, int], Trials]

    def steps(self, samples: int) -> int:
        """Whole ones."""
        return max(1, self.designs(samples) // self.batch)

    def ready(self, table: JointTable, tasks: Sequence[Task], samples: int) -> Ready:
        return lambda seeds: self.search(table, tasks, seeds, self.steps(samples), self.batch)
