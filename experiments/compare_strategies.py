"""A published comparison of search strategies, repeated where the optimum is known.

python -m experiments.compare_strategies --config=experiments/configs/claim_joint.py --out=FILE.json

Strategies run on the benchmark macro_edge (`experiments.benchmark_search`) within all five budgets; each figure of the claim
is compared with its 95 % bootstrap interval over seeds, and set beside what was published. FILE.md gets the table.
"""

import dataclasses
import pathlib
from typing import Any

import jax
import numpy as np
from ml_collections import config_flags

from dna_jax.benchmarks import FIGURES, Benchmark, Runs, Setting, comparable, compare, judge, macro_edge, use_every_core
from dna_jax.hardware import nahas_edge
from dna_jax.runs import binary
from dna_jax.runs.config import from_mapping
from dna_jax.runs.directory import write_whole
from dna_jax.runs.progress import Progress
from experiments import benchmark_output
from experiments.claim_config import ClaimConfig

_KINDS = {"difference": "new - old", "proportion": "new - old", "times": "old / new", "share": "(new - old) / new, %"}


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("config", None, "Card of a claim, FILE or FILE:smoke.")
    benchmark_output.define_out_flag()


def run_all(config: ClaimConfig, benchmark: Benchmark) -> dict[str, Runs]:
    """Every strategy of a claim, at all budgets."""
    table, tasks = benchmark.table, benchmark.tasks
    seeds = range(config.first_seed, config.first_seed + config.seeds)
    names, entries = (config.new, *config.old), comparable(config.settings)
    for name in names:
        entries[name].require()
    progress, runs = Progress("strategies", len(names)), {}
    for done, name in enumerate(names):
        trials = entries[name].run(table, tasks, seeds, config.samples)
        # Programs of other strategies are of no more use.
        jax.clear_caches()
        seconds = entries[name].seconds(table, tasks[2], config.samples)
        answers = np.asarray(trials.answer)[:, :, -1].astype(int)
        runs[name] = Runs(judge(trials, table, tasks, benchmark.front), answers, seconds)
        progress.update(done + 1, {"just done": name})
    progress.close()
    return runs


def verdict(config: ClaimConfig, compared: dict[str, dict[str, dict[str, Any]]]) -> str:
    """One sentence for each figure and old strategy: at how many budgets the claim holds."""
    said = []
    for old, figures in compared.items():
        for figure, budgets in figures.items():
            found = [row["verdict"] for row in budgets.values()]
            held, against = found.count("better"), found.count("worse")
            word = {(True, False): "held in part", (False, True): "refuted in part", (True, True): "mixed"}.get(
                (held > 0, against > 0), "not decided"
            )
            word = "reproduced" if held == len(found) else "refuted" if against == len(found) else word
            said.append(
                f"- {FIGURES[figure].title}, {config.new} against {old}: {word} ({held} of {len(found)} budgets for the "
                f"claim, {against} against it, {len(found) - held - against} not decided)\n"
            )
    return "".join(said)


def report(config: ClaimConfig, compared: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Markdown: claim, published figures, a table, verdicts."""
    lines = [f"Claim: {config.claim}\n\nPublished: {config.published}\n\n"]
    lines.append("| figure | against | budget | new | old | comparison | 95 % interval |\n|---|---|---|---|---|---|---|\n")
    for old, figures in compared.items():
        for figure, budgets in figures.items():
            kind = _KINDS[FIGURES[figure].kind]
            for budget, row in budgets.items():
                new, theirs = ("none" if row[side] is None else f"{row[side]:.4g}" for side in ("new", "old"))
                value, interval = "-", "-"
                if row["value"] is not None:
                    value, interval = f"{kind}: {row['value']:.3g}", f"{row['low']:.3g} to {row['high']:.3g}"
                lines.append(f"| {FIGURES[figure].title} | {old} | {budget} | {new} | {theirs} | {value} | {interval} |\n")
    return "".join([*lines, f"\nNew is {config.new}.\n", verdict(config, compared)])


def main() -> None:
    """Run, compare and report."""
    out = binary.output_file("out")
    config: ClaimConfig = from_mapping(ClaimConfig, binary.run_card(example="claim_joint.py"))
    benchmark = macro_edge()
    runs = run_all(config, benchmark)
    setting = Setting(benchmark.table, nahas_edge(), benchmark.tasks)
    compared = {
        old: {
            figure: {
                task.name: compare(figure, runs[config.new], runs[old], budget, setting)
                for budget, task in enumerate(benchmark.tasks)
            }
            for figure in config.figures
        }
        for old in config.old
    }
    text = report(config, compared)
    print(text)
    if out:
        write_whole(pathlib.Path(out).with_suffix(".md"), text)
    seconds = {name: run.seconds for name, run in runs.items()}
    benchmark_output.write_result(
        "experiments.compare_strategies",
        {
            "claim": config.claim,
            "published": config.published,
            "new": config.new,
            "seeds": config.seeds,
            "samples": config.samples,
            "settings": dataclasses.asdict(config.settings),
            "seconds_of_one_search": seconds,
            "compared": compared,
            "verdict": verdict(config, compared).splitlines(),
        },
    )


if __name__ == "__main__":
    use_every_core()
    binary.run(main, define_flags)
