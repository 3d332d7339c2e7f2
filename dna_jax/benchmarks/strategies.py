"""The strategies that the benchmark compares.

Those of papers have the settings of their papers. Those that follow gradients have settings that were chosen on this very
table, with seeds 0 to 19; `ppo_tuned` is given the same favour. Exact accuracies are means of three trainings, without the
noise that others are told of, and count as one query for each network.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Literal

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.nsga2 import run_nsga2
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.run import TrialSearch, run_searches, seconds_of_one
from dna_jax.hardware import nahas_edge
from dna_jax.search import ObjectiveConfig
from dna_jax.search.strategies import (
    SOFT,
    Absolute,
    DifferentiableConfig,
    DifferentiableSearch,
    EvolutionSearch,
    FastSlowConfig,
    FastSlowSearch,
    PhaseSearch,
    PpoConfig,
    PpoSearch,
    ReinforceConfig,
    ReinforceSearch,
    Search,
    SurrogateConfig,
    SurrogateSearch,
    Trials,
    UniformSearch,
)

SAMPLES = 5000
"""Designs that a search tries, as in NAHAS."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A strategy of the benchmark.

    Attributes:
      source: paper, and where its settings are from.
      search: from the table and the number of designs that it tries to the search; None of one that is no JAX program.
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
            return run_nsga2(table, tasks, seeds, self.designs(samples))
        return run_searches(self.search(table, self.designs(samples)), table, tasks, seeds, self.steps(samples))

    def seconds(self, table: JointTable, task: Task, samples: int) -> float:
        """Of one search by itself, compiled."""
        if self.search is None:
            began = time.perf_counter()
            run_nsga2(table, [task], [0], self.designs(samples))
            return time.perf_counter() - began
        return seconds_of_one(self.search(table, self.designs(samples)), table, task, self.steps(samples))


def _differentiable(**settings: object) -> Callable[[JointTable, int], Search]:
    config = dataclasses.replace(DifferentiableConfig(), **settings)
    return lambda table, samples: DifferentiableSearch(table.space, config)


def _reinforce(returns: Literal["best", "likeliest"]) -> Callable[[JointTable, int], Search]:
    """A design to an update, at the constant rate of NAHAS."""

    def search(table: JointTable, samples: int) -> Search:
        config = ReinforceConfig(batch=1, growth=1.0, updates=samples)
        return TrialSearch(ReinforceSearch(table.space, Absolute(one_sided=True), config, returns))

    return search


INITIAL = (1, 0, 1, 0, 0, 1, 0, 0)
"""Options of the network for which phase search looks for an accelerator: the smaller block where a stage begins, identities
elsewhere. Some accelerator runs it within four of the five budgets, and nearly within the tightest."""


def _phase_search(initial: Callable[[JointTable], tuple[int, ...]]) -> Callable[[JointTable, int], Search]:
    """Half of the samples for the accelerator, half for the network."""

    def search(table: JointTable, samples: int) -> Search:
        steps = max(1, samples // 20)
        return TrialSearch(PhaseSearch(table.network_space, table.accelerator_space, initial(table), steps))

    return search


def _small(table: JointTable) -> tuple[int, ...]:
    return INITIAL[: len(table.network_space.decisions)]


def _largest(table: JointTable) -> tuple[int, ...]:
    return tuple(len(decision.options) - 1 for decision in table.network_space.decisions)


_FAST = FastSlowConfig()
_DEFAULT = DifferentiableConfig()
_SURROGATE = SurrogateConfig()

STRATEGIES: dict[str, Entry] = {
    "random": Entry("designs drawn uniformly", lambda table, samples: TrialSearch(UniformSearch(table.space))),
    "evolution": Entry(
        "regularised evolution, Real et al., AAAI 2019: population 100, sample 25, ten children at a time",
        lambda table, samples: TrialSearch(EvolutionSearch(table.space)),
    ),
    "nsga2": Entry("NSGA-II, Deb et al. 2002, by pymoo: population 100", None, batch=100),
    "reinforce": Entry(
        "one-shot REINFORCE, NAHAS after TuNAS (Bender et al., CVPR 2020): absolute reward above "
        "the limits alone, beta -0.1, baseline 0.95, Adam 0.0048",
        _reinforce("best"),
        batch=1,
    ),
    "reinforce_likeliest": Entry(
        "the same, which returns the policy's likeliest design, as one-shot search does",
        _reinforce("likeliest"),
        batch=1,
        variant=True,
    ),
    "ppo": Entry(
        "NAHAS multi-trial, hard reward: PPO, Adam 5e-4, clip 1.0, ten trials to an update",
        lambda table, samples: TrialSearch(PpoSearch(table.space)),
    ),
    "ppo_tuned": Entry(
        "the same with ten times the learning rate, chosen on this benchmark as the settings of gradient searches were",
        lambda table, samples: TrialSearch(PpoSearch(table.space, config=PpoConfig(learning_rate=5e-3))),
        variant=True,
    ),
    "ppo_soft": Entry(
        "ppo with the soft reward", lambda table, samples: TrialSearch(PpoSearch(table.space, reward=SOFT)), variant=True
    ),
    "phases": Entry(
        "NAHAS phase search: accelerator with the soft reward, then network with the hard one", _phase_search(_small)
    ),
    "fast_slow": Entry(
        "two-level co-exploration, Jiang et al., TCAD 2020: ten fast steps to a slow one, nothing over budget "
        "is trained; four times as many designs as the others",
        lambda table, samples: TrialSearch(FastSlowSearch(table.space)),
        batch=_FAST.ppo.batch,
        # Ten in eleven are priced only.
        factor=4,
    ),
    "differentiable": Entry(
        "Gumbel-softmax, straight-through samples, Lagrangian; exact accuracy",
        _differentiable(),
        batch=_DEFAULT.samples,
        most=_DEFAULT.steps * _DEFAULT.samples,
    ),
    "differentiable_soft": Entry(
        "the same with soft samples, which mix options",
        _differentiable(hard=False, samples=1),
        batch=1,
        most=_DEFAULT.steps,
        variant=True,
    ),
    "differentiable_hinge": Entry(
        "the same as differentiable with a hinge on excess in place of multipliers",
        _differentiable(objective=ObjectiveConfig(form="hinge", hinge_weight=0.1, pressure=_DEFAULT.objective.exponent)),
        batch=_DEFAULT.samples,
        most=_DEFAULT.steps * _DEFAULT.samples,
        variant=True,
    ),
    "differentiable_weighted": Entry(
        "the same as differentiable with the logarithm of NAHAS's soft reward as objective, which trades",
        # A hinge of no weight leaves log(accuracy) and 0.07 times the logarithms of cost over limit.
        _differentiable(objective=ObjectiveConfig(form="hinge", hinge_weight=0.0, pressure=0.07)),
        batch=_DEFAULT.samples,
        most=_DEFAULT.steps * _DEFAULT.samples,
        variant=True,
    ),
    "differentiable_score": Entry(
        "the same as differentiable with sampled accuracies: score function with a baseline",
        _differentiable(accuracy="sampled", samples=10, learning_rate=0.03, baseline_decay=0.95),
    ),
    "differentiable_surrogate": Entry(
        "gradient of a surrogate fitted to the accuracies sampled",
        lambda table, samples: SurrogateSearch(table.space),
        batch=_SURROGATE.queries,
        most=500,
    ),
}
"""By name."""


def _on_baseline(table: JointTable, samples: int) -> Search:
    accelerators = table.accelerator_space
    baseline = accelerators.restrict(nahas_edge().baseline)
    return TrialSearch(PpoSearch(table.network_space | accelerators.fix(baseline)))


VARIANTS: dict[str, Entry] = STRATEGIES | {
    "ppo_on_baseline": Entry("ppo over networks alone, on the baseline accelerator of NAHAS", _on_baseline),
    "phases_double": Entry("phase search with twice the samples", _phase_search(_small), factor=2),
    "phases_largest": Entry("phase search whose initial network is the largest, over every budget", _phase_search(_largest)),
}
"""The strategies, and what only published comparisons need."""
