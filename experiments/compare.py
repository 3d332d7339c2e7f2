"""Joint search beside searches with one part fixed, at equal steps and budgets, over several seeds.

python -m experiments.compare --config=experiments/configs/cifar10_compare.py --data_dir=DIR --workdir=DIR

Every run is a co-search run of its own in a sub-directory of --workdir, so a comparison that was cut off goes on where it
was. Writes comparison.json and prints a table.
"""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
from absl import flags
from ml_collections import config_flags

from dna_jax.errors import UserError
from dna_jax.runs import binary
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.cosearch import run
from dna_jax.runs.directory import write_whole
from dna_jax.runs.progress import say
from dna_jax.search import merit

SEARCHES = {"joint": "none", "network only": "accelerator", "accelerator only": "network"}
"""Search -> the part it holds fixed."""


def figures(summary: dict[str, Any], config: CosearchConfig) -> dict[str, Any]:
    """What is compared of one run."""
    return {
        "accuracy": summary["accuracy"]["final"],
        "latency_ms": summary["cost"]["latency_ms"],
        "energy_mj": summary["cost"]["energy_mj"],
        "area_mm2": summary["cost"]["area_mm2"],
        "cost_over_budget": float(merit(summary["cost"], config.budgets)),
        "feasible": summary["feasible"],
        "accelerator_rank": summary["optimality"]["accelerator_rank"],
        "wall_seconds": summary["wall_seconds"],
    }


def table(comparison: dict[str, Any]) -> str:
    """Mean and range over seeds of each search, in Markdown."""
    columns = {
        "accuracy": ("test accuracy (%)", 100),
        "latency_ms": ("latency (us)", 1000),
        "area_mm2": ("area (mm2)", 1),
        "energy_mj": ("energy (uJ)", 1000),
        "cost_over_budget": ("cost / budget", 1),
    }
    lines = ["| search | " + " | ".join(title for title, _ in columns.values()) + " | feasible |"]
    lines.append("|---" * (len(columns) + 2) + "|")
    for name, runs in comparison["searches"].items():
        cells = []
        for key, (_, scale) in columns.items():
            values = scale * np.array([run[key] for run in runs])
            cells.append(f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})")
        met = sum(run["feasible"] for run in runs)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {met} of {len(runs)} |")
    return "\n".join(lines)


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("config", None, "Run card, FILE or FILE:variant.")
    flags.DEFINE_string("workdir", None, "Directory under which every run has its own.")
    flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")
    flags.DEFINE_list("searches", list(SEARCHES), "Which searches to compare, separated by commas.")
    flags.DEFINE_integer("seeds", 3, "Seeds of each search, from config.seed on.", lower_bound=1)


def main() -> None:
    """Run the searches with every seed."""
    base = from_mapping(CosearchConfig, binary.run_card())
    if not flags.FLAGS.workdir:
        raise UserError("Pass --workdir=DIR, under which every run has its own directory.")
    root = pathlib.Path(flags.FLAGS.workdir).expanduser()
    if base.fix != "none":
        raise UserError(f"config.fix is {base.fix!r}, but a comparison fixes each part in turn; leave it at none.")
    searches = flags.FLAGS.searches
    unknown = [name for name in searches if name not in SEARCHES]
    if unknown or not searches:
        raise UserError(f"--searches={','.join(searches)} must name some of: {', '.join(SEARCHES)}.")
    comparison: dict[str, Any] = {
        "budgets": dict(base.budgets.items()),
        "search_steps": base.search.steps,
        "retrain_steps": base.retrain.training.steps,
        "searches": {name: [] for name in searches},
    }
    for seed in range(base.seed, base.seed + flags.FLAGS.seeds):
        for name in searches:
            say(f"{name}, seed {seed}")
            config = dataclasses.replace(base, seed=seed, fix=SEARCHES[name])
            summary = run(config, root / f"{name.replace(' ', '_')}_{seed}", flags.FLAGS.data_dir)
            comparison["searches"][name].append(figures(summary, config))
    write_whole(root / "comparison.json", json.dumps(comparison, indent=2) + "\n")
    print(table(comparison))


if __name__ == "__main__":
    binary.run(main, define_flags)
