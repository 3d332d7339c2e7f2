"""Exact search as an entry of the benchmark: all designs are enumerated, the optimum and the front among them returned."""

from collections.abc import Sequence

import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.optimum import Task, exact_front, least_latency, most_accurate
from dna_jax.search.strategies import Trials


def run_exact(table: JointTable, tasks: Sequence[Task], seeds: Sequence[int], steps: int, batch: int) -> Trials:
    """`Trials` [budgets, seeds, 1, ...]: of all designs, each priced once, those on the front stand for what was tried.

    Seeds, steps and batch are those that every entry is given; nothing is drawn, and there is one step.
    """
    del steps, batch
    networks, accelerators = table.network_space.grid(), table.accelerator_space.grid()
    answers = []
    for task in tasks:
        least, where = least_latency(table, task.area_mm2)
        network = most_accurate(table.mean_accuracy, least, task.latency_ms)
        answers.append(np.concatenate([networks[network], accelerators[where[network]]]))
    front = exact_front(table)
    tried = np.concatenate([networks[front.network], accelerators[front.accelerator]], axis=1).astype(np.int8)
    shape = (len(tasks), len(seeds), 1)
    return Trials(
        designs=np.broadcast_to(tried, (*shape, *tried.shape)),
        trained=np.ones((*shape, len(tried)), bool),
        queries=np.full(shape, len(networks)),
        evaluations=np.full(shape, len(networks) * len(accelerators)),
        answer=np.broadcast_to(np.array(answers, np.int8)[:, None, None], (*shape, tried.shape[1])),
    )
