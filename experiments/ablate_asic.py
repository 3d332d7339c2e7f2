"""What each searched part of an ASIC pipeline is worth: searches with some parts held fixed.

python -m experiments.ablate_asic --out=FILE.json

For each of the networks of `--networks` and some drawn at random, and for each of `--goals`, pipelines within `--area_mm2`
are searched, with parts held at those of a pipeline that was made without the network at hand:
  baseline          the middle of every size, arrays as in NVDLA, groups of layers in their order shared out equally
  default network   the one found for the published operations at 8 bits, under the same budget
Schedules are the mapper's, the best for every layer, but where they are held at one for all layers. Beside them stand all
blocks at one operand width, and the best of as many random pipelines as a search prices.

No optimum is known: figures are in percent of the best found with everything free, beside a bound that is proven. First a
pipeline is searched as for published networks, from the best single chunks on. Searches with parts held begin at the better
of the pipeline that they are held at and of that one with the parts put in; the one with everything free at the best of all.
FILE.md gets the table and FILE.png the picture.
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
from dna_jax.spaces import WIDTHS, Design, Space
from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    BANDWIDTH_GBPS,
    BANDWIDTH_WEIGHT,
    LAYER_CLASSES,
    SCHEDULES,
    allocation_name,
    automatic_schedules,
    baseline_asic_pipeline,
    chunk_name,
)
from dna_jax.workload import Layer
from experiments import ablation_report, asic_flags, benchmark_output
from experiments.ablate_pipeline import at_width
from experiments.pipeline_search_cases import random_networks, stated_networks
from experiments.published_asic import Effort, compare_kinds, require_room, search_kind
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

GROUPS = ("nothing", *HELD, "everything", "mapping", "operand width", "random pipeline")
"""What is held, in the order of the table."""


def _indices(space: Space, design: Design) -> np.ndarray:
    """Options of a design, int[decisions]."""
    return np.array([decision.index(design[decision.name]) for decision in space.decisions])


def _best_of(layers: Sequence[Layer], designs: Sequence[Design], goal: Goal, area_mm2: float) -> tuple[float, Design]:
    """The least goal among designs that fit, and the design; infinite, and the first, where none fits."""
    space = chunked_space(layers)
    cost = price_designs(space, layers, np.stack([_indices(space, d) for d in designs]), objective=GOALS[goal])
    fits = (cost.area_mm2 <= area_mm2) & (cost.overflow_kib <= 0)
    values = np.where(fits, getattr(cost, goal), np.inf)
    best = int(np.argmin(values))
    return float(values[best]), designs[best]


def _search(layers: Sequence[Layer], held: Design, starts: Sequence[Design], goal: Goal, effort: Effort) -> AsicSearchResult:
    """The pipeline that a search from the best of some designs on ends with, with some values held."""
    space = chunked_space(layers).fix(held)
    _, start = _best_of(layers, [space.restrict(design | held) for design in starts], goal, effort.area_mm2)
    return search_kind(CHUNKED, space, layers, goal, effort, effort.area_mm2, start)


def _reached(found: AsicSearchResult, goal: Goal) -> float:
    """The goal of what was found; infinite where nothing was."""
    return np.inf if found.cost is None else float(getattr(found.cost, goal))


def sources_for(network: StatedNetwork, goal: Goal, effort: Effort) -> dict[str, Design]:
    """Pipelines at which parts are held, of all groups of the family of a network, by what the table calls them.

    Raises:
      UserError: if none for the default network of the family is found within the budget.
    """
    specification = network.specification()
    layers = chosen_layers(specification, specification.default_design)
    *_, pipeline = compare_kinds(f"the default network of the family {network.plan}", layers, goal, effort)
    return {"baseline": baseline_asic_pipeline(group_names(layers), CHUNKS), "default network": pipeline["design"]}


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
) -> tuple[dict[Row, float], float]:
    """The goal by what is held and at what, infinite where nothing fits; and what no pipeline undercuts.

    Args:
      network: to be run.
      sources: of `sources_for`.
      goal: what is searched for.
      effort: of every search.
    """
    layers = network.layers
    *_, pipeline = compare_kinds(network.name, layers, goal, effort)
    best: Design = pipeline["design"]
    found = {row: _search(layers, values, [whole, best], goal, effort) for row, values, whole in held_cases(layers, sources)}
    for schedule in SCHEDULES[1:]:
        row = "mapping", f"{schedule.replace('_', ' ')} schedules"
        found[row] = _search(layers, one_schedule(schedule), [best], goal, effort)
    automatic = automatic_schedules(CHUNKS)
    designs = [best, *(each.design | automatic for each in found.values() if each.design is not None)]
    free = _search(layers, {}, designs, goal, effort)
    if free.design is None:
        raise AssertionError(f"A search for {network.name} lost the design that it began with.")
    reached = {NOTHING: _reached(free, goal)} | {row: _reached(each, goal) for row, each in found.items()}
    for source, whole in sources.items():
        reached["everything", source], _ = _best_of(layers, [chunked_space(layers).restrict(whole)], goal, effort.area_mm2)
    for bits in WIDTHS:
        narrow = _search(at_width(network, bits).layers, {}, [free.design], goal, effort)
        reached["operand width", f"{bits} bits in all blocks"] = _reached(narrow, goal)
    drawn = pipeline["random"]
    reached["random pipeline", "best of as many as a search prices"] = np.inf if drawn is None else drawn
    return reached, float(getattr(free.bound, goal))


def measure(networks: Sequence[StatedNetwork], goal: Goal, effort: Effort) -> list[dict[str, Any]]:
    """Rows of the table for one goal; UserError if nothing is found for a network."""
    percent: dict[Row, list[float]] = {}
    least, bounds = [], []
    sources = {network.plan: sources_for(network, goal, effort) for network in {n.plan: n for n in networks}.values()}
    for network in networks:
        reached, bound = ablate(network, sources[network.plan], goal, effort)
        best = reached[NOTHING]
        for row, value in reached.items():
            percent.setdefault(row, []).append(100 * best / value)
        least.append(best)
        bounds.append(bound)
        print(f"{goal:<12}{network.name:<20} {best:.4g}, {100 * (best / bound - 1):.0f} % above the bound", flush=True)
    ordered = sorted(percent.items(), key=lambda item: list(GROUPS).index(item[0][0]))
    rows = [
        {"goal": goal, "held": what, "at": at, **ablation_report.summary(values), "percent": values}
        for (what, at), values in ordered
    ]
    rows[0] |= {"reached": least, "bound": bounds}
    return rows


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_string("networks", None, "JSON file of networks: a list of {name, family, ops, bits}.")
    flags.DEFINE_integer("random_networks", 4, "Networks drawn at random besides.", lower_bound=0)
    asic_flags.define()


def main() -> None:
    """Measure and report."""
    out = binary.output_file("out")
    goals, effort = asic_flags.goals(), asic_flags.effort()
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
