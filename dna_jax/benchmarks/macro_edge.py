"""The benchmark `macro_edge`: real accuracies of 6,561 networks, 50,000 accelerators, five budgets, and the exact optima.

Priced and enumerated once, and kept in the user's cache folder for as long as the code and the data it comes from stay the
same.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import zipfile
from typing import Any

import numpy as np

from dna_jax.accuracy import macro_table
from dna_jax.benchmarks.joint_table import JointTable, grid_row, macro_edge_table
from dna_jax.benchmarks.optimum import Front, Task, exact_front, make_tasks
from dna_jax.hardware import nahas_edge
from dna_jax.hardware.technology import THIRD_PARTY

WANTED_ACCURACY = (88.0, 90.0, 91.5, 92.5, 93.0)
"""Mean accuracies, percent, that set the budgets on latency."""

SLACK = 1.05
"""Budget on latency over the least at which the wanted accuracy can be reached."""


@dataclasses.dataclass(frozen=True, eq=False)
class Benchmark:
    """A joint table with its tasks and its exact front."""

    table: JointTable
    tasks: list[Task]
    front: Front


def baseline_row(table: JointTable) -> int:
    """Row of the published baseline accelerator."""
    space, baseline = table.accelerator_space, nahas_edge().baseline
    return int(grid_row(np.array([d.index(baseline[d.name]) for d in space.decisions]), space))


_MADE_BY = (
    "workload.py",
    "accuracy/macro_table.py",
    "benchmarks/joint_table.py",
    "benchmarks/macro_edge.py",
    "benchmarks/optimum.py",
    "networks/family.py",
    "networks/macro.py",
    "search/exact.py",
)
"""Files of the package, besides the rooms `hardware` and `spaces`, whose code decides what the benchmark is."""


def _digest() -> str:
    """Of all that the benchmark comes from: the code of this package, constants and accuracies."""
    package = pathlib.Path(__file__).resolve().parents[1]
    files = [path for room in ("hardware", "spaces") for path in (package / room).rglob("*.py")]
    files += [package / name for name in _MADE_BY]
    files += [path for folder in ("arithmetic", "cacti", "nas_bench_macro") for path in (THIRD_PARTY / folder).glob("*.csv")]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(package.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _cache_file() -> pathlib.Path:
    folder = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return pathlib.Path(folder) / "dna_jax" / f"macro_edge_{_digest()}.npz"


def _made() -> Benchmark:
    table = macro_edge_table(nahas_edge())
    area_mm2 = float(table.area_mm2[baseline_row(table)])
    return Benchmark(table, make_tasks(table, area_mm2, WANTED_ACCURACY, SLACK), exact_front(table))


def _read(path: pathlib.Path) -> Benchmark | None:
    """What `_write` wrote; None if there is nothing, or nothing readable: it is made again in seconds."""
    try:
        with np.load(path) as file:
            arrays = dict(file)
        networks = macro_table()
        spaces = networks.space, nahas_edge().space
        table = JointTable(*spaces, networks.accuracy, arrays["table.latency_ms"], arrays["table.area_mm2"])
        front = Front(**{field.name: arrays[f"front.{field.name}"] for field in dataclasses.fields(Front)})
        columns = [arrays[f"tasks.{field.name}"].tolist() for field in dataclasses.fields(Task)]
        return Benchmark(table, [Task(*row) for row in zip(*columns, strict=True)], front)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(benchmark: Benchmark, path: pathlib.Path) -> None:
    arrays: dict[str, Any] = {
        "table.latency_ms": benchmark.table.latency_ms,
        "table.area_mm2": benchmark.table.area_mm2,
    }
    arrays |= {f"front.{field.name}": getattr(benchmark.front, field.name) for field in dataclasses.fields(Front)}
    for field in dataclasses.fields(Task):
        arrays[f"tasks.{field.name}"] = np.array([getattr(task, field.name) for task in benchmark.tasks])
    # Several processes may write it at once; each its own file first.
    temporary = path.with_name(f"{os.getpid()}_{path.name}")
    # Where it cannot be kept it is made again, in seconds.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
        temporary.replace(path)


def macro_edge(cached: bool = True) -> Benchmark:
    """The benchmark, about ten seconds after compilation where it is not cached.

    Args:
      cached: read what an earlier call has kept.
    """
    path = _cache_file()
    benchmark = _read(path) if cached else None
    if benchmark is None:
        benchmark = _made()
        _write(benchmark, path)
    return benchmark
