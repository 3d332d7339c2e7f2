"""Searches with shared weights beside multi-trial search: what each takes, and what it finds, over several seeds.

python -m experiments.compare_shots --one_shot=experiments/configs/nahas_oneshot.py \
    --multi_trial=experiments/configs/nahas_multitrial.py --differentiable=experiments/configs/digits.py --workdir=DIR

All cards have the same data, spaces, budgets and final training, so that accuracies are of one recipe. Every run is a
co-search run of its own in a sub-directory of --workdir, so a comparison that was cut off goes on where it was. Writes
shots.json and prints a table, with the published figures beside ours: of multi-trial search, whose trainings count, over
each of the others. Ours are wall seconds of the machine at hand, of as many trainings as the card has, and, at the same
pace, of the 5,000 that NAHAS has.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags
from ml_collections import config_flags

from dna_jax.errors import UserError
from dna_jax.runs import binary
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.cosearch import run
from dna_jax.runs.directory import as_json, read_metrics, write_whole
from dna_jax.runs.progress import say
from dna_jax.search import MultiTrialConfig
from experiments import benchmark_output, markdown
from experiments.compare import differences

SHARED = ("fix", "order", "data", "network", "accelerator", "cost", "budgets", "augmentation", "retrain")
"""Parts of a configuration that all cards must have alike."""

PUBLISHED = {
    "one-shot": "32 times, TPU-days of some 5,000 trainings of 5 epochs on ImageNet (NAHAS, Zhou et al., 2021)",
    "differentiable": "up to 1234.3 times, GPU hours of reinforcement learning with its trainings (DNA, Zhang et al., 2020)",
}
"""How much longer multi-trial search takes, old / new."""

PUBLISHED_TRIALS = MultiTrialConfig().trials

METHODS = {"one-shot": "one_shot", "differentiable": "differentiable", "multi-trial": "multi_trial"}
"""Searches in the order of the table, and the `search.method` that the card of each has."""


def require_comparable(cards: Mapping[str, CosearchConfig]) -> None:
    """UserError unless each card is of its method, and all differ in how they search alone."""
    for name, card in cards.items():
        if card.search.method != METHODS[name]:
            raise UserError(
                f"--{name.replace('-', '_')} must name a card of search.method={METHODS[name]}, and this is one of "
                f"{card.search.method}; give another."
            )
    parts = {name: as_json(card) for name, card in cards.items()}
    apart = [part for part in SHARED if any(values[part] != parts["multi-trial"][part] for values in parts.values())]
    if apart:
        raise UserError(f"The cards differ in {', '.join(apart)}, so that what they find cannot be compared; make it equal.")


def figures(summary: dict[str, Any], updates: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """What is compared of one run; `matched`, for all runs have the budgets of the cards.

    Args:
      summary: of the run.
      updates: its metrics of the search, line by line.
      seed: of the run.
    """
    return {
        "seed": seed,
        "search_seconds": summary["search_seconds"],
        # With what is compiled once.
        "seconds_of_the_first_update": updates[0]["wall_seconds"],
        "updates": len(updates),
        # Of a multi-trial search: how many networks it trained, and how many trials met the budgets.
        "search": summary["search"],
        "accuracy": summary["accuracy"]["final"],
        "feasible": summary["feasible"],
        "cost": summary["cost"],
        "matched": True,
    }


def ratios(searches: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """How much longer multi-trial search takes: mean time over mean time, as it was and with the published number of trials.

    Args:
      searches: name -> `figures` of its runs, of the same seeds.

    Returns:
      trials: of multi-trial search; ratios: other search -> as it was, and at the published trials, for which updates after
      the first are taken to go on as they did; and either by seed.
    """

    def seconds(name: str, key: str) -> np.ndarray:
        return np.array([run[key] for run in searches[name]])

    first, whole = seconds("multi-trial", "seconds_of_the_first_update"), seconds("multi-trial", "search_seconds")
    run = searches["multi-trial"][0]
    trials, updates = run["search"]["trained_networks"], run["updates"]
    published = first + (whole - first) * (PUBLISHED_TRIALS / trials * updates - 1) / max(updates - 1, 1)

    def over(name: str) -> dict[str, Any]:
        other = seconds(name, "search_seconds")
        return {
            "measured": float(whole.mean() / other.mean()),
            "measured_by_seed": (whole / other).tolist(),
            "at_published_trials": float(published.mean() / other.mean()),
            "at_published_trials_by_seed": (published / other).tolist(),
        }

    return {"trials": trials, "ratios": {name: over(name) for name in searches if name != "multi-trial"}}


def _with_range(mean: float, by_seed: Sequence[float]) -> str:
    middle, least, most = map(markdown.two_digits, (mean, min(by_seed), max(by_seed)))
    return f"{middle} ({least} to {most} by seed)"


def table(searches: dict[str, list[dict[str, Any]]]) -> str:
    """Mean and range over seeds of each search, in Markdown; then the ratios of times, ours and the published ones."""
    lines = ["| search | seconds of search | test accuracy (%) | feasible |", "|---|---|---|---|"]
    for name, runs in searches.items():
        cells = []
        for key, scale, digits in (("search_seconds", 1, 0), ("accuracy", 100, 2)):
            values = scale * np.array([run[key] for run in runs])
            cells.append(f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})")
        lines.append(f"| {name} | {' | '.join(cells)} | {sum(run['feasible'] for run in runs)} of {len(runs)} |")
    found = ratios(searches)
    for name, ratio in found["ratios"].items():
        lines += [
            "",
            f"Multi-trial search takes {_with_range(ratio['measured'], ratio['measured_by_seed'])} times as long as {name} "
            f"search with {found['trials']} trials, at the same pace "
            f"{_with_range(ratio['at_published_trials'], ratio['at_published_trials_by_seed'])} times with "
            f"{PUBLISHED_TRIALS:,} (wall seconds). "
            f"Published: {PUBLISHED[name]}.",
        ]
    return "\n".join(lines)


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("one_shot", None, "Run card of the one-shot search, FILE or FILE:variant.")
    config_flags.DEFINE_config_file("multi_trial", None, "Run card of the multi-trial search, FILE or FILE:variant.")
    config_flags.DEFINE_config_file(
        "differentiable", None, "Run card of a differentiable search, FILE or FILE:variant; without one there is none."
    )
    flags.DEFINE_string("workdir", None, "Directory under which every run has its own.")
    flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")
    flags.DEFINE_integer("seeds", 3, "Seeds of each search, from those of the cards on.", lower_bound=1)


def main() -> None:
    """Run the searches with every seed."""
    wanted = [name for name in METHODS if name != "differentiable" or flags.FLAGS["differentiable"].value is not None]
    cards = {
        name: from_mapping(CosearchConfig, binary.run_card(name.replace("-", "_"), f"nahas_{name.replace('-', '')}.py"))
        for name in wanted
    }
    require_comparable(cards)
    if not flags.FLAGS.workdir:
        raise UserError("Pass --workdir=DIR, under which every run has its own directory.")
    root = pathlib.Path(flags.FLAGS.workdir).expanduser()
    searches: dict[str, list[dict[str, Any]]] = {name: [] for name in cards}
    for offset in range(flags.FLAGS.seeds):
        for name, card in cards.items():
            config = dataclasses.replace(card, seed=card.seed + offset)
            say(f"{name}, seed {config.seed}")
            folder = root / f"{name.replace('-', '_')}_{config.seed}"
            summary = run(config, folder, flags.FLAGS.data_dir)
            searches[name].append(figures(summary, read_metrics(folder)["search"], config.seed))
    result = {
        "machine": benchmark_output.machine(),
        "versions": benchmark_output.versions(),
        "searches": searches,
        **ratios(searches),
        "published": {name: PUBLISHED[name] for name in cards if name in PUBLISHED},
    }
    write_whole(root / "shots.json", json.dumps(result, indent=2) + "\n")
    print(table(searches))
    print(differences({"searches": searches}))


if __name__ == "__main__":
    binary.run(main, define_flags)
