"""One-shot search beside multi-trial search: what each takes, and what it finds, over several seeds.

python -m experiments.compare_shots --one_shot=experiments/configs/nahas_oneshot.py \
    --multi_trial=experiments/configs/nahas_multitrial.py --workdir=DIR

Both cards have the same data, spaces, budgets and final training, so that accuracies are of one recipe. Every run is a
co-search run of its own in a sub-directory of --workdir, so a comparison that was cut off goes on where it was. Writes
shots.json and prints a table, with the published figure beside ours: NAHAS (Zhou et al., 2021) gives its searches in
TPU-days, 32 of multi-trial search to 1 of one-shot search. That is of some 5,000 trainings of 5 epochs on ImageNet; ours are
wall seconds of the machine at hand, of as many trainings as the card has, and, in proportion, of 5,000.
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
from dna_jax.runs.directory import as_json, write_whole
from dna_jax.runs.progress import say
from dna_jax.search import MultiTrialConfig
from experiments import benchmark_output
from experiments.compare import differences

SHARED = ("fix", "order", "data", "network", "accelerator", "cost", "budgets", "augmentation", "retrain")
"""Parts of a configuration that both cards must have alike."""

PUBLISHED_RATIO = 32.0
"""TPU-days of multi-trial search for one of one-shot search (NAHAS)."""

PUBLISHED_TRIALS = MultiTrialConfig().trials


def require_comparable(one_shot: CosearchConfig, multi_trial: CosearchConfig) -> None:
    """UserError unless the cards differ in how they search alone, and but one of them trains every network by itself."""
    if multi_trial.search.method != "multi_trial" or one_shot.search.method == "multi_trial":
        raise UserError(
            "--multi_trial must name a card of search.method=multi_trial, and --one_shot one of another method, whose "
            f"networks share weights; they are of {multi_trial.search.method} and {one_shot.search.method}."
        )
    ours, theirs = as_json(one_shot), as_json(multi_trial)
    apart = [name for name in SHARED if ours[name] != theirs[name]]
    if apart:
        raise UserError(f"The cards differ in {', '.join(apart)}, so that what they find cannot be compared; make it equal.")


def figures(summary: dict[str, Any], seed: int) -> dict[str, Any]:
    """What is compared of one run; `matched`, for all runs have the budgets of the cards."""
    return {
        "seed": seed,
        "search_seconds": summary["search_seconds"],
        "trained_networks": summary["search"].get("trained_networks"),
        "accuracy": summary["accuracy"]["final"],
        "feasible": summary["feasible"],
        "cost": summary["cost"],
        "matched": True,
    }


def ratios(searches: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """How much longer multi-trial search takes: mean time over mean time, as it was and with the published number of trials.

    Args:
      searches: "one-shot" and "multi-trial" -> `figures` of their runs.
    """
    seconds = {name: float(np.mean([run["search_seconds"] for run in runs])) for name, runs in searches.items()}
    trials = searches["multi-trial"][0]["trained_networks"]
    ratio = seconds["multi-trial"] / seconds["one-shot"]
    return {"trials": trials, "ratio": ratio, "ratio_at_published_trials": ratio * PUBLISHED_TRIALS / trials}


def table(searches: dict[str, list[dict[str, Any]]]) -> str:
    """Mean and range over seeds of each search, in Markdown; then the ratio of times, ours and the published one."""
    lines = ["| search | seconds of search | test accuracy (%) | feasible |", "|---|---|---|---|"]
    for name, runs in searches.items():
        cells = []
        for key, scale, digits in (("search_seconds", 1, 0), ("accuracy", 100, 2)):
            values = scale * np.array([run[key] for run in runs])
            cells.append(f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})")
        lines.append(f"| {name} | {' | '.join(cells)} | {sum(run['feasible'] for run in runs)} of {len(runs)} |")
    found = ratios(searches)
    lines += [
        "",
        f"Multi-trial search takes {found['ratio']:.3g} times as long as one-shot search with {found['trials']} trials, "
        f"in proportion {found['ratio_at_published_trials']:.3g} times with {PUBLISHED_TRIALS:,} (wall seconds here).",
        f"Published: {PUBLISHED_RATIO:g} times (TPU-days on ImageNet).",
    ]
    return "\n".join(lines)


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("one_shot", None, "Run card of the search with shared weights, FILE or FILE:variant.")
    config_flags.DEFINE_config_file("multi_trial", None, "Run card of the multi-trial search, FILE or FILE:variant.")
    flags.DEFINE_string("workdir", None, "Directory under which every run has its own.")
    flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")
    flags.DEFINE_integer("seeds", 3, "Seeds of each search, from those of the cards on.", lower_bound=1)


def main() -> None:
    """Run both searches with every seed."""
    one_shot, multi_trial = (from_mapping(CosearchConfig, binary.run_card(flag)) for flag in ("one_shot", "multi_trial"))
    require_comparable(one_shot, multi_trial)
    if not flags.FLAGS.workdir:
        raise UserError("Pass --workdir=DIR, under which every run has its own directory.")
    root = pathlib.Path(flags.FLAGS.workdir).expanduser()
    searches: dict[str, list[dict[str, Any]]] = {"one-shot": [], "multi-trial": []}
    for offset in range(flags.FLAGS.seeds):
        for name, card in zip(searches, (one_shot, multi_trial), strict=True):
            config = dataclasses.replace(card, seed=card.seed + offset)
            say(f"{name}, seed {config.seed}")
            folder = root / f"{name.replace('-', '_')}_{config.seed}"
            searches[name].append(figures(run(config, folder, flags.FLAGS.data_dir), config.seed))
    methods = {"one-shot": one_shot.search.method, "multi-trial": multi_trial.search.method}
    result = {
        "machine": benchmark_output.machine(),
        "versions": benchmark_output.versions(),
        "methods": methods,
        "searches": searches,
        **ratios(searches),
        "published_ratio": PUBLISHED_RATIO,
    }
    write_whole(root / "shots.json", json.dumps(result, indent=2) + "\n")
    print(table(searches))
    print(differences({"searches": searches}))


if __name__ == "__main__":
    binary.run(main, define_flags)
