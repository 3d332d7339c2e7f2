"""Search strategies on the benchmark macro_edge, against its proven optima.

python -m experiments.benchmark_search --config=experiments/configs/macro_edge.py --out=DIR

Networks of NAS-Bench-Macro with their real accuracies on the accelerators of the NAHAS edge space, 328 million designs;
budgets on area (that of the baseline) and five on latency. Each strategy runs for every budget and seed, all in one program,
with the accuracy of one of three trainings for each query; what it returns is judged by mean accuracy and exact cost. Writes
results.json, results.md, curves.json, and the pictures curves.png, variants.png (strategies that differ from another in one
setting) and final.png.
"""

import dataclasses
import json
import pathlib
import time
from typing import Any

import jax
import numpy as np
from absl import flags
from ml_collections import config_flags

from dna_jax.benchmarks import (
    STRATEGIES,
    Benchmark,
    Entry,
    Judged,
    Task,
    confirm,
    curve,
    figures,
    judge,
    macro_edge,
    strategies,
    use_every_core,
)
from dna_jax.benchmarks.statistics import difference
from dna_jax.errors import UserError
from dna_jax.hardware import nahas_edge
from dna_jax.networks import MacroSpecification
from dna_jax.runs import binary
from dna_jax.runs.config import from_mapping
from dna_jax.runs.directory import write_whole
from dna_jax.runs.progress import Progress, say
from experiments import benchmark_output, search_pictures, search_report
from experiments.search_benchmark_config import SearchBenchmarkConfig

DEFAULT = "differentiable"
"""The strategy of which promises are made."""

LIBRARY = "differentiable_library"
"""How a run searches where nothing else is said."""

DEFAULTS = (DEFAULT, LIBRARY)
"""Of which it is said whether another strategy is nearer to the optimum."""

BASELINE = "random"
"""The strategy that all others should be better than."""

CARD = pathlib.Path(__file__).with_name("configs") / "macro_edge.py"
"""Where no other card is given."""


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("config", str(CARD), "Card of the comparison, FILE or FILE:smoke.")
    flags.DEFINE_string("out", None, "Directory for results.json, results.md and pictures; tables are printed in any case.")
    flags.DEFINE_list("strategies", list(STRATEGIES), f"Strategies to compare, some of: {', '.join(STRATEGIES)}.")


def _folder() -> pathlib.Path | None:
    if not flags.FLAGS.out:
        return None
    folder = pathlib.Path(flags.FLAGS.out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"--out={folder} is a file, or lies below one; name a directory.") from None
    return folder


def _optimum(benchmark: Benchmark, task: Task) -> dict[str, Any]:
    """The best design within a budget, with its costs."""
    table = benchmark.table
    network, accelerator = table.network_space.grid()[task.network], table.accelerator_space.grid()[task.accelerator]
    design = np.concatenate([network, accelerator])
    return {
        "latency_budget_ms": task.latency_ms,
        "area_budget_mm2": task.area_mm2,
        "wanted_accuracy": task.wanted_accuracy,
        "accuracy": task.accuracy,
        "latency_ms": float(table.latency_of(design)),
        "area_mm2": float(table.area_mm2[task.accelerator]),
        "network": table.network_space.design(network),
        "accelerator": table.accelerator_space.design(accelerator),
    }


def _confirmed(benchmark: Benchmark, networks: int) -> dict[str, Any]:
    """Brute force on some networks, those of the optima among them."""
    progress = Progress("brute force", networks)
    found = confirm(
        benchmark.table,
        benchmark.tasks,
        MacroSpecification(),
        nahas_edge(),
        networks,
        seed=0,
        progress=lambda done, of: progress.update(done, {}),
    )
    progress.close()
    verdict = "confirmed" if not found.exceeded and len(found.reached) == len(benchmark.tasks) else "NOT confirmed"
    say(
        f"optima {verdict} by brute force over {found.designs:,} designs ({100 * found.share:.2f} %); largest difference "
        f"from the table {found.largest_difference:.1e}"
    )
    return dataclasses.asdict(found)


def _side_by_side_seconds(entry: Entry, benchmark: Benchmark, config: SearchBenchmarkConfig) -> float:
    """Seconds of many seeds of a strategy at one budget, compiled."""
    seconds = []
    for first in (0, config.side_by_side):
        began = time.perf_counter()
        seeds = range(first, first + config.side_by_side)
        entry.run(benchmark.table, benchmark.tasks[2:3], seeds, config.samples)
        seconds.append(time.perf_counter() - began)
    # The first call compiles.
    return seconds[1]


def main() -> None:
    """Run, judge and report."""
    folder = _folder()
    names = binary.some_of("strategies", STRATEGIES)
    config: SearchBenchmarkConfig = from_mapping(SearchBenchmarkConfig, binary.run_card())
    seeds, samples = range(config.first_seed, config.first_seed + config.seeds), config.samples
    entries = strategies(config.settings)
    for name in names:
        entries[name].require()
    began = time.perf_counter()
    benchmark = macro_edge(cached=False)
    table, tasks = benchmark.table, benchmark.tasks
    exact_seconds = time.perf_counter() - began
    budgets = [task.name for task in tasks]
    say(f"{len(benchmark.front.network):,} designs on the exact front; priced and enumerated in {exact_seconds:.1f} s")
    results: dict[str, Any] = {
        "command": benchmark_output.command("experiments.benchmark_search"),
        "machine": benchmark_output.machine(),
        "versions": benchmark_output.versions(),
        "seeds": [seeds.start, seeds.stop - 1],
        "samples": samples,
        "settings": dataclasses.asdict(config.settings),
        "exact_seconds": exact_seconds,
        "exact_front_designs": len(benchmark.front.network),
        "budgets": budgets,
        "optimum": {task.name: _optimum(benchmark, task) for task in tasks},
        "sources": {name: entries[name].source for name in names},
        "strategies": {},
    }
    if config.brute_force:
        results["brute_force"] = _confirmed(benchmark, config.brute_force)
    if config.side_by_side:
        seconds = _side_by_side_seconds(entries[DEFAULT], benchmark, config)
        results["side_by_side"] = {"strategy": DEFAULT, "seeds": config.side_by_side, "seconds": seconds}
        say(f"{config.side_by_side} seeds of {DEFAULT} at one budget: {seconds:.1f} s after compilation")
    judged: dict[str, Judged] = {}
    curves = {}
    progress = Progress("strategies", len(names))
    for done, name in enumerate(names):
        entry = entries[name]
        judged[name] = judge(entry.run(table, tasks, seeds, samples), table, tasks, benchmark.front)
        # Programs of other strategies are of no more use.
        jax.clear_caches()
        seconds = entry.seconds(table, tasks[2], samples)
        results["strategies"][name] = {b: figures(judged[name], i, seconds) for i, b in enumerate(budgets)}
        curves[name] = {b: curve(judged[name], i, tasks[i].accuracy, seconds) for i, b in enumerate(budgets)}
        median = ", ".join(f"{results['strategies'][name][b]['regret']['median']:.2f}" for b in budgets)
        progress.update(done + 1, {name: f"median regret {median} points"})
        if folder:
            # What has been measured is kept, should a later strategy fail.
            write_whole(folder / "results.json", json.dumps(results, indent=2) + "\n")
    progress.close()
    for reference in (name for name in (*DEFAULTS, BASELINE) if name in judged):
        results[f"over_{reference}"] = {
            name: {b: difference(own.final_regret[i], judged[reference].final_regret[i]) for i, b in enumerate(budgets)}
            for name, own in judged.items()
            if name != reference
        }
    text = search_report.report(results, DEFAULTS, BASELINE)
    print(text)
    if folder:
        write_whole(folder / "results.json", json.dumps(results, indent=2) + "\n")
        write_whole(folder / "results.md", text)
        write_whole(folder / "curves.json", json.dumps(search_report.rounded(curves)) + "\n")
        for picture, apart in (("curves.png", False), ("variants.png", True)):
            drawn = {name: own for name, own in curves.items() if entries[name].variant == apart or name == DEFAULT}
            search_pictures.plot_curves(drawn, results, folder / picture)
        search_pictures.plot_final(results, folder / "final.png")


if __name__ == "__main__":
    use_every_core()
    binary.run(main, define_flags)
