"""The optima confirmed by another path: whole networks priced accelerator by accelerator, nothing tabulated or added up.

The table of the benchmark holds the price of each option of each layer. Here `enumerate_accelerators` prices whole networks,
as it does in every run of a co-search.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.optimum import Task
from dna_jax.hardware import Template
from dna_jax.networks import LayeredFamily, chosen_layers
from dna_jax.search import enumerate_accelerators


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """What brute force has found.

    Attributes:
      designs: priced.
      share: of all designs.
      largest_difference: of latency or area from the table, relative.
      exceeded: budgets within which a design is more accurate than the optimum: none if it is one.
      reached: budgets of which the optimum itself was priced and is within them.
    """

    designs: int
    share: float
    largest_difference: float
    exceeded: list[str]
    reached: list[str]


def confirm(
    table: JointTable,
    tasks: Sequence[Task],
    family: LayeredFamily,
    template: Template,
    networks: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Confirmation:
    """Price networks on all accelerators: the optima, and others drawn at random.

    Args:
      table: of all designs.
      tasks: with their optima.
      family: of the networks.
      template: of the accelerators.
      networks: how many, at least as many as there are optima.
      seed: of the draw.
      progress: told networks done, and of how many.
    """
    optima = list(dict.fromkeys(task.network for task in tasks))
    others = np.setdiff1d(np.random.default_rng(seed).permutation(len(table.accuracy))[: networks + len(optima)], optima)
    drawn = [*optima, *np.random.default_rng(seed).permutation(others)[: networks - len(optima)]]
    grid, accelerators = table.network_space.grid(), len(table.area_mm2)
    everywhere = np.arange(accelerators)
    first, second = table.halves(everywhere)
    difference, exceeded, reached = 0.0, set(), set()
    for done, network in enumerate(drawn):
        priced = enumerate_accelerators(template, chosen_layers(family, table.network_space.design(grid[network])))
        latency, area = priced.costs["latency_ms"], priced.costs["area_mm2"]
        tabulated = first[network // len(second)] + second[network % len(second)]
        difference = max(difference, np.abs(latency / tabulated - 1).max(), np.abs(area / table.area_mm2 - 1).max())
        for task in tasks:
            within = priced.valid & (latency <= task.latency_ms) & (area <= task.area_mm2)
            if within.any() and table.mean_accuracy[network] > task.accuracy:
                exceeded.add(task.name)
            if network == task.network and within[task.accelerator]:
                reached.add(task.name)
        progress(done + 1, len(drawn))
    designs = len(drawn) * accelerators
    return Confirmation(
        designs=designs,
        share=designs / (len(table.accuracy) * accelerators),
        largest_difference=float(difference),
        exceeded=sorted(exceeded),
        reached=[task.name for task in tasks if task.name in reached],
    )
