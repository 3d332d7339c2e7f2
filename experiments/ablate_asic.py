"""What each searched part of an ASIC pipeline is worth: searches with some parts held fixed.

python -m experiments.ablate_asic --out=FILE.json

For each of the networks of `--networks` and some drawn at random, and for each of `--goals`, pipelines within `--area_mm2`
are searched, with parts held at those of a pipeline that was made without the network at hand:
  baseline          the middle of every size, arrays as in NVDLA, groups of layers in their order shared out equally
  default network   the one found for the published operations at 8 bits, under the same budget
Schedules are the mapper's, the best for every layer, but where they are held at one for all layers. Beside them stand all
blocks at one operand width, and the best of as many random pipelines as a search prices. What is held restricts a search, so
the one with everything free begins at the best that any of the others found. No optimum is known: figures are in percent of
what that search reaches, and stand beside a bound that is proven. FILE.md gets the table and FILE.png the picture.
"""

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.asic import group_names, price_designs
from dna_jax.networks import StatedNetwork, chosen_layers
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search.asic_search import AsicSearchResult
from dna_jax.search.asic_steps import GOALS, Goal
from dna_jax.spaces import WIDTHS, Design
from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    BANDWIDTH_GBPS,
    BANDWIDTH_WEIGHT,
    LAYER_CLASSES,
    SCHEDULES,
    allocation_name,
    baseline_asic_pipeline,
    chunk_name,
)
from dna_jax.workload import Layer
from experiments import ablation_report, benchmark_output
from experiments.ablate_pipeline import at_width
from experiments.pipeline_search_cases import random_networks, stated_networks
from experiments.published_asic import Effort, best_at_random, require_room, search_kind
from experiments.published_spaces import CHUNKED, CHUNKS, chunked_space

TITLES: dict[Goal, str] = {
    "edp": "energy-delay product of an image",
    "interval_ms": "images/s",
    "latency_ms": "latency of an image",
    "energy_mj": "energy of an image",
}
"""What is searched for, as columns are titled."""

Row = tuple[str, str]
"""What is held, and at what."""

NOTHING: Row = ("nothing", "")

_SIZES = frozenset(knob.name for knob in ARCHITECTURE_KNOBS)
_LINK = frozenset(name.rsplit(".", maxsplit=1)[-1] for name in (BANDWIDTH_GBPS.name, BANDWIDTH_WEIGHT.name))


def _is_allocation(name: str) -> bool:
    return name.startswith(allocation_name(""))


def _is_knob_of(name: str, knobs: frozenset[str]) -> bool:
    """Whether a decision is one of these knobs, of whatever chunk."""
    return name.rsplit(".", maxsplit=1)[-1] in knobs


HELD: dict[str, Callable[[str], bool]] = {
    "allocation": _is_allocation,
    "dataflow style": lambda name: _is_knob_of(name, frozenset({"style"})),
    "link to DRAM (bandwidth, shares)": lambda name: _is_knob_of(name, _LINK),
    "memories and interconnect": lambda name: _is_knob_of(name, _SIZES - {"rows", "columns"}),
    "micro-architecture (arrays, memories, interconnect)": lambda name: _is_knob_of(name, _SIZES),
    "all but allocation": lambda name: not _is_allocation(name),
}
"""What is held, by what the table calls it: which decisions these are."""


def _search(layers: Sequence[Layer], held: Design, start: Design, goal: Goal, effort: Effort) -> AsicSearchResult:
    """The pipeline that a search from a design on ends with, with some values held."""
    space = chunked_space(layers).fix(held)
    return search_kind(CHUNKED, space, layers, goal, effort, effort.area_mm2, space.restrict(start | held))


def _reached(found: AsicSearchResult, goal: Goal) -> float:
    """The goal of what was found; infinite where nothing was."""
    return np.inf if found.cost is None else float(getattr(found.cost, goal))


def _as_it_is(layers: Sequence[Layer], design: Design, goal: Goal, area_mm2: float) -> float:
    """The goal of a design; infinite where it does not fit."""
    space = chunked_space(layers)
    indices = np.array([[decision.index(design[decision.name]) for decision in space.decisions]])
    cost = price_designs(space, layers, indices, objective=GOALS[goal])
    fits = cost.area_mm2[0] <= area_mm2 and cost.overflow_kib[0] <= 0
    return float(getattr(cost, goal)[0]) if fits else np.inf


def sources_for(network: StatedNetwork, goal: Goal, effort: Effort) -> dict[str, Design]:
    """Pipelines at which parts are held, of all groups of the family of a network, by what the table calls them.

    Raises:
      UserError: if none for the default network of the family is found within the budget.
    """
    specification = network.specification()
    layers = chosen_layers(specification, specification.default_design)
    baseline = baseline_asic_pipeline(group_names(layers), CHUNKS)
    found = _search(layers, {}, baseline, goal, effort).design
    if found is None:
        raise UserError(
            f"The search found no pipeline for the default network of the family {network.plan} within "
            f"{effort.area_mm2:g} mm2; raise --area_mm2 or --evaluations."
        )
    return {"baseline": baseline, "default network": found}


def held_cases(layers: Sequence[Layer], sources: Mapping[str, Design]) -> Iterator[tuple[Row, Design, Design]]:
    """What is held and at what, the values held, and the design that has them."""
    for what, is_held in HELD.items():
        for source, design in sources.items():
            whole = chunked_space(layers).restrict(design)
            yield (what, source), {name: value for name, value in whole.items() if is_held(name)}, whole


def one_schedule(schedule: str) -> Design:
    """The schedule for all classes of layers on all chunks."""
    chunks = range(1, CHUNKS + 1)
    return {chunk_name(chunk, f"schedule.{kind}"): schedule for chunk in chunks for kind in LAYER_CLASSES}


def ablate(
    network: StatedNetwork, sources: Mapping[str, Design], goal: Goal, effort: Effort
) -> tuple[dict[Row, float], AsicSearchResult]:
    """The goal by what is held and at what, infinite where nothing fits; and the search with everything free.

    Args:
      network: to be run.
      sources: of `sources_for`.
      goal: what is searched for.
      effort: of every search.
    """
    layers = network.layers
    held = {row: _search(layers, values, whole, goal, effort) for row, values, whole in held_cases(layers, sources)}
    best = min(held.values(), key=lambda found: _reached(found, goal)).design
    free = _search(layers, {}, chunked_space(layers).restrict(best or sources["default network"]), goal, effort)
    design = free.design or chunked_space(layers).restrict(sources["default network"])
    reached = {NOTHING: _reached(free, goal)} | {row: _reached(found, goal) for row, found in held.items()}
    for source, whole in sources.items():
        reached["everything", source] = _as_it_is(layers, whole, goal, effort.area_mm2)
    for schedule in SCHEDULES[1:]:
        name = f"{schedule.replace('_', ' ')} schedules"
        reached["mapping", name] = _reached(_search(layers, one_schedule(schedule), design, goal, effort), goal)
    for bits in WIDTHS:
        narrow = _search(at_width(network, bits).layers, {}, design, goal, effort)
        reached["operand width", f"{bits} bits in all blocks"] = _reached(narrow, goal)
    drawn = best_at_random(chunked_space(layers), layers, goal, "block", effort, free.evaluations)
    reached["random pipeline", f"best of {free.evaluations:,}"] = np.inf if drawn is None else drawn
    return reached, free


def measure(networks: Sequence[StatedNetwork], goal: Goal, effort: Effort) -> list[dict[str, Any]]:
    """Rows of the table for one goal.

    Raises:
      UserError: if the search with everything free finds nothing for a network.
    """
    percent: dict[Row, list[float]] = {}
    least, bounds = [], []
    sources = {network.plan: sources_for(network, goal, effort) for network in {n.plan: n for n in networks}.values()}
    for network in networks:
        reached, free = ablate(network, sources[network.plan], goal, effort)
        best = reached[NOTHING]
        if not np.isfinite(best):
            raise UserError(
                f"The search found no pipeline for the network {network.name!r} within {effort.area_mm2:g} mm2; raise "
                "--area_mm2 or --evaluations."
            )
        for (what, at), value in reached.items():
            # How many are priced depends on how many groups of layers there are.
            row = (what, "best of as many as a search prices") if what == "random pipeline" else (what, at)
            percent.setdefault(row, []).append(100 * best / value)
        least.append(best)
        bounds.append(float(getattr(free.bound, goal)))
        print(f"{goal:<12}{network.name:<20} {best:.4g}, {100 * free.gap:.0f} % above the bound", flush=True)
    rows = [
        {"goal": goal, "held": what, "at": at, **ablation_report.summary(values), "percent": values}
        for (what, at), values in percent.items()
    ]
    rows[0] |= {"reached": least, "bound": bounds}
    return rows


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_string("networks", None, "JSON file of networks: a list of {name, family, ops, bits}.")
    flags.DEFINE_integer("random_networks", 4, "Networks drawn at random besides.", lower_bound=0)
    flags.DEFINE_list("goals", ["edp", "interval_ms"], f"What is searched for, of {', '.join(GOALS)}.")
    flags.DEFINE_float("area_mm2", 4.0, "Budget of every pipeline, link to DRAM included, 3.2 mm2 for the fastest.")
    flags.DEFINE_integer("evaluations", 3000, "Designs that each start of a search prices.", lower_bound=1)
    flags.DEFINE_integer("starts", 2, "Starts of each search; every other one begins at a given design.", lower_bound=2)
    flags.DEFINE_integer("seed", 0, "Of all draws.", lower_bound=0)
    benchmark_output.define_out_flag()


def main() -> None:
    """Measure and report."""
    out = binary.output_file("out")
    wanted = binary.some_of("goals", GOALS)
    goals: list[Goal] = [goal for goal in GOALS if goal in wanted]
    effort = Effort(flags.FLAGS.area_mm2, flags.FLAGS.evaluations, flags.FLAGS.starts, flags.FLAGS.seed)
    path = flags.FLAGS.networks
    networks = stated_networks(pathlib.Path(path).expanduser()) if path else []
    networks += random_networks(flags.FLAGS.random_networks)
    if not networks:
        raise UserError("There is no network to measure; name --networks, or raise --random_networks.")
    for network in networks:
        require_room(network.name, network.layers, effort.area_mm2)
    rows: list[dict[str, Any]] = []
    for goal in goals:
        rows += measure(networks, goal, effort)
        # What took long is kept, whatever comes next.
        figures = {"area_mm2": effort.area_mm2, "networks": [network.name for network in networks], "rows": rows}
        benchmark_output.write_result("experiments.ablate_asic", figures)
    titles = {goal: f"{TITLES[goal]}, % of the best found" for goal in goals}
    table = ablation_report.table(rows, "goal", titles)
    print(table)
    if out:
        write_whole(out.with_suffix(".md"), table)
        panels = {goal: TITLES[goal] for goal in goals}
        ablation_report.plot(rows, "goal", panels, "% of the best found with nothing held", out.with_suffix(".png"))


if __name__ == "__main__":
    binary.run(main, define_flags)
