"""Two ways to search, compared figure by figure at every budget, with intervals: what a published claim is held to."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.judge import Judged
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.statistics import RESAMPLES
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


def _accuracy(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    """Of the answer, percent; of one beyond the budgets that of the worst network."""
    return setting.tasks[budget].accuracy - runs.judged.final_regret[budget]


def _searches_beyond(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return 100.0 * ~runs.judged.final_feasible[budget]


def _tried_beyond(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return 100.0 * runs.judged.tried_beyond[budget].mean(axis=-1)


def _steps_to_par(runs: Runs, other: Runs, budget: int) -> np.ndarray:
    """Of every seed the step from which on its regret is no more than the worse of both medians, or the last."""
    par = max(float(np.median(each.judged.final_regret[budget])) for each in (runs, other))
    beyond = runs.judged.regret[budget] > par + 1e-9
    steps = beyond.shape[1]
    last = np.where(beyond.any(axis=1), steps - np.argmax(beyond[:, ::-1], axis=1), 0)
    return np.minimum(last, steps - 1)


def _queries(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    steps = _steps_to_par(runs, other, budget)
    return runs.judged.queries[budget][np.arange(len(steps)), steps]


def _seconds(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return (_steps_to_par(runs, other, budget) + 1) / runs.judged.regret.shape[-1] * runs.seconds


def _trainings(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return runs.judged.queries[budget][:, -1]


def _throughput(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return 1e3 / setting.table.latency_of(runs.answers[budget])


def _energy_efficiency(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    networks, accelerators = setting.table.network_space, setting.table.accelerator_space
    split = len(networks.decisions)

    def millijoules(answer: np.ndarray) -> float:
        design = networks.design(answer[:split]) | accelerators.design(answer[split:])
        layers = chosen_layers(MacroSpecification(), networks.restrict(design))
        return float(discrete_cost(setting.template, layers, design).energy_j) * 1e3

    distinct, places = np.unique(runs.answers[budget], axis=0, return_inverse=True)
    return 1 / np.array([millijoules(answer) for answer in distinct])[places.ravel()]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a search.

    Attributes:
      title: with its unit.
      of: from the runs, those it is compared with, the budget and the setting to a value for each seed.
      kind: how two are compared: "difference" (new - old), "times" (old over new) or "share" ((new - old) / new, percent).
      more_is_better: whether a new search is better if the figure is larger.
    """

    title: str
    of: Callable[[Runs, Runs, int, Setting], np.ndarray]
    kind: str
    more_is_better: bool


FIGURES = {
    "accuracy": Figure("mean accuracy of what is returned (%)", _accuracy, "difference", True),
    "searches_beyond": Figure("searches that end beyond a budget (%)", _searches_beyond, "difference", False),
    "tried_beyond": Figure("designs tried that exceed a budget (%)", _tried_beyond, "difference", False),
    "queries": Figure("trainings to the accuracy that both reach", _queries, "times", False),
    "seconds": Figure("seconds to the accuracy that both reach", _seconds, "times", False),
    "trainings": Figure("trainings in all", _trainings, "times", False),
    "throughput": Figure("images/s of what is returned", _throughput, "share", True),
    "energy_efficiency": Figure("images per mJ of what is returned", _energy_efficiency, "share", True),
}
"""By name. "The accuracy that both reach" is the lower of the medians of both at the end; a search that does not reach it
counts with all it has spent."""


def _compared(kind: str, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Comparison of means [...]."""
    if kind == "difference":
        return new - old
    if kind == "times":
        return old / new
    return 100 * (new - old) / new


def compare(name: str, new: Runs, old: Runs, budget: int, setting: Setting) -> dict[str, Any]:
    """One figure of two ways to search at one budget.

    Returns:
      new, old: means over seeds; value: how they compare; low, high: its 95 % bootstrap interval; verdict: "better", "worse"
      or "undecided", of the new one, by whether the interval leaves out that there is no difference.
    """
    figure = FIGURES[name]
    ours, theirs = (np.asarray(figure.of(a, b, budget, setting), float) for a, b in ((new, old), (old, new)))
    generator = np.random.default_rng(0)
    means = [v[generator.integers(0, len(v), (RESAMPLES, len(v)))].mean(axis=1) for v in (ours, theirs)]
    low, high = np.quantile(_compared(figure.kind, *means), [0.025, 0.975])
    equal = 1.0 if figure.kind == "times" else 0.0
    verdict = "undecided"
    if low > equal or high < equal:
        # "times" says how many times more the old one takes.
        gains = low > equal if figure.kind == "times" or figure.more_is_better else high < equal
        verdict = "better" if gains else "worse"
    return {
        "new": float(ours.mean()),
        "old": float(theirs.mean()),
        "value": float(_compared(figure.kind, ours.mean(), theirs.mean())),
        "low": float(low),
        "high": float(high),
        "verdict": verdict,
    }
