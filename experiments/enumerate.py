"""Price every accelerator of a space for given networks: the best under budgets, the Pareto front, where a design stands.

python -m experiments.enumerate --network=mobilenet_v2 --area_mm2=32.8 --minimize=latency_ms --csv=front.csv --plot=space.png
"""

import csv
import dataclasses
import io
import json
import pathlib
import time
from typing import Any

from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import Template
from dna_jax.hardware.correction import rtl_correction
from dna_jax.runs import binary
from dna_jax.runs.config import TEMPLATES
from dna_jax.runs.directory import write_whole
from dna_jax.runs.plots import plot_accelerators
from dna_jax.runs.priced_network import network_layers
from dna_jax.search import Budgets, Enumeration, enumerate_accelerators, standing, worst_of
from dna_jax.search.objectives import COSTS
from dna_jax.spaces import Design

UNITS = {"latency_ms": "ms", "energy_mj": "mJ", "area_mm2": "mm2"}


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_list(
        "network",
        ["mobilenet_v2"],
        "Published networks, summary.json or model.onnx files; of several, the highest cost of each kind counts.",
    )
    flags.DEFINE_enum("template", "nahas_edge", sorted(TEMPLATES), "The space of accelerators.")
    flags.DEFINE_enum("correction", "none", ["none", "rtl"], "Correction of cycles; rtl is fitted to gemmini.")
    for name in COSTS:
        flags.DEFINE_float(name, None, f"Budget in {UNITS[name]}.")
    flags.DEFINE_enum("minimize", "mean", ["mean", *COSTS], "What ranks: a cost, or the geometric mean of cost over budget.")
    flags.DEFINE_string("design", None, "The summary.json of a run, whose accelerator is judged; default: the baseline.")
    flags.DEFINE_string("csv", None, "CSV file for the Pareto front of latency, energy and area.")
    flags.DEFINE_string("plot", None, "PNG file to draw all accelerators into.")


def _template() -> Template:
    template = TEMPLATES[flags.FLAGS.template]()
    if flags.FLAGS.correction == "none":
        return template
    if template.name != "gemmini":
        raise UserError("--correction=rtl is fitted to Gemmini; pass --template=gemmini, or leave it out.")
    return dataclasses.replace(template, correction=rtl_correction())


def _judged(template: Template) -> tuple[str, Design]:
    """Name and design of the accelerator whose rank is asked for."""
    path = flags.FLAGS.design
    if path is None:
        return "the baseline", template.baseline
    try:
        design = template.space.restrict(json.loads(pathlib.Path(path).expanduser().read_text())["accelerator"])
        template.space.encode(design)
        return path, design
    except OSError as error:
        raise UserError(f"--design={path} cannot be read ({error.strerror}).") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"--design={path} gives no accelerator of the space {template.space.name} ({error}).") from error


def _front_csv(template: Template, enumeration: Enumeration, rows: Any) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*(decision.name for decision in template.space.decisions), *COSTS])
    for row in rows:
        design = template.space.design(enumeration.indices[row])
        writer.writerow([*design.values(), *(f"{enumeration.costs[name][row]:.8g}" for name in COSTS)])
    return buffer.getvalue()


def _costs(costs: dict[str, float]) -> str:
    return ", ".join(f"{costs[name]:.5g} {UNITS[name]}" for name in COSTS)


def main() -> None:
    """Enumerate, print, write."""
    values = flags.FLAGS
    front_file, plot_file = binary.output_file("csv"), binary.output_file("plot")
    try:
        budgets = Budgets(**{name: values[name].value for name in COSTS})
    except ValueError as error:
        raise UserError(str(error)) from error
    template = _template()
    name, design = _judged(template)
    networks = {network: network_layers(network) for network in values.network}
    if not networks:
        raise UserError("Pass at least one network, as in --network=mobilenet_v2.")

    began = time.perf_counter()
    enumeration = worst_of([enumerate_accelerators(template, layers) for layers in networks.values()])
    seconds = time.perf_counter() - began
    front = enumeration.front(budgets=budgets)
    by = None if values.minimize == "mean" else values.minimize
    place = standing(enumeration, template.space, budgets, design, by)
    print(
        f"{place.total:,} accelerators of {template.space.name} for {', '.join(networks)}, "
        f"{template.candidates.size} candidate mappings per layer, {seconds:.1f} s with compilation"
    )
    print(f"feasible: {place.feasible:,}; on the Pareto front of latency, energy and area: {len(front):,}")
    if place.best is None or place.best_costs is None:
        valid = {cost: enumeration.costs[cost][enumeration.valid] for cost in COSTS}
        if not enumeration.valid.any():
            raise UserError("No accelerator of the space holds the tiles of every layer; choose a smaller network.")
        least = ", ".join(f"{valid[cost].min():.5g} {UNITS[cost]}" for cost in COSTS)
        raise UserError(f"No accelerator meets the budgets; the least of each cost is {least}.")
    print(f"best by {by or 'geometric mean of cost over budget'}: {_costs(place.best_costs)}")
    for decision, value in place.best.items():
        print(f"  {decision} = {value}")
    row = enumeration.row(template.space, design)
    judged = {cost: float(enumeration.costs[cost][row]) for cost in COSTS}
    rank = f"rank {place.rank:,}, {100 * (place.gap or 0):.1f} % above the best" if place.rank else "not feasible"
    print(f"{name}: {rank}: {_costs(judged)}")
    if front_file:
        write_whole(front_file, _front_csv(template, enumeration, front))
    if plot_file:
        marked = {"best": place.best_costs, name: judged}
        plot_accelerators(enumeration, marked, dict(budgets.items()), plot_file)


if __name__ == "__main__":
    binary.run(main, define_flags)
