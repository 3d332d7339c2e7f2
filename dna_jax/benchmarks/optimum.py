"""The exact optimum and the exact Pareto front of a joint table, by enumeration of all its designs."""

import dataclasses
from collections.abc import Iterator, Sequence

import moocore
import numpy as np

from dna_jax.benchmarks.joint_table import JointTable

CHUNK = 512
"""Accelerators whose latency is summed for all networks at a time: 27 MB."""


@dataclasses.dataclass(frozen=True)
class Task:
    """Budgets, and the best that can be reached within them.

    Attributes:
      wanted_accuracy: percent, by which the latency was set.
      latency_ms, area_mm2: budgets.
      accuracy: mean accuracy of the best network that some accelerator runs within the budgets, percent.
      network, accelerator: rows of the optimum; of equal accuracies the network of least latency.
    """

    wanted_accuracy: float
    latency_ms: float
    area_mm2: float
    accuracy: float
    network: int
    accelerator: int

    @property
    def name(self) -> str:
        """As results give it."""
        return f"{self.latency_ms * 1e3:.2f} us"


def _chunks(table: JointTable, accelerators: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Accelerators, and latency in ms of every network on each, [networks, accelerators]."""
    for start in range(0, len(accelerators), CHUNK):
        chunk = accelerators[start : start + CHUNK]
        first, second = table.halves(chunk)
        yield chunk, (first[:, None] + second[None]).reshape(-1, len(chunk))


def least_latency(table: JointTable, area_mm2: float) -> tuple[np.ndarray, np.ndarray]:
    """Of every network the least latency in ms on accelerators within an area, float64[networks], and their rows."""
    least = np.full(len(table.accuracy), np.inf)
    where = np.zeros(len(least), int)
    for chunk, latency in _chunks(table, np.flatnonzero(table.area_mm2 <= area_mm2)):
        best = latency.argmin(axis=1)
        found = latency[np.arange(len(least)), best]
        where = np.where(found < least, chunk[best], where)
        least = np.minimum(found, least)
    return least, where


def most_accurate(accuracy: np.ndarray, least: np.ndarray, latency_ms: float) -> int:
    """Row of the most accurate network within a latency, of equals the one of least latency; `least` of each [networks]."""
    return int(np.lexsort((least, -np.where(least <= latency_ms, accuracy, -np.inf)))[0])


def make_tasks(table: JointTable, area_mm2: float, wanted: Sequence[float], slack: float) -> list[Task]:
    """A task for each wanted accuracy: the latency budget is `slack` times the least at which it can be reached.

    Args:
      table: of all designs.
      area_mm2: budget on area.
      wanted: mean accuracies, percent.
      slack: at least 1.

    Raises:
      ValueError: if no network within the area is as accurate.
    """
    accuracy = table.mean_accuracy
    least, where = least_latency(table, area_mm2)
    tasks = []
    for wanted_accuracy in wanted:
        accurate = (accuracy >= wanted_accuracy) & np.isfinite(least)
        if not accurate.any():
            raise ValueError(f"No network within {area_mm2} mm2 has an accuracy of {wanted_accuracy} %.")
        budget = slack * float(least[accurate].min())
        best = most_accurate(accuracy, least, budget)
        tasks.append(Task(wanted_accuracy, budget, area_mm2, float(accuracy[best]), best, int(where[best])))
    return tasks


@dataclasses.dataclass(frozen=True, eq=False)
class Front:
    """Designs than which none is better in one of accuracy, latency and area, and no worse in the others; F of them.

    Attributes:
      network, accelerator: rows, int[F].
      accuracy, latency_ms, area_mm2: float64[F].
    """

    network: np.ndarray
    accelerator: np.ndarray
    accuracy: np.ndarray
    latency_ms: np.ndarray
    area_mm2: np.ndarray


def exact_front(table: JointTable) -> Front:
    """The Pareto front of all designs; of designs equal in all three, one.

    Networks are taken from the most accurate down. Over accelerators by area, the least latency so far of all networks
    taken is what a design of the next network has to beat.
    """
    by_area = np.lexsort((table.latency_ms.sum(axis=(0, 1)), table.area_mm2))
    first, second = table.halves(by_area)
    accuracy = table.mean_accuracy
    best = np.full(len(by_area), np.inf)
    networks, places, latencies = [], [], []
    for network in np.argsort(-accuracy, kind="stable"):
        latency = first[network // len(second)] + second[network % len(second)]
        # Of the same network, too, every smaller accelerator has to be beaten.
        least = np.minimum(np.minimum.accumulate(latency), best)
        better = latency < best
        better[1:] &= latency[1:] < least[:-1]
        place = np.flatnonzero(better)
        networks.append(np.full(len(place), network))
        places.append(place)
        latencies.append(latency[place])
        best = least
    network, place, latency = (np.concatenate(parts) for parts in (networks, places, latencies))
    accelerator = by_area[place]
    # Accelerators of equal area have been taken one after another.
    points = np.stack([-accuracy[network], latency, table.area_mm2[accelerator]], axis=1)
    kept = moocore.is_nondominated(points)
    network, accelerator, latency = network[kept], accelerator[kept], latency[kept]
    return Front(network, accelerator, accuracy[network], latency, table.area_mm2[accelerator])
