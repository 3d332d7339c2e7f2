"""How long the proven best FPGA pipeline for the expected network of a joint search takes to find, network after network.

python -m experiments.benchmark_set_anew --out=FILE.json

Two ways side by side, for networks of DNA's space that are undecided in other ways each time:
  every design  all designs of every chunk priced
  family        those that are enough for all networks of the space, which are looked for when the first network comes

Both must come to the same images a second. The first network is timed apart: its programs are compiled.
"""

import statistics
import time
from typing import Any

import jax
from absl import flags

from dna_jax.networks import STRIDE_PLANS, dna_network, expected_layers, possible_layers
from dna_jax.runs import binary
from dna_jax.search import DEVICES, FamilyFronts, initial_logits, mean_point, optimum_for_expected
from dna_jax.spaces import as_released, dna_network_space, fpga_pipeline_space, plan_for
from experiments import benchmark_output

TOLERANCE = 1e-9
"""Relative difference of the two optima: cycles are added up in another order."""


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("repeats", 10, "Timed networks besides the first.", lower_bound=1)
    flags.DEFINE_enum("stride_plan", "cifar", sorted(STRIDE_PLANS), "Of the networks.")
    flags.DEFINE_integer("image_size", 16, "Side of an image.", lower_bound=8)
    flags.DEFINE_float("width", 0.25, "Of the networks.", lower_bound=0.05)
    flags.DEFINE_enum("device", "zc706", sorted(DEVICES), "Board whose DSP slices and block RAMs are the limits.")
    benchmark_output.define_out_flag()


def measure(allocation: str, repeats: int) -> dict[str, Any]:
    """Seconds of both ways; AssertionError if they differ in what they find."""
    values = flags.FLAGS
    family = dna_network(values.stride_plan, values.width, values.image_size, classes=10)
    plan, networks = plan_for(values.stride_plan), dna_network_space()
    space = fpga_pipeline_space(plan).fix(as_released(plan, allocation=allocation == "released"))
    fronts, logits = FamilyFronts(possible_layers(family)), initial_logits(networks)
    seconds: dict[str, list[float]] = {"every design": [], "family": []}
    for network in range(1 + repeats):
        noise = jax.random.normal(jax.random.key(network), logits.shape)
        layers, expected = expected_layers(family, mean_point(networks, logits + noise))
        jax.block_until_ready(expected)
        cycles = {}
        for name, given in (("every design", None), ("family", fronts)):
            began = time.perf_counter()
            cycles[name] = optimum_for_expected(layers, expected, space, DEVICES[values.device], given).cycles
            seconds[name].append(time.perf_counter() - began)
        every, few = cycles["every design"], cycles["family"]
        assert (every is None) == (few is None)
        assert every is None or few is None or abs(few - every) <= TOLERANCE * every
    median = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    return {
        "allocation": allocation,
        "first_s": {name: taken[0] for name, taken in seconds.items()},
        "median_s": median,
        "times_as_fast": median["every design"] / median["family"],
    }


def main() -> None:
    """Time both ways in either allocation and report."""
    benchmark_output.require_folder()
    rows = []
    for allocation in ("released", "searched"):
        rows.append(measure(allocation, flags.FLAGS.repeats))
        for name, median in rows[-1]["median_s"].items():
            first = rows[-1]["first_s"][name]
            print(f"allocation {allocation}  {name:<13} {1e3 * median:8.1f} ms   the first {first:6.1f} s", flush=True)
        print(f"allocation {allocation}  {rows[-1]['times_as_fast']:.1f} times as fast", flush=True)
    benchmark_output.write_result("experiments.benchmark_set_anew", {"rows": rows})


if __name__ == "__main__":
    binary.run(main, define_flags)
