"""Differentiable search of ASIC pipelines: rates, temperatures and descent, beside random search and a proven bound.

python -m experiments.benchmark_asic_search --out=FILE.json

For each of some networks drawn at random and each of `--goals`, pipelines within `--area_mm2` are searched from nothing
with one setting changed at a time, every start with as many designs priced; once with every other start at the best single
chunk; and as many designs are drawn at random. FILE.md gets the table: by what factor the bound, which no pipeline passes,
was not reached.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from dna_jax.hardware.asic import lower_bound
from dna_jax.networks import StatedNetwork
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import TemperatureConfig
from dna_jax.search.asic_search import search_asic_pipeline
from dna_jax.search.asic_steps import TRAVEL, AsicSearchConfig, Goal
from dna_jax.spaces import Design
from dna_jax.workload import Layer
from experiments import asic_flags, benchmark_output
from experiments.ablate_asic import TITLES
from experiments.pipeline_search_cases import random_networks
from experiments.published_asic import Effort, best_at_random, grouping, require_room, search_kind, steps_for
from experiments.published_spaces import (
    CHUNKED,
    CHUNKS,
    KINDS,
    SINGLE,
    chunked_space,
    space_of,
    starting_pipeline,
)

RATES = (0.0, 0.05, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Of learning; 0 draws from equal probabilities until it descends."""

TEMPERATURES = (0.1, 1.0, 3.0)

BASE = {"rate": None, "temperature": AsicSearchConfig().temperature, "descent": 0.5}
"""What `published_networks` searches with: learning rate (by TRAVEL), temperature, share of the steps that only descend."""

SINGLE_CHUNK, RANDOM = "half of the starts from the best single chunk", "random designs"

SETTINGS: dict[str, dict[str, Any]] = {
    f"learning rate {TRAVEL:g} over its steps, temperature 1 to 0.3, half descent": {},
    **{f"learning rate {rate:g}": {"rate": rate} for rate in RATES},
    **{f"temperature {value:g}": {"temperature": TemperatureConfig("constant", value)} for value in TEMPERATURES},
    "no descent": {"descent": 0.0},
    "nothing but descent": {"descent": 1.0},
}
"""What of the first a setting changes."""


def _config(setting: dict[str, Any], goal: Goal, effort: Effort, steps: int) -> AsicSearchConfig:
    values = BASE | setting
    # A search draws once at least.
    learning = max(1, round(steps * (1 - values["descent"])))
    return AsicSearchConfig(
        goal=goal,
        starts=effort.starts,
        steps=learning,
        descent_steps=steps - learning,
        learning_rate=values["rate"],
        temperature=values["temperature"],
    )


def best_single_chunk(layers: Sequence[Layer], goal: Goal, effort: Effort) -> Design | None:
    """A pipeline that runs all layers on the best single chunk found; None if none is."""
    found = [search_kind(kind, space_of(kind, layers), layers, goal, effort, effort.area_mm2) for kind in SINGLE]
    costs = [np.inf if each.cost is None else float(getattr(each.cost, goal)) for each in found]
    best = found[int(np.argmin(costs))].design
    return None if best is None else starting_pipeline([best], chunked_space(layers), layers, goal, effort.area_mm2)


def _row(goal: Goal, name: str, reached: Sequence[float], evaluations: int, seconds: float) -> dict[str, Any]:
    """A row from what was reached in times the bound, network by network, infinite where nothing was found."""
    row = {
        "goal": goal,
        "setting": name,
        "times_the_bound": float(np.exp(np.mean(np.log(reached)))) if np.all(np.isfinite(reached)) else None,
        "by_network": [float(value) if np.isfinite(value) else None for value in reached],
        "found": int(np.sum(np.isfinite(reached))),
        "evaluations": evaluations,
        "seconds_per_network": seconds / len(reached),
    }
    mean = "nothing found for some" if row["times_the_bound"] is None else f"{row['times_the_bound']:.2f} times the bound"
    print(f"{goal:<12}{name:<50} {mean}, {evaluations:,} designs, {row['seconds_per_network']:.1f} s a network", flush=True)
    return row


def measure(networks: Sequence[StatedNetwork], goal: Goal, effort: Effort, kind: str) -> list[dict[str, Any]]:
    """A row for each setting, for random designs, and on pipelines for starts that are given.

    Args:
      networks: to be run.
      goal: what is searched for.
      effort: of every search.
      kind: what is searched, one of KINDS.
    """
    problems, by = [], grouping(kind)
    for network in networks:
        layers = network.layers
        bound = float(getattr(lower_bound(layers, CHUNKS if kind == CHUNKED else 1, effort.area_mm2, by), goal))
        single = best_single_chunk(layers, goal, effort) if kind == CHUNKED else None
        problems.append((layers, space_of(kind, layers), single, bound))
    rows, evaluations = [], 0
    given = [(SINGLE_CHUNK, {})] if kind == CHUNKED else []
    for name, setting in [*SETTINGS.items(), *given]:
        began, reached = time.perf_counter(), []
        for layers, space, single, bound in problems:
            config = _config(setting, goal, effort, sum(steps_for(space, effort.evaluations)))
            start = single if name == SINGLE_CHUNK else None
            found = search_asic_pipeline(space, layers, effort.area_mm2, config, effort.seed, by, start=start)
            reached.append(np.inf if found.cost is None else float(getattr(found.cost, goal)) / bound)
            evaluations = found.evaluations
        rows.append(_row(goal, name, reached, evaluations, time.perf_counter() - began))
    began, reached = time.perf_counter(), []
    for layers, space, _, bound in problems:
        drawn = best_at_random(space, layers, goal, by, effort, evaluations)
        reached.append(np.inf if drawn is None else drawn / bound)
    rows.append(_row(goal, RANDOM, reached, evaluations, time.perf_counter() - began))
    return rows


def table(rows: Sequence[dict[str, Any]], goals: Sequence[Goal]) -> str:
    """Settings by goals in Markdown: geometric mean over networks in times the bound, and the least and greatest."""
    lines = [
        "| search | " + " | ".join(f"{TITLES[goal]}, factor to the bound" for goal in goals) + " |",
        "|---" * (1 + len(goals)) + "|",
    ]
    for name in dict.fromkeys(row["setting"] for row in rows):
        cells = []
        for goal in goals:
            (row,) = [row for row in rows if (row["setting"], row["goal"]) == (name, goal)]
            found = [value for value in row["by_network"] if value is not None]
            if row["times_the_bound"] is None:
                cells.append(f"found for {row['found']} of {len(row['by_network'])}")
            else:
                cells.append(f"{row['times_the_bound']:.2f} ({min(found):.2f} to {max(found):.2f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("random_networks", 2, "Networks drawn at random, for CIFAR and ImageNet in turn.", lower_bound=1)
    flags.DEFINE_enum("kind", CHUNKED, KINDS, "What is searched: pipelines of chunks, or one chunk of a style.")
    asic_flags.define()


def main() -> None:
    """Measure and report."""
    out = binary.output_file("out")
    goals, effort = asic_flags.goals(), asic_flags.effort()
    networks = random_networks(flags.FLAGS.random_networks)
    for network in networks:
        require_room(network.name, network.layers, effort.area_mm2)
    rows = [row for goal in goals for row in measure(networks, goal, effort, flags.FLAGS.kind)]
    print(table(rows, goals))
    if out:
        write_whole(out.with_suffix(".md"), table(rows, goals))
    figures = {"area_mm2": effort.area_mm2, "networks": [network.name for network in networks], "rows": rows}
    benchmark_output.write_result("experiments.benchmark_asic_search", figures)


if __name__ == "__main__":
    binary.run(main, define_flags)
