"""The fastest FPGA pipeline for a network within a device, proven.

python -m experiments.optimum --networks=FILE.json --network=NAME --device=zc706 --out=certificate.json
"""

import json
import pathlib
import time

from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.fpga import CLOCK_HZ
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import StatedNetwork, read_networks
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import DEVICES, Certificate, Limits, certified_optimum, recheck
from dna_jax.spaces import as_released, boundary_name, chunks_of, fpga_pipeline_space, knob_name

_STATED = THIRD_PARTY / "auto_nba" / "dna_networks.json"


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_string("networks", str(_STATED), "JSON file of networks: a list of {name, family, ops, bits}.")
    flags.DEFINE_string("network", None, "Name of one of them; the first by default.")
    flags.DEFINE_enum("device", "zc706", sorted(DEVICES), "Board whose DSP slices and block RAMs are the limits.")
    flags.DEFINE_float("dsp", None, "DSP slices, instead of the board's.")
    flags.DEFINE_float("bram", None, "Block RAMs of 18 Kb, instead of the board's.")
    flags.DEFINE_enum("model", "corrected", ["released", "corrected"], "Auto-NBA's cost model, or without its defects.")
    flags.DEFINE_enum("mode", "free", ["fixed", "free"], "Compute modes of the chunks: those of the release, or any.")
    flags.DEFINE_enum("allocation", "fixed", ["fixed", "free"], "Which maps count as large: as released, or any.")
    flags.DEFINE_bool("recheck", True, "Follow the certificate by other means before it is reported.")
    flags.DEFINE_string("out", None, "JSON file to write the certificate to.")


def _network() -> StatedNetwork:
    networks = read_networks(pathlib.Path(flags.FLAGS.networks).expanduser())
    if not networks:
        raise UserError(f"--networks={flags.FLAGS.networks} states no network.")
    wanted = flags.FLAGS.network
    found = [network for network in networks if wanted in (None, network.name)]
    if not found:
        raise UserError(f"--network={wanted} is none of {', '.join(network.name for network in networks)}.")
    return found[0]


def _limits() -> Limits:
    device = DEVICES[flags.FLAGS.device]
    dsp, bram = (flags.FLAGS[name].value for name in ("dsp", "bram"))
    try:
        return Limits(device.dsp if dsp is None else dsp, device.bram if bram is None else bram)
    except ValueError as error:
        raise UserError(str(error)) from error


def as_json(certificate: Certificate) -> dict:
    """The certificate as a file holds it."""
    fronts = [
        {
            "chunk": chunk.name,
            "large_rows": boundary,
            "enumerated": front.enumerated,
            "cycles_dsp_bram": front.costs.tolist(),
            "designs": list(front.designs),
        }
        for (chunk, boundary), front in certificate.fronts.items()
    ]
    return {
        "fps": certificate.fps,
        "cycles": certificate.cycles,
        "dsp": certificate.dsp,
        "bram": certificate.bram,
        "limits": {"dsp": certificate.limits.dsp, "bram": certificate.limits.bram},
        "bound_cycles": certificate.bound_cycles,
        "enumerated": certificate.enumerated,
        "design": certificate.design,
        "fronts": fronts,
    }


def main() -> None:
    """Find, check, report."""
    out = binary.output_file("out")
    network, limits, model = _network(), _limits(), flags.FLAGS.model
    layers = network.released_layers if model == "released" else network.layers
    widths = sorted({layer.weight_bits for layer in layers if layer.weight_bits})
    space = fpga_pipeline_space(network.plan, widths)
    held = as_released(network.plan, widths, fixed_mode=flags.FLAGS.mode == "fixed")
    if flags.FLAGS.allocation == "free":
        held = {name: value for name, value in held.items() if name not in map(boundary_name, (False, True))}
    space = space.fix(held)
    began = time.perf_counter()
    found = certified_optimum(layers, space, limits, model)
    seconds = time.perf_counter() - began
    print(
        f"{network.name}: {space.cardinality:.2g} pipelines; {found.enumerated:,} designs of chunks priced in "
        f"{seconds:.1f} s, compilation included"
    )
    if found.design is None:
        raise UserError(f"No pipeline fits {limits.dsp:g} DSP slices and {limits.bram:g} block RAMs; raise --dsp or --bram.")
    used = f"{found.dsp:g} of {limits.dsp:g} DSP slices, {found.bram:g} of {limits.bram:g} block RAMs"
    print(f"{found.fps:.2f} images/s (without limits {CLOCK_HZ / found.bound_cycles:.2f}); {used}")
    for chunk in chunks_of(space):
        if knob_name(chunk, "parallel") in found.design:
            knobs = {k: found.design.get(knob_name(chunk, k)) for k in ("parallel", "rows", "columns", "outputs", "inputs")}
            print(f"  {chunk.name:<8}" + "  ".join(f"{knob} {value}" for knob, value in knobs.items() if value is not None))
    if flags.FLAGS.recheck:
        wrong = recheck(found, layers, space, model)
        if wrong:
            raise AssertionError(" ".join(wrong))
        print("certificate rechecked: the design is as stated, the fronts are complete, and nothing faster fits")
    if out:
        write_whole(out, json.dumps({"network": network.name, "model": model, **as_json(found)}, indent=1) + "\n")


if __name__ == "__main__":
    binary.run(main, define_flags)
