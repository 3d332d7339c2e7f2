"""Published networks, and networks that co-search found, each on the best accelerator of every kind within one budget.

python -m experiments.published_networks --runs=DIR,DIR --out=FILE.json

  ASIC  One chunk laid out like Eyeriss, NVDLA or ShiDianNao, everything else about it searched, and a pipeline of three
        chunks, all of it and the allocation of blocks searched: within the same area, at the same number of evaluations,
        once for the energy-delay product of an image and once for images a second. These are the best chips of a style
        that the search finds, not the published chips at their published sizes, which are worse. Each is set against the
        proven lower bound of its space and against random designs, as many as all starts of its search price together.
  FPGA  The pipeline of most images a second that a board holds, proven, at each operand width, with the allocation of the
        release and with the best.
  Runs  Pairs that finished co-search runs found, beside the default network of the same run, on the baseline accelerator
        and on the best one for it. What runs of the DNA space chose in its 22 blocks is besides priced at the size of the
        published networks (224 x 224, full width), on the ASICs and FPGAs above, with the operand widths chosen. With
        --measured=FILE.json, the result of an earlier call, pairs are set beside its figures, and nothing is measured anew.

Accuracies of published networks are copied from publications; nothing is trained here, so that networks found have none at
this size. FILE.md gets the tables and FILE.png the picture.

Data: none. Hardware: 2 CPU cores. Time: 41 minutes for all published networks on a machine that does other work, too, and 5
minutes more for each run of the DNA space.
"""

import csv
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import PUBLISHED, published_layers
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import DEVICES
from dna_jax.search.asic_steps import Goal
from dna_jax.spaces import WIDTHS
from dna_jax.workload import Layer
from experiments import benchmark_output, published_picture, published_report
from experiments.found_pairs import at_imagenet_size, read_pairs
from experiments.published_asic import Effort, Row, compare_kinds, require_room
from experiments.published_fpga import prove_optima, unpriced

GOALS: tuple[Goal, ...] = ("edp", "interval_ms")

Networks = Mapping[str, Sequence[Layer]]
"""Name -> layers; all names but those of PUBLISHED are of networks found."""

MEASURES = ("networks", "goals", "area_mm2", "evaluations", "starts", "seed", "devices", "widths")
"""Flags of what is measured."""

BOARDS = ("zc706", "zcu102", "ultra96")
"""FPGA boards, keys of DEVICES, unless flags name others."""


def published_accuracies() -> dict[str, float]:
    """Published ImageNet top-1 accuracy of each of PUBLISHED, %; sources stand beside them in the file."""
    with (THIRD_PARTY / "reference_networks" / "imagenet_top1.csv").open() as file:
        return {row["network"]: float(row["top1_percent"]) for row in csv.DictReader(file)}


def describe(networks: Networks) -> list[Row]:
    """Each network: accuracy as published (None for those found), multiply-accumulates, and what FPGAs do not price."""
    accuracies, rows = published_accuracies(), []
    for name, layers in networks.items():
        macs = sum(layer.macs for layer in layers if layer.weight_bits)
        rows.append(
            {
                "network": name,
                "published_top1_percent": accuracies[name] if name in PUBLISHED else None,
                "million_macs": macs / 1e6,
                "unpriced_on_fpga": unpriced(layers),
            }
        )
    return rows


def measure_asic(networks: Networks, goals: Sequence[Goal], effort: Effort) -> list[Row]:
    """Rows of `compare_kinds` of every goal and network."""
    rows = []
    for goal in goals:
        for name, layers in networks.items():
            for row in compare_kinds(name, layers, goal, effort):
                rows.append(row)
                print(
                    f"asic  {goal:<12}{name:<20}{row['kind']:<16}{row['fps']:8.1f} images/s  {row['energy_mj']:7.3f} mJ  "
                    f"{row['edp']:9.3f} mJ ms  {row['area_mm2']:.2f} mm2  {row['gap_percent']:.0f} % above the bound  "
                    f"{row['seconds']:.0f} s",
                    flush=True,
                )
    return rows


def measure_fpga(networks: Networks, devices: Sequence[str], widths: Sequence[int]) -> list[Row]:
    """Rows of `prove_optima` of every board, network and width; networks found have the widths that they were found with."""
    rows = []
    for device in devices:
        for name, layers in networks.items():
            for bits in widths if name in PUBLISHED else [None]:
                for row in prove_optima(name, layers, device, bits):
                    rows.append(row)
                    what = "nothing fits" if row["fps"] is None else f"{row['fps']:8.2f} images/s"
                    width = published_report.width_title(bits)
                    print(f"fpga  {device:<12}{name:<20}{width:<14}{row['allocation']:<10}{what}", flush=True)
    return rows


def measured_before(path: pathlib.Path) -> dict[str, Any]:
    """The figures of an earlier result, without its runs; `measured` says how they came about.

    Raises:
      UserError: if the file is no such result.
    """
    try:
        earlier = json.loads(path.read_text())
        origin = earlier.get("measured") or {name: earlier[name] for name in ("command", "machine", "versions")}
        kept = ("area_mm2", "evaluations_by_start", "starts", "networks", "fpga", "asic")
        return {"measured": origin} | {name: earlier[name] for name in kept}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--measured={path} is no result of this command ({error}); name the JSON file of --out.") from error


def measure(found: Networks) -> dict[str, Any]:
    """All figures that flags ask for, but for runs: of published networks, and of those found, at the same size."""
    names, devices = binary.some_of("networks", PUBLISHED), binary.some_of("devices", sorted(DEVICES))
    wanted = binary.some_of("goals", GOALS)
    goals: list[Goal] = [goal for goal in GOALS if goal in wanted]
    widths = [int(bits) for bits in binary.some_of("widths", [str(bits) for bits in WIDTHS])]
    effort = Effort(flags.FLAGS.area_mm2, flags.FLAGS.evaluations, flags.FLAGS.starts, flags.FLAGS.seed)
    networks = {name: published_layers(name) for name in names} | dict(found)
    for name, layers in networks.items():
        require_room(name, layers, effort.area_mm2)
    return {
        "area_mm2": effort.area_mm2,
        "evaluations_by_start": effort.evaluations,
        "starts": effort.starts,
        "networks": describe(networks),
        "fpga": measure_fpga(networks, devices, widths),
        "asic": measure_asic(networks, goals, effort),
    }


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_list("networks", list(PUBLISHED), "Published networks, separated by commas.")
    flags.DEFINE_list("goals", list(GOALS), "What ASICs are searched for: edp (mJ ms of one image), interval_ms.")
    flags.DEFINE_float("area_mm2", 4.0, "Budget of every ASIC, link to DRAM included, 3.2 mm2 for the fastest.")
    flags.DEFINE_integer("evaluations", 4000, "ASIC designs that each start of a search prices.", lower_bound=1)
    flags.DEFINE_integer("starts", 3, "Starts of each ASIC search, with other draws.", lower_bound=2)
    flags.DEFINE_integer("seed", 0, "Of all draws.", lower_bound=0)
    flags.DEFINE_list("devices", list(BOARDS), "FPGA boards, separated by commas.")
    flags.DEFINE_list("widths", [str(bits) for bits in reversed(WIDTHS)], "Operand widths on FPGAs, bits.")
    flags.DEFINE_list("runs", [], "Directories of finished co-search runs, whose pairs are shown beside.")
    flags.DEFINE_string("measured", None, "JSON file of an earlier call, whose figures --runs are shown beside.")
    benchmark_output.define_out_flag()


def main() -> None:
    """Measure, write, draw."""
    out = binary.output_file("out")
    folders = [pathlib.Path(folder).expanduser() for folder in flags.FLAGS.runs]
    found = read_pairs(folders)
    if flags.FLAGS.measured:
        asked = [name for name in MEASURES if flags.FLAGS[name].present]
        if asked:
            raise UserError(f"With --measured nothing is measured anew; leave out --{asked[0]}, or leave out --measured.")
        figures = measured_before(pathlib.Path(flags.FLAGS.measured).expanduser())
    else:
        figures = measure(at_imagenet_size(folders))
    figures["found"] = found
    # What took long is written first.
    benchmark_output.write_result("experiments.published_networks", figures)
    text = published_report.tables(figures)
    print(text)
    if out:
        write_whole(out.with_suffix(".md"), text)
        published_picture.plot(figures, out.with_suffix(".png"))


if __name__ == "__main__":
    binary.run(main, define_flags)
