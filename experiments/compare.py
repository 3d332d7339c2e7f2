"""Joint search beside searches with one part fixed, or one part after the other, at equal steps, over several seeds.

python -m experiments.compare --config=experiments/configs/cifar10_compare.py --data_dir=DIR --workdir=DIR

All searches have the budgets of the card. With --match=SEARCH the others have, in their place, the costs that this search
reached with the same seed, so that accuracies are compared at equal cost. A search that cannot meet its budgets is left out
for that seed. Every run is a co-search run of its
own in a sub-directory of --workdir, so a comparison that was cut off goes on where it was. Writes comparison.json and
comparison.png, and prints a table.
"""

import dataclasses
import itertools
import json
import pathlib
from typing import Any

import numpy as np
import scipy.stats
from absl import flags
from ml_collections import config_flags

from dna_jax.errors import OutOfReachError, UserError
from dna_jax.runs import binary
from dna_jax.runs.config import CosearchConfig, from_mapping, to_config_dict
from dna_jax.runs.cosearch import run
from dna_jax.runs.directory import read_metrics, write_whole
from dna_jax.runs.priced_network import layers_of_summary
from dna_jax.runs.progress import say
from dna_jax.runs.put_back import configured
from dna_jax.search import Budgets, ObjectiveConfig, merit
from experiments import comparison_picture

SEARCHES: dict[str, dict[str, Any]] = {
    "joint": {},
    "network only": {"fix": "accelerator"},
    "accelerator only": {"fix": "network"},
    "network then accelerator": {"order": "network_first"},
    "accelerator then network": {"order": "accelerator_first"},
    "joint by gradient": {"search.reoptimize_every": 0, "search.objective.pressure": None},
    "joint by samples": {"search.expected_network": False},
    "joint by gradient and samples": {
        "search.reoptimize_every": 0,
        "search.objective.pressure": None,
        "search.expected_network": False,
    },
    "joint on one level": {"search.soft_widths": False, "search.level": "single"},
    "joint at 8 bits": {"search.soft_widths": False, "network.bits": 8},
    "joint by damping alone": {"search.objective.multiplier_rate": 0.0},
    "joint by multipliers alone": {"search.objective.damping": 0.0},
    "joint by hinge": {
        "search.objective.form": "hinge",
        "search.objective.multiplier_rate": ObjectiveConfig().multiplier_rate,
        "search.objective.damping": 0.0,
    },
    "joint with allocation held": {"accelerator.allocation": "searched", "accelerator.held": "allocation"},
    "joint with mapping held": {"accelerator.held": "mapping"},
    "joint with micro-architecture held": {"accelerator.held": "micro_architecture"},
    "random network": {
        "search.reoptimize_every": 0,
        "search.soft_warmup": False,
        "search.warmup_steps": 0,
        "search.steps": 1,
        "search.initial_noise": 1.0,
        "search.network.learning_rate": 0.0,
    },
}
"""Search -> what its configuration has in place of the card's, by names of fields.

What of a card a search would not read is put back: here, or by `configured` where a part is fixed or comes after the other.
By gradient, the accelerator is never set anew by exact search, which needs it searched along with the network; nothing but
the pressure of the objective then draws it to what is better than the budgets ask, and it is that of the objective's form.
By samples, a step prices the sampled network, not the expected one. On one level, weights and decisions learn from the same
batch. At 8 bits, operand widths are no choice. By damping alone the multipliers of the budgets stay at 0, by multipliers
alone they are not damped, by hinge every excess weighs the same. With a part of an FPGA pipeline held, it stays that of the
pipeline best for the average network. A random network is drawn uniformly, and decisions of it give way until it meets the
budgets with the best accelerator for it; no supernet is trained.
"""

DEFAULT_SEARCHES = ("joint", "network only", "accelerator only")

COLUMNS = {
    "accuracy": ("test accuracy (%)", 100),
    "fps": ("images/s", 1),
    "latency_ms": ("latency (us)", 1000),
    "area_mm2": ("area (mm2)", 1),
    "energy_mj": ("energy (uJ)", 1000),
    "dsp": ("DSP slices", 1),
    "bram": ("block RAMs", 1),
    "cost_over_budget": ("cost / budget", 1),
    "searched_over_budget": ("cost / budget at the end of the search", 1),
    "largest_multiplier": ("largest multiplier of a budget", 1),
    "million_macs": ("million multiply-accumulates", 1),
    "network_entropy": ("entropy of the network (1 = undecided)", 1),
    "decisions_that_gave_way": ("decisions that gave way", 1),
}
"""Figures of a run: title with unit, and what it is multiplied by. A table has those that all its runs have."""


_ROUNDING = 1e-9
"""By which a budget exceeds the cost it was taken from, so that this cost itself meets it."""


def configuration(base: CosearchConfig, name: str, seed: int, budgets: Budgets) -> CosearchConfig:
    """Of a search of the comparison; UserError where the card leaves that search an option without effect."""
    values = to_config_dict(dataclasses.replace(base, seed=seed, budgets=budgets))
    values.update_from_flattened_dict(SEARCHES[name])
    try:
        return configured(values.to_dict(), SEARCHES[name])[0]
    except UserError as error:
        raise UserError(f"The search {name!r} cannot be made from this card: {error}") from error


def figures(summary: dict[str, Any], folder: pathlib.Path, config: CosearchConfig, matched: bool) -> dict[str, Any]:
    """What is compared of one run.

    Args:
      summary: of the run.
      folder: of the run.
      config: of the run.
      matched: whether its accuracy may be compared with that of the first search and the same seed: unless costs were to
        be matched, and were not or were missed.

    Returns:
      Besides costs and standing: accuracy on the test images, the mean of the run's trainings; million_macs,
      multiply-accumulates of layers with weights, one image; network_entropy, the mean entropy of the network's decisions
      at the end of the search over that of equal options, 0 decided to 1 undecided; decisions_that_gave_way, in how many
      decisions the network found differs from the most likely one to meet budgets. Where there are budgets,
      searched_over_budget, the cost in the last step of the search over its budget, of the one exceeded most; and
      largest_multiplier, the largest that any of them had on the way.
    """
    layers = layers_of_summary(folder / "summary.json")
    search, limits = read_metrics(folder)["search"], dict(config.limits.items())
    held: dict[str, float] = {}
    if limits:
        held["searched_over_budget"] = max(search[-1][name] / limit for name, limit in limits.items())
        held["largest_multiplier"] = max(step.get(f"multiplier.{name}", 0.0) for step in search for name in limits)
    return {
        "seed": config.seed,
        "budgets": limits,
        "matched": matched,
        "accuracy": summary["accuracy"]["final"],
        **{name: value for name, value in summary["cost"].items() if name in COLUMNS},
        "cost_over_budget": float(merit(summary["cost"], config.limits)),
        **held,
        "million_macs": sum(layer.macs for layer in layers if layer.weight_bits) / 1e6,
        "network_entropy": search[-1]["network_entropy"],
        "decisions_that_gave_way": len(summary["optimality"].get("decisions_that_gave_way", ())),
        "feasible": summary["feasible"],
        "accelerator_rank": summary["optimality"]["accelerator_rank"],
        "wall_seconds": summary["wall_seconds"],
    }


def table(comparison: dict[str, Any]) -> str:
    """Mean and range over seeds of each search, in Markdown."""
    runs_of_all = [run for runs in comparison["searches"].values() for run in runs]
    columns = {name: shown for name, shown in COLUMNS.items() if all(name in run for run in runs_of_all)}
    rows = {name: runs for name, runs in comparison["searches"].items() if runs}
    lines = ["| search | " + " | ".join(title for title, _ in columns.values()) + " | feasible |"]
    lines.append("|---" * (len(columns) + 2) + "|")
    for name, runs in rows.items():
        cells = []
        for key, (_, scale) in columns.items():
            values = scale * np.array([run[key] for run in runs])
            cells.append(f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})")
        met = sum(run["feasible"] for run in runs)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {met} of {len(runs)} |")
    return "\n".join(lines)


def differences(comparison: dict[str, Any]) -> str:
    """By how much each search is more accurate than the first, of equal seeds: mean and 95 % interval of Student's t.

    Seeds are left out of which costs were to be matched and were not, or were missed.
    """
    (first, reference), *others = comparison["searches"].items()
    by_seed = {run["seed"]: run for run in reference}
    lines = []
    for name, runs in others:
        pairs = [(by_seed[run["seed"]], run) for run in runs if run["matched"] and run["seed"] in by_seed]
        if not pairs:
            lines.append(f"{name} - {first}: no seed at matched costs")
            continue
        points = 100 * np.array([b["accuracy"] - a["accuracy"] for a, b in pairs])
        interval, seeds = "", "1 seed" if len(points) == 1 else f"{len(points)} seeds"
        if len(points) > 1:
            half = scipy.stats.t.ppf(0.975, len(points) - 1) * points.std(ddof=1) / np.sqrt(len(points))
            interval = f", 95 % interval {points.mean() - half:+.2f} to {points.mean() + half:+.2f}"
        lines.append(f"{name} - {first}: {points.mean():+.2f} points of accuracy{interval} ({seeds})")
    return "\n".join(lines)


def reached(summary: dict[str, Any], budgets: Budgets) -> Budgets:
    """Budgets on the same costs, at what a run has reached, but for a last digit."""
    given = {name: summary["cost"][name] * (1 + _ROUNDING) for name, _ in budgets.items()}
    frame_ms = given.pop("frame_ms", None)
    return Budgets(**given, fps=None if frame_ms is None else 1e3 / frame_ms)


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    config_flags.DEFINE_config_file("config", None, "Run card, FILE or FILE:variant.")
    flags.DEFINE_string("workdir", None, "Directory under which every run has its own.")
    flags.DEFINE_string("data_dir", None, "Directory of prepared tensorflow-datasets sets.")
    flags.DEFINE_list("searches", list(DEFAULT_SEARCHES), f"Searches to compare, some of: {', '.join(SEARCHES)}.")
    flags.DEFINE_string("match", None, "One of the searches, whose costs become the budgets of the others.")
    flags.DEFINE_integer("seeds", 3, "Seeds of each search, from config.seed on.", lower_bound=1)


def main() -> None:
    """Run the searches with every seed."""
    base = from_mapping(CosearchConfig, binary.run_card(example="cifar10_compare.py"))
    if not flags.FLAGS.workdir:
        raise UserError("Pass --workdir=DIR, under which every run has its own directory.")
    root = pathlib.Path(flags.FLAGS.workdir).expanduser()
    if base.search.method == "multi_trial":
        raise UserError("A comparison is of searches with a supernet; of multi-trial ones use experiments.compare_shots.")
    if base.fix != "none" or base.order != "joint":
        raise UserError(
            "A comparison fixes and orders the parts itself; leave config.fix at none and config.order at joint."
        )
    searches = binary.some_of("searches", SEARCHES)
    match = flags.FLAGS.match
    if match and match not in searches:
        raise UserError(f"--match={match} must be one of --searches={','.join(searches)}.")
    if match and not base.budgets.items():
        raise UserError(
            f"The card has no budget, so that there is no cost of {match} to match; give one, or leave out --match."
        )
    configurations = {name: configuration(base, name, base.seed, base.budgets) for name in searches}
    for one, other in itertools.combinations(searches, 2):
        if configurations[one] == configurations[other]:
            raise UserError(f"With this card the searches {one!r} and {other!r} are the same; leave one out of --searches.")
    # The search to be matched comes first.
    searches = sorted(searches, key=lambda name: name != match)
    comparison: dict[str, Any] = {
        "budgets": dict(base.limits.items()),
        "matched": match,
        "search_steps": base.search.steps,
        "retrain_steps": base.retrain.training.steps,
        "searches": {name: [] for name in searches},
        "out_of_reach": {},
    }
    for seed in range(base.seed, base.seed + flags.FLAGS.seeds):
        budgets, matched = base.budgets, True
        for name in searches:
            say(f"{name}, seed {seed}")
            config = configuration(base, name, seed, budgets)
            folder = root / f"{name.replace(' ', '_')}_{seed}"
            try:
                summary = run(config, folder, flags.FLAGS.data_dir)
            except OutOfReachError as error:
                say(f"{name}, seed {seed}, is left out: {error}")
                comparison["out_of_reach"].setdefault(name, []).append({"seed": seed, "why": str(error)})
                matched = matched and name != match
                continue
            if name == match and not summary["feasible"]:
                matched = False
                say(f"{name} missed its budgets with seed {seed}, so that the others keep those of the card")
            elif name == match:
                budgets = reached(summary, base.budgets)
            comparison["searches"][name].append(
                figures(summary, folder, config, matched=matched and (not match or summary["feasible"]))
            )
    if not any(comparison["searches"].values()):
        raise UserError("None of the searches can meet the budgets; raise them.")
    write_whole(root / "comparison.json", json.dumps(comparison, indent=2) + "\n")
    comparison_picture.draw(comparison, root / "comparison.png")
    print(table(comparison))
    print(differences(comparison))


if __name__ == "__main__":
    binary.run(main, define_flags)
