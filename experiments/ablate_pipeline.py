"""What each searched part of an FPGA pipeline is worth: proven optima with some parts held fixed.

python -m experiments.ablate_pipeline --out=FILE.json

For each of the networks of `--networks` and some drawn at random, under each of `--limits`, the most images a second that
any pipeline reaches are proven, first with everything free and then with parts held at those of a pipeline that was made
without the network at hand:
  average network   optimal for the network of equally likely operations and operand widths, under the same limits
  default network   the same for the published operations, widths equally likely
  baseline          designed by rule: largest tiles, four output channels by two input channels at a time, and the allocation
                    of the release
Beside them stand the allocations at the ends of the space, all blocks at one operand width, and the best of many random
pipelines. FILE.md gets the table and FILE.png the picture.
"""

import collections
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import StatedNetwork, expected_layers
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import Limits, PipelineSearchConfig, certified_optimum, optimum_for_expected, search_pipelines
from dna_jax.spaces import (
    PARTS,
    PLANS,
    WIDTHS,
    Design,
    Part,
    Space,
    as_released,
    baseline_pipeline,
    boundary_name,
    dna_network_space,
    fpga_pipeline_space,
    hold_parts,
    is_bits,
)
from experiments import ablation_report, benchmark_output
from experiments.pipeline_search_cases import LIMITS, random_networks, stated_networks

HELD: dict[str, tuple[Part, ...]] = {
    "allocation": ("allocation",),
    "compute modes": ("modes",),
    "tiles": ("tiles",),
    "mapping (tiles, compute modes)": ("tiles", "modes"),
    "micro-architecture (unrolled parts)": ("unrolled",),
    "all but allocation": ("tiles", "modes", "unrolled"),
    "all but mapping": ("allocation", "unrolled"),
    "all but micro-architecture": ("allocation", "tiles", "modes"),
    "everything": PARTS,
}
"""Parts held fixed, by what the table calls them."""

SOURCES = ("average network", "default network", "baseline")
"""Whose pipeline the parts are held at."""


def best_for_expected(network: StatedNetwork, default_operations: bool, limits: Limits) -> Design:
    """The optimal pipeline for the network expected before anything is known of it.

    Args:
      network: one of its family.
      default_operations: whether operations are those of the family's default network; otherwise each is equally likely.
        Operand widths are in either case.
      limits: of the device.

    Returns:
      Values of all decisions of the family's `fpga_pipeline_space`.

    Raises:
      UserError: if no pipeline for that network fits.
    """
    specification = network.specification()
    space = dna_network_space(len(specification.blocks))
    if default_operations:
        default = specification.default_design
        space = space.fix({name: option for name, option in default.items() if not is_bits(name)})
    point = space.pin(space.is_option / space.is_option.sum(axis=-1, keepdims=True, dtype=np.float32))
    layers, expected = expected_layers(specification, point)
    best = optimum_for_expected(layers, expected, fpga_pipeline_space(network.plan), limits)
    if best.design is None:
        raise UserError(
            f"No pipeline for the expected network of the family {network.plan} fits {limits.dsp:g} DSP slices and "
            f"{limits.bram:g} block RAMs; raise --limits."
        )
    # What no layer of it needs keeps some design.
    return baseline_pipeline(network.plan) | best.design


@functools.cache
def held_design(network_of_family: StatedNetwork, source: str, limits: Limits) -> Design:
    """The pipeline of one of SOURCES for the family of a network."""
    if source == "baseline":
        return baseline_pipeline(network_of_family.plan)
    return best_for_expected(network_of_family, source == "default network", limits)


def optimal_fps(network: StatedNetwork, space: Space, limits: Limits) -> float:
    """Most images a second of any pipeline of a space, proven; 0 where none fits."""
    return certified_optimum(network.layers, space, limits).fps


def extreme_allocations(plan: str) -> dict[str, Design]:
    """The allocations at the ends of the space; that of the release is the baseline's."""
    heights = PLANS[plan].boundaries
    ends = {"most layers on large-map chunks": min(heights), "most layers on small-map chunks": max(heights)}
    return {name: {boundary_name(kind): height for kind in (False, True)} for name, height in ends.items()}


def at_width(network: StatedNetwork, bits: int) -> StatedNetwork:
    """The network with one operand width in all its blocks; stem, head and classifier keep theirs."""
    return StatedNetwork(network.identifier, network.name, network.plan, network.operations, (bits,) * len(network.bits))


def ablate(network: StatedNetwork, held_at: Mapping[str, Design], limits: Limits) -> dict[tuple[str, str], float]:
    """Images a second by what is held and at what; 0 where nothing fits. The first is the optimum of the whole space.

    Args:
      network: to be run.
      held_at: pipelines whose parts are held, by SOURCES.
      limits: of the device.
    """
    space = fpga_pipeline_space(network.plan)
    fps = {("nothing", ""): optimal_fps(network, space, limits)}
    for source, design in held_at.items():
        for what, parts in HELD.items():
            fps[what, source] = optimal_fps(network, hold_parts(space, design, parts), limits)
    for name, allocation in extreme_allocations(network.plan).items():
        fps["allocation", name] = optimal_fps(network, space.fix(allocation), limits)
    for bits in WIDTHS:
        fps["operand width", f"{bits} bits in all blocks"] = optimal_fps(at_width(network, bits), space, limits)
    return fps


def random_fps(network: StatedNetwork, limits: Limits, designs: int, seeds: int) -> list[float]:
    """Images a second of the best of some pipelines drawn uniformly that fits, by seed; in the allocation of the release."""
    config = PipelineSearchConfig(estimator="random", recombined=False, samples=1, steps=designs)
    space = fpga_pipeline_space(network.plan).fix(as_released(network.plan))
    return [found.fps for found in search_pipelines(network.layers, space, limits, config, range(seeds))]


def measure(
    networks: Sequence[StatedNetwork], limits: Limits, sources: Sequence[str], designs: int, seeds: int
) -> list[dict[str, Any]]:
    """Rows of the table under one pair of limits; of random pipelines the mean over seeds, one that finds none counts 0."""
    family = {network.plan: network for network in reversed(networks)}
    percent: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    optima, spread = [], []
    for network in networks:
        held_at = {source: held_design(family[network.plan], source, limits) for source in sources}
        fps = ablate(network, held_at, limits)
        best = fps["nothing", ""]
        optima.append(best)
        if not best:
            raise UserError(
                f"No pipeline for the network {network.name!r} fits {limits.dsp:g} DSP slices and {limits.bram:g} block "
                "RAMs; raise --limits."
            )
        for row, value in fps.items():
            percent[row].append(100 * value / best)
        drawn = [100 * value / best for value in random_fps(network, limits, designs, seeds)]
        percent["random pipeline", f"best of {designs:,}"].append(float(np.mean(drawn)))
        spread.append(float(np.std(drawn)))
        print(f"{limits.dsp:g}/{limits.bram:g}  {network.name:<18} optimum {best:9.2f} images/s", flush=True)
    groups = list(dict.fromkeys(what for what, _ in percent))
    ordered = sorted(percent.items(), key=lambda item: groups.index(item[0][0]))
    rows = [{"held": what, "at": at, **ablation_report.summary(values), "percent": values} for (what, at), values in ordered]
    rows[0]["fps"] = optima
    rows[-1]["seeds"], rows[-1]["deviation_over_seeds"] = seeds, float(np.mean(spread))
    return [{"limits": f"{limits.dsp:g}/{limits.bram:g}", **row} for row in rows]


def limits_of(text: str) -> Limits:
    """The limits that a text "DSP/BRAM" states; UserError if it states none."""
    try:
        dsp, bram = map(float, text.split("/"))
        return Limits(dsp, bram)
    except ValueError as error:
        raise UserError(f"--limits={text} is no pair DSP/BRAM of positive numbers, as 900/700 is.") from error


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    stated = THIRD_PARTY / "auto_nba" / "dna_networks.json"
    flags.DEFINE_string("networks", str(stated), "JSON file of networks: a list of {name, family, ops, bits}.")
    flags.DEFINE_integer("random_networks", 4, "Networks drawn at random besides.", lower_bound=0)
    pairs = [f"{limits.dsp:g}/{limits.bram:g}" for limits in LIMITS]
    flags.DEFINE_multi_string("limits", pairs, "DSP slices and block RAMs, as DSP/BRAM.")
    flags.DEFINE_multi_enum("sources", SOURCES, SOURCES, "Pipelines at whose parts others are held.")
    flags.DEFINE_integer("random_designs", 3200, "Random pipelines of which the best is taken.", lower_bound=1)
    flags.DEFINE_integer("seeds", 10, "Draws of so many random pipelines.", lower_bound=1)
    benchmark_output.define_out_flag()


def main() -> None:
    """Measure and report."""
    out = binary.output_file("out")
    limits = [limits_of(text) for text in flags.FLAGS.limits]
    networks = stated_networks(pathlib.Path(flags.FLAGS.networks).expanduser())
    networks += random_networks(flags.FLAGS.random_networks)
    setting = flags.FLAGS.sources, flags.FLAGS.random_designs, flags.FLAGS.seeds
    rows: list[dict[str, Any]] = []
    for pair in limits:
        rows += measure(networks, pair, *setting)
        # What took long is kept, whatever comes next.
        benchmark_output.write_result(
            "experiments.ablate_pipeline", {"networks": [network.name for network in networks], "rows": rows}
        )
    titles = {f"{pair.dsp:g}/{pair.bram:g}": f"{pair.dsp:g} DSP, {pair.bram:g} BRAM" for pair in limits}
    table = ablation_report.table(rows, "limits", titles)
    print(table)
    if out:
        write_whole(out.with_suffix(".md"), table)
        ablation_report.plot(rows, "limits", titles, "images/s, % of the optimum", out.with_suffix(".png"))


if __name__ == "__main__":
    binary.run(main, define_flags)
