"""An entry of the benchmark: a search, how many designs it tries, and where it is from."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.nsga2 import run_nsga2
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.run import run_searches, seconds_of_one
from dna_jax.search.strategies import Search, Trials


@dataclasses.dataclass(frozen=True)
class Entry:
    """A strategy of the benchmark.

    Attributes:
      source: paper, and where its settings are from.
      search: from the table and the number of designs that it tries to the search; None for NSGA-II, no JAX program.
      batch: designs that it tries in a step.
      factor: designs that it tries over those of the others, which train each of theirs.
      most: designs that it tries at most, for a search that needs no more.
      variant: whether it differs from another in one setting; such are drawn apart.
    """

    source: str
    search: Callable[[JointTable, int], Search] | None
    batch: int = 10
    factor: int = 1
    most: int | None = None
    variant: bool = False

    def designs(self, samples: int) -> int:
        """That it tries where others try so many."""
        return min(samples * self.factor, self.most or samples * self.factor)

    def steps(self, samples: int) -> int:
        """In which it tries them."""
        return max(1, math.ceil(self.designs(samples) / self.batch))

    def run(self, table: JointTable, tasks: Sequence[Task], seeds: Sequence[int], samples: int) -> Trials:
        """Trials [budgets, seeds, steps, ...]."""
        if self.search is None:
            return run_nsga2(table, tasks, seeds, self.designs(samples), self.batch)
        return run_searches(self.search(table, self.designs(samples)), table, tasks, seeds, self.steps(samples))

    def seconds(self, table: JointTable, task: Task, samples: int) -> float:
        """Of one search by itself, compiled."""
        if self.search is None:
            began = time.perf_counter()
            run_nsga2(table, [task], [0], self.designs(samples), self.batch)
            return time.perf_counter() - began
        return seconds_of_one(self.search(table, self.designs(samples)), table, task, self.steps(samples))
