"""NSGA-II (Deb et al., 2002) by pymoo, on a table: no JAX program, but one search after the other.

Accuracy and the costs are objectives; budgets are constraints.
"""

import importlib.util
import warnings
from collections.abc import Sequence

import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.optimum import Task
from dna_jax.errors import UserError
from dna_jax.search.strategies import Trials


def _tables(
    table: JointTable, task: Task, seed: int, samples: int, population: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Designs int8[samples, decisions] in the order tried, their accuracies as told, and the worst cost over limit."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    generator = np.random.default_rng(seed)
    designs, told, ratios = [], [], []

    class Tabulated(Problem):
        def __init__(self) -> None:
            sizes = [size for _, size in table.space.sizes]
            super().__init__(n_var=len(sizes), n_obj=3, n_ieq_constr=2, xl=0, xu=np.array(sizes) - 1, vtype=int)

        def _evaluate(self, x: np.ndarray, out: dict, *_: object, **__: object) -> None:
            network, accelerator = table.rows(x)
            accuracy = table.accuracy[network, generator.integers(0, table.accuracy.shape[1], len(x))]
            costs = np.stack([table.latency_of(x) / task.latency_ms, table.area_mm2[accelerator] / task.area_mm2], axis=1)
            designs.append(x.astype(np.int8))
            told.append(accuracy)
            ratios.append(costs.max(axis=1))
            out["F"] = np.column_stack([-accuracy, costs])
            out["G"] = costs - 1

    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=15, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, prob_var=1 / len(table.space.decisions), eta=20, vtype=float, repair=RoundingRepair()),
        # A design may be trained again.
        eliminate_duplicates=False,
    )
    with warnings.catch_warnings(action="ignore"):
        minimize(Tabulated(), algorithm, ("n_eval", samples), seed=seed, verbose=False)
    return np.concatenate(designs)[:samples], np.concatenate(told)[:samples], np.concatenate(ratios)[:samples]


def require_pymoo() -> None:
    """UserError if pymoo is not installed."""
    if importlib.util.find_spec("pymoo") is None:
        raise UserError("nsga2 needs pymoo, of the extra 'baselines'; install it, or leave out nsga2.")


def run_nsga2(table: JointTable, tasks: Sequence[Task], seeds: Sequence[int], generations: int, population: int) -> Trials:
    """`Trials` [budgets, seeds, generations, ...] of generations of so many designs; needs pymoo."""
    runs = []
    for task in tasks:
        for seed in seeds:
            designs, told, ratios = _tables(table, task, seed, generations * population, population)
            # As `Incumbent` has it: the most accurate within the budgets, before there is one the least excessive.
            value = np.where(ratios <= 1, told, -ratios)
            before = np.concatenate([[-np.inf], np.maximum.accumulate(value)[:-1]])
            at = np.maximum.accumulate(np.where(value > before, np.arange(len(value)), 0))
            runs.append((designs.reshape(generations, population, -1), designs[at[population - 1 :: population]]))
    shape = (len(tasks), len(seeds))
    designs = np.stack([run for run, _ in runs]).reshape(*shape, generations, population, -1)
    counts = np.full((*shape, generations), population, np.int32)
    return Trials(
        designs=designs,
        trained=np.ones(designs.shape[:-1], bool),
        queries=counts,
        evaluations=counts,
        answer=np.stack([answer for _, answer in runs]).reshape(*shape, generations, -1),
    )
