"""Judging searches of a table: by mean accuracies and exact costs, whatever the searches were told."""

import dataclasses
from collections.abc import Sequence

import moocore
import numpy as np

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.optimum import Front, Task
from dna_jax.search.strategies import Trials


@dataclasses.dataclass(frozen=True, eq=False)
class Judged:
    """Runs of a search, [budgets, seeds, steps] where nothing else is said.

    Attributes:
      accuracy: mean accuracy of what would be returned after each step, percent, whether or not within the budgets.
      feasible: whether that meets the budgets.
      regret: of it, to the optimum, points of accuracy; of one beyond the budgets as of the worst network.
      final_excess: [budgets, seeds], by how much what is returned in the end exceeds the budget that it exceeds most, a
        share; 0 within both.
      queries: accuracies asked so far.
      evaluations: designs priced so far.
      tried_beyond: share of the designs tried in a step that exceed a budget.
      hypervolume: [budgets, seeds], share of the exact front's hypervolume that the designs tried in a run dominate,
        of networks that were trained in it.
    """

    accuracy: np.ndarray
    feasible: np.ndarray
    regret: np.ndarray
    final_excess: np.ndarray
    queries: np.ndarray
    evaluations: np.ndarray
    tried_beyond: np.ndarray
    hypervolume: np.ndarray

    @property
    def final_regret(self) -> np.ndarray:
        """After the last step, [budgets, seeds]."""
        return self.regret[..., -1]

    @property
    def final_feasible(self) -> np.ndarray:
        """After the last step, bool[budgets, seeds]."""
        return self.feasible[..., -1]


def _worst_ratio(table: JointTable, designs: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
    """The larger of latency and area of designs [budgets, ..., decisions] over their budgets, float64[budgets, ...]."""
    _, accelerator = table.rows(designs)
    axes = (len(tasks),) + (1,) * (designs.ndim - 2)
    latency, area = (np.reshape([getattr(task, name) for task in tasks], axes) for name in ("latency_ms", "area_mm2"))
    return np.maximum(table.latency_of(designs) / latency, table.area_mm2[accelerator] / area)


def _volume(accuracy: np.ndarray, latency: np.ndarray, area: np.ndarray, task: Task, worst: float) -> float:
    """Hypervolume of designs within the budgets: accuracy above the worst network's, latency and area below the budgets."""
    within = (latency <= task.latency_ms) & (area <= task.area_mm2)
    if not within.any():
        return 0.0
    points = np.stack([-accuracy[within], latency[within] / task.latency_ms, area[within] / task.area_mm2], axis=1)
    return float(moocore.hypervolume(points, ref=[-worst, 1.0, 1.0]))


def judge(trials: Trials, table: JointTable, tasks: Sequence[Task], front: Front) -> Judged:
    """Judge `Trials` [budgets, seeds, steps, ...] of a search; without any design tried its hypervolume is 0."""
    answers = np.asarray(trials.answer, int)
    network, _ = table.rows(answers)
    accuracy, ratio = table.mean_accuracy[network], _worst_ratio(table, answers, tasks)
    feasible = ratio <= 1
    worst = float(table.mean_accuracy.min())
    optimum = np.array([task.accuracy for task in tasks])[:, None, None]
    designs, trained = np.asarray(trials.designs, int), np.asarray(trials.trained)
    beyond = _worst_ratio(table, designs, tasks) > 1

    budgets, seeds = accuracy.shape[:2]
    volume = np.zeros((budgets, seeds))
    for b, task in enumerate(tasks):
        whole = _volume(front.accuracy, front.latency_ms, front.area_mm2, task, worst)
        for s in range(seeds):
            # Many designs are tried again and again.
            tried = np.unique(designs[b, s].reshape(-1, designs.shape[-1]), axis=0)
            rows, accelerators = table.rows(tried)
            # The accuracy of a network is known on all accelerators once it has been trained.
            known = np.isin(rows, table.rows(designs[b, s][trained[b, s]])[0])
            tried, rows, accelerators = tried[known], rows[known], accelerators[known]
            found = table.mean_accuracy[rows], table.latency_of(tried), table.area_mm2[accelerators]
            volume[b, s] = _volume(*found, task, worst) / whole
    return Judged(
        accuracy=accuracy,
        feasible=feasible,
        regret=optimum - np.where(feasible, accuracy, worst),
        final_excess=np.maximum(ratio[..., -1] - 1, 0),
        queries=np.cumsum(trials.queries, axis=-1),
        evaluations=np.cumsum(trials.evaluations, axis=-1),
        tried_beyond=beyond.mean(axis=-1),
        hypervolume=volume,
    )
