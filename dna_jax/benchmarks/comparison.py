"""Two ways to search, compared figure by figure at every budget, with intervals: what a published claim is held to."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.judge import Judged
from dna_jax.benchmarks.optimum import Task
from dna_jax.benchmarks.statistics import newcombe, resampled_means
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


def _tried_beyond_late(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    tried = runs.judged.tried_beyond[budget]
    return 100.0 * tried[:, tried.shape[1] // 2 :].mean(axis=-1)


def _median(judged: Judged, budget: int) -> float:
    """Final regret, infinite where half of the searches end beyond the budgets."""
    return float(np.median(np.where(judged.final_feasible[budget], judged.final_regret[budget], np.inf)))


def _steps_to(par: float, judged: Judged, budget: int) -> np.ndarray:
    """Of every seed the step from which on its answer meets the budgets with a regret of at most `par`, or the last."""
    beyond = (judged.regret[budget] > par + 1e-9) | ~judged.feasible[budget]
    steps = beyond.shape[1]
    last = np.where(beyond.any(axis=1), steps - np.argmax(beyond[:, ::-1], axis=1), 0)
    return np.minimum(last, steps - 1)


def _steps_to_par(runs: Runs, other: Runs, budget: int) -> np.ndarray:
    """To the worse of both medians. Where half of the searches of either end beyond the budgets, to meet them is enough."""
    return _steps_to(max(_median(each.judged, budget) for each in (runs, other)), runs.judged, budget)


def _queries(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    steps = _steps_to_par(runs, other, budget)
    return runs.judged.queries[budget][np.arange(len(steps)), steps]


def _seconds(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return (_steps_to_par(runs, other, budget) + 1) / runs.judged.regret.shape[-1] * runs.seconds


def _samples(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    steps = _steps_to(_median(other.judged, budget), runs.judged, budget)
    return runs.judged.evaluations[budget][np.arange(len(steps)), steps]


def _accuracy_within(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return _of_feasible(runs, budget, runs.judged.accuracy[budget][:, -1])


def _of_feasible(runs: Runs, budget: int, values: np.ndarray) -> np.ndarray:
    """Values [seeds], NaN of searches that end beyond a budget."""
    return np.where(runs.judged.final_feasible[budget], values, np.nan)


def _throughput(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    return _of_feasible(runs, budget, 1e3 / setting.table.latency_of(runs.answers[budget]))


def _energy_efficiency(runs: Runs, other: Runs, budget: int, setting: Setting) -> np.ndarray:
    networks, accelerators = setting.table.network_space, setting.table.accelerator_space
    split = len(networks.decisions)

    def efficiency(answer: np.ndarray) -> float:
        design = networks.design(answer[:split]) | accelerators.design(answer[split:])
        layers = chosen_layers(MacroSpecification(), networks.restrict(design))
        operations = 2 * sum(layer.macs for layer in layers if layer.weight_bits)
        return operations / float(discrete_cost(setting.template, layers, design).energy_j) / 1e9

    distinct, places = np.unique(runs.answers[budget], axis=0, return_inverse=True)
    return _of_feasible(runs, budget, np.array([efficiency(answer) for answer in distinct])[places.ravel()])


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a search.

    Attributes:
      title: with its unit.
      of: from the runs, those it is compared with, the budget and the setting to a value for each seed; NaN where a seed
        has none.
      kind: how two are compared: "difference" (new - old), "proportion" (the same, of values that are 0 or 100), "times"
        (old over new) or "share" ((new - old) / new, percent).
      more_is_better: whether a new search is better if the figure is larger.
    """

    title: str
    of: Callable[[Runs, Runs, int, Setting], np.ndarray]
    kind: str
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
    "searches_beyond": Figure("searches that end beyond a budget (%)", _searches_beyond, "proportion", False),
    "tried_beyond": Figure("designs tried that exceed a budget (%)", _tried_beyond, "difference", False),
    "tried_beyond_late": Figure(
        "designs tried in the second half of a search that exceed a budget (%)", _tried_beyond_late, "difference", False
    ),
    "queries": Figure("trainings to the accuracy that both reach", _queries, "times", False),
    "seconds": Figure("seconds to the accuracy that both reach", _seconds, "times", False),
    "samples": Figure(
        "designs priced until as accurate as the median of the other's ends (all that it prices where it never is)",
        _samples,
        "times",
        False,
    ),
    "throughput": Figure("images/s of what is returned within the budgets", _throughput, "share", True),
    "energy_efficiency": Figure("GOPS/W of what is returned within the budgets", _energy_efficiency, "share", True),
}
"""By name. "The accuracy that both reach" is the lower of the medians of both at the end; a search that does not reach it
counts with all it has spent."""


def _compared(kind: str, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Comparison of means [...]."""
    if kind in ("difference", "proportion"):
        return new - old
    if kind == "times":
        return old / new
    return 100 * (new - old) / new


def compare(name: str, new: Runs, old: Runs, budget: int, setting: Setting) -> dict[str, Any]:
    """One figure of two ways to search at one budget.

    Returns:
      new, old: means over seeds; value: how they compare; low, high: its 95 % bootstrap interval; verdict: "better", "worse"
      or "undecided", of the new one, by whether the interval leaves out that there is no difference. Of a side without any
      search within the budgets, figures of such searches are None.
    """
    figure = FIGURES[name]
    ours, theirs = (np.asarray(figure.of(a, b, budget, setting), float) for a, b in ((new, old), (old, new)))
    ours, theirs = ours[~np.isnan(ours)], theirs[~np.isnan(theirs)]
    if not (len(ours) and len(theirs)):
        means = {name: float(v.mean()) if len(v) else None for name, v in (("new", ours), ("old", theirs))}
        return {**means, "value": None, "low": None, "high": None, "verdict": "undecided"}
    if figure.kind == "proportion":
        low, high = (100 * bound for bound in newcombe(ours > 0, theirs > 0))
    else:
        resampled = [resampled_means(v, seed) for seed, v in enumerate((ours, theirs))]
        low, high = np.quantile(_compared(figure.kind, *resampled), [0.025, 0.975])
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
