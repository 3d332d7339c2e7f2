"""Strategies on a table: every seed and every budget in one jitted program."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.table_problem import TableProblem, stack_problems
from dna_jax.search.strategies import Feedback, Search, Strategy, Trials


@dataclasses.dataclass(frozen=True)
class TrialSearch:
    """A strategy that tries designs, on a table.

    Attributes:
      strategy: asks, is told, and answers.
    """

    strategy: Strategy

    def init(self, key: jax.Array, problem: TableProblem) -> Any:
        return self.strategy.init(key)

    def step(self, state: Any, key: jax.Array, problem: TableProblem) -> tuple[Any, Trials]:
        ask, train = jax.random.split(key)
        designs = self.strategy.propose(state, ask)
        log_ratios = problem.log_ratios(designs)
        trained = self.strategy.select(state, designs, log_ratios)
        accuracy = jnp.where(trained, problem.train(train, designs), 0)
        state = self.strategy.update(state, designs, Feedback(trained, accuracy, log_ratios))
        return state, Trials(
            designs=designs.astype(jnp.int8),
            trained=trained,
            queries=jnp.sum(trained, dtype=jnp.int32),
            evaluations=jnp.array(len(designs), jnp.int32),
            answer=self.strategy.answer(state).astype(jnp.int8),
        )


@functools.partial(jax.jit, static_argnames=("search", "steps"))
def _run(search: Search, problem: TableProblem, keys: jax.Array, steps: int) -> Trials:
    """Trials [budgets, seeds, steps, ...]."""

    def one(limits: jax.Array, key: jax.Array) -> Trials:
        under = dataclasses.replace(problem, limits=limits)
        first, rest = jax.random.split(key)

        def step(state: Any, number: jax.Array) -> tuple[Any, Trials]:
            return search.step(state, jax.random.fold_in(rest, number), under)

        return jax.lax.scan(step, search.init(first, under), jnp.arange(steps))[1]

    return jax.vmap(jax.vmap(one, in_axes=(None, 0)), in_axes=(0, None))(problem.limits, keys)


def ready(search: Search, table: JointTable, tasks: Sequence[Task], steps: int) -> Callable[[Sequence[int]], Trials]:
    """A search for every budget and seed, with the table where programs read it.

    Returns:
      from seeds to `Trials` of NumPy arrays [budgets, seeds, steps, ...].
    """
    problem = stack_problems([TableProblem.of(table, task) for task in tasks])

    def run(seeds: Sequence[int]) -> Trials:
        keys = jnp.stack([jax.random.key(seed) for seed in seeds])
        return jax.tree.map(np.asarray, _run(search, problem, keys, steps))

    return run
