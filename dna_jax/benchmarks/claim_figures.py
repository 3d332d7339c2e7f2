"""Figures of a search by which two are compared: what published claims are about."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from dna_jax.benchmarks.figures import regret_after
from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.judge import Judged
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.statistics import lower_median
from dna_jax.hardware import Template
from dna_jax.networks import MacroSpecification, chosen_layers
from dna_jax.search import discrete_cost


@dataclasses.dataclass(frozen=True, eq=False)
class Runs:
    """What one way to search has done, at all budgets.

    Attributes:
      judged: as judged.
      answers: final designs, int[budgets, seeds, decisions].
      seconds: of one search by itself.
    """

    judged: Judged
    answers: np.ndarray
    seconds: float


@dataclasses.dataclass(frozen=True, eq=False)
class Setting:
    """What figures are taken within.

    Attributes:
      table, template: of the designs.
      tasks: budgets.
    """

    table: JointTable
    template: Template
    tasks: Sequence[Task]


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """One of two ways to search, at one budget.

    Attributes:
      own, other: its runs, and those that it is compared with.
      is_new: whether a claim is made of it, not of the other.
      budget: number of the task.
      setting: of both.
    """

    own: Runs
    other: Runs
    is_new: bool
    budget: int
    setting: Setting

    @property
    def answers(self) -> np.ndarray:
        """Final designs, int[seeds, decisions]."""
        return self.own.answers[self.budget]

    def of_feasible(self, values: np.ndarray) -> np.ndarray:
        """Values [seeds], NaN of searches that end beyond a budget."""
        return np.where(self.own.judged.final_feasible[self.budget], values, np.nan)

    def median_of(self, runs: Runs) -> float:
        """The least regret with which half of the searches or more end, infinite where more than half end beyond the
        budgets."""
        judged = runs.judged
        return float(lower_median(np.where(judged.final_feasible[self.budget], judged.final_regret[self.budget], np.inf)))

    def until(self, regret: float, counts: np.ndarray) -> np.ndarray:
        """Of every seed the count [budgets, seeds, steps] at the step from which on its answer meets the budgets with no
        more regret than that; infinite if it never does."""
        judged = self.own.judged
        beyond = (judged.regret[self.budget] > regret + 1e-9) | ~judged.feasible[self.budget]
        steps = beyond.shape[1]
        first = np.where(beyond.any(axis=1), steps - np.argmax(beyond[:, ::-1], axis=1), 0)
        reached = counts[self.budget][np.arange(len(first)), np.minimum(first, steps - 1)]
        return np.where(first < steps, reached, np.inf)

    def until_par(self, counts: np.ndarray) -> np.ndarray:
        """The same to the worse of both medians, which at least half of the searches of either side come to. Where more than
        half of those of one end beyond the budgets, to meet them is enough, and what never does counts with all that it has
        spent."""
        par = max(self.median_of(self.own), self.median_of(self.other))
        return np.minimum(self.until(par, counts), counts[self.budget][:, -1])


def _accuracy_at_equal_queries(side: Side) -> np.ndarray:
    """When it has asked for as many as the search of either side that asks for the fewest."""
    queries = min(int(runs.judged.queries[side.budget][:, -1].min()) for runs in (side.own, side.other))
    regret = regret_after(side.own.judged, side.budget, queries)
    return side.setting.tasks[side.budget].accuracy - regret


def _accuracy(side: Side) -> np.ndarray:
    """Of the answer, percent; of one beyond the budgets that of the worst network."""
    return side.setting.tasks[side.budget].accuracy - side.own.judged.final_regret[side.budget]


def _accuracy_within(side: Side) -> np.ndarray:
    return side.of_feasible(side.own.judged.accuracy[side.budget][:, -1])


def _searches_beyond(side: Side) -> np.ndarray:
    return 100.0 * ~side.own.judged.final_feasible[side.budget]


def _searches_far_beyond(side: Side) -> np.ndarray:
    return 100.0 * (side.own.judged.final_excess[side.budget] > 0.01)


def _excess(side: Side) -> np.ndarray:
    return 100.0 * side.own.judged.final_excess[side.budget]


def _tried_beyond(side: Side) -> np.ndarray:
    return 100.0 * side.own.judged.tried_beyond[side.budget].mean(axis=-1)


def _tried_beyond_late(side: Side) -> np.ndarray:
    tried = side.own.judged.tried_beyond[side.budget]
    return 100.0 * tried[:, tried.shape[1] * 3 // 4 :].mean(axis=-1)


def _queries(side: Side) -> np.ndarray:
    return side.until_par(side.own.judged.queries)


def _seconds(side: Side) -> np.ndarray:
    shape = side.own.judged.regret.shape
    return side.until_par(np.broadcast_to((1 + np.arange(shape[-1])) / shape[-1] * side.own.seconds, shape))


def _samples(side: Side) -> np.ndarray:
    counts = side.own.judged.evaluations
    return side.until(side.median_of(side.other), counts) if side.is_new else counts[side.budget][:, -1].astype(float)


def _trainings_as_accurate(side: Side) -> np.ndarray:
    counts = side.own.judged.queries
    if side.is_new:
        return side.until(side.median_of(side.other), counts)
    # What never gets there counts with all that it has spent.
    return np.minimum(side.until(side.median_of(side.own), counts), counts[side.budget][:, -1])


def _throughput(side: Side) -> np.ndarray:
    return side.of_feasible(1e3 / side.setting.table.latency_of(side.answers))


def _energy_efficiency(side: Side) -> np.ndarray:
    setting = side.setting
    networks, accelerators = setting.table.network_space, setting.table.accelerator_space
    split = len(networks.decisions)

    def efficiency(answer: np.ndarray) -> float:
        design = networks.design(answer[:split]) | accelerators.design(answer[split:])
        layers = chosen_layers(MacroSpecification(), networks.restrict(design))
        operations = 2 * sum(layer.macs for layer in layers if layer.weight_bits)
        return operations / float(discrete_cost(setting.template, layers, design).energy_j) / 1e9

    distinct, places = np.unique(side.answers, axis=0, return_inverse=True)
    return side.of_feasible(np.array([efficiency(answer) for answer in distinct])[places.ravel()])


Kind = Literal["difference", "proportion", "times", "share"]
"""How a figure of two searches is compared; see `Figure`."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a search.

    Attributes:
      title: with its unit.
      of: from a side to a value for each seed; NaN where a seed has none.
      kind: how two are compared: by means as "difference" (new - old), "proportion" (the same, of values that are 0 or 100)
        or "share" ((new - old) / new, percent), or by lower medians as "times" (old over new).
      more_is_better: whether a new search is better if the figure is larger.
    """

    title: str
    of: Callable[[Side], np.ndarray]
    kind: Kind
    more_is_better: bool


FIGURES = {
    "accuracy": Figure(
        "accuracy of what is returned (%; that of the worst network where it exceeds a budget)",
        _accuracy,
        "difference",
        True,
    ),
    "accuracy_within": Figure(
        "accuracy of what is returned, of searches that end within the budgets (%)", _accuracy_within, "difference", True
    ),
    "accuracy_at_equal_queries": Figure(
        "accuracy of what is returned after as many trainings as the search with the fewest of all makes (%; that of the "
        "worst network where it exceeds a budget)",
        _accuracy_at_equal_queries,
        "difference",
        True,
    ),
    "searches_beyond": Figure("searches that end beyond a budget (%)", _searches_beyond, "proportion", False),
    "searches_far_beyond": Figure(
        "searches that end beyond a budget by more than 1 % (%)", _searches_far_beyond, "proportion", False
    ),
    "excess": Figure("excess of what is returned over the budget that it exceeds most (%)", _excess, "difference", False),
    "tried_beyond": Figure("designs tried that exceed a budget (%)", _tried_beyond, "difference", False),
    "tried_beyond_late": Figure(
        "designs tried in the last quarter of a search that exceed a budget (%)", _tried_beyond_late, "difference", False
    ),
    "queries": Figure("trainings to the accuracy that both reach", _queries, "times", False),
    "seconds": Figure("seconds to the accuracy that both reach", _seconds, "times", False),
    "samples": Figure(
        "designs priced: by the old all, by the new until it is as accurate as half of the old ones end",
        _samples,
        "times",
        False,
    ),
    "trainings_as_accurate": Figure(
        "trainings until as accurate as half of the old ones end", _trainings_as_accurate, "times", False
    ),
    "throughput": Figure("images/s of what is returned within the budgets", _throughput, "share", True),
    "energy_efficiency": Figure("GOPS/W of what is returned within the budgets", _energy_efficiency, "share", True),
}
"""By name. "The accuracy that both reach" is the lower of the medians of both at the end."""
