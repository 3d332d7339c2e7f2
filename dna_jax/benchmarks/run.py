"""Strategies on a table: every seed and every budget in one jitted program."""

import dataclasses
import functools
import math
import os
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
      exact: whether it is told mean accuracies, by which it will be judged, and not those of one training.
    """

    strategy: Strategy
    exact: bool = False

    def init(self, key: jax.Array, problem: TableProblem) -> Any:
        return self.strategy.init(key)

    def step(self, state: Any, key: jax.Array, problem: TableProblem) -> tuple[Any, Trials]:
        ask, train = jax.random.split(key)
        designs = self.strategy.propose(state, ask)
        log_ratios = problem.log_ratios(designs)
        trained = self.strategy.select(state, designs, log_ratios)
        told = problem.mean_accuracy_of(designs) if self.exact else problem.train(train, designs)
        accuracy = jnp.where(trained, told, 0)
        state = self.strategy.update(state, designs, Feedback(trained, accuracy, log_ratios))
        return state, Trials(
            designs=designs.astype(jnp.int8),
            trained=trained,
            queries=jnp.sum(trained, dtype=jnp.int32),
            evaluations=jnp.array(len(designs), jnp.int32),
            answer=self.strategy.answer(state).astype(jnp.int8),
        )


def use_every_core() -> None:
    """Makes every core of a machine without an accelerator a device of its own, over which seeds are then spread.

    To be called before anything is computed. What JAX_NUM_CPU_DEVICES says is left as it is.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)


@functools.partial(jax.jit, static_argnames=("search", "steps", "devices"))
def _run(search: Search, problem: TableProblem, keys: jax.Array, steps: int, devices: int) -> Trials:
    """Trials [budgets, seeds, steps, ...], with a share of the seeds on each of so many devices."""

    def every(problem: TableProblem, keys: jax.Array) -> Trials:
        def one(limits: jax.Array, key: jax.Array) -> Trials:
            under = dataclasses.replace(problem, limits=limits)
            first, rest = jax.random.split(key)

            # All at once, for a key derived in each step takes as long there as a quarter of a small step.
            step_keys = jax.vmap(lambda number: jax.random.fold_in(rest, number))(jnp.arange(steps))

            def step(state: Any, key: jax.Array) -> tuple[Any, Trials]:
                return search.step(state, key, under)

            return jax.lax.scan(step, search.init(first, under), step_keys)[1]

        return jax.vmap(jax.vmap(one, in_axes=(None, 0)), in_axes=(0, None))(problem.limits, keys)

    auto = (jax.sharding.AxisType.Auto,)
    mesh = jax.make_mesh((devices,), ("seeds",), axis_types=auto, devices=jax.devices()[:devices])
    # Seeds have nothing to say to each other.
    whole, split = jax.P(), jax.P("seeds")
    return jax.shard_map(every, mesh=mesh, in_specs=(whole, split), out_specs=jax.P(None, "seeds"), check_vma=False)(
        problem, keys
    )


def ready(search: Search, table: JointTable, tasks: Sequence[Task], steps: int) -> Callable[[Sequence[int]], Trials]:
    """A search for every budget and seed, with the table where programs read it.

    Returns:
      from seeds to `Trials` of NumPy arrays [budgets, seeds, steps, ...]; seeds are spread over as many devices as divide
      their number.
    """
    problem = stack_problems([TableProblem.of(table, task) for task in tasks])

    def run(seeds: Sequence[int]) -> Trials:
        keys = jnp.stack([jax.random.key(seed) for seed in seeds])
        devices = math.gcd(len(seeds), jax.device_count())
        return jax.tree.map(np.asarray, _run(search, problem, keys, steps, devices))

    return run
