"""The fastest FPGA pipeline for a network within a device, proven.

python -m experiments.optimum --networks=FILE.json --network=NAME --device=zc706 --out=certificate.json
python -m experiments.optimum --network=mobilenet_v2 --bits=4 --device=zcu102 --out=certificate.json
python -m experiments.optimum --certificate=certificate.json

The last command needs nothing but the file that one of the first wrote, or that a run on an FPGA left in its folder: it
follows the certificate by other means.
"""

import json
import pathlib
import time

from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.fpga import CLOCK_HZ, allocate
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import PUBLISHED, ListedNetwork, StatedNetwork, read_networks
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.runs.priced_network import network_layers, plan_of_summary
from dna_jax.search import (
    DEVICES,
    Certificate,
    Limits,
    PipelineProblem,
    as_json,
    certified_optimum,
    read_certificate,
    recheck,
)
from dna_jax.spaces import KNOBS, PLANS, as_released, chunks_of, knob_name
from experiments.published_fpga import at_width

_STATED = THIRD_PARTY / "auto_nba" / "dna_networks.json"

_RECHECKED = "certificate rechecked: all it states holds, the fronts are complete, and nothing faster fits"

_OF_LAYERS = ("family", "bits")
"""Flags that networks stated by their operations leave no use for."""

_OF_PROOFS = (
    "networks",
    "network",
    *_OF_LAYERS,
    "device",
    "dsp",
    "bram",
    "model",
    "mode",
    "allocation",
    "recheck",
    "out",
)
"""Flags that a certificate to be followed leaves no use for."""


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_string("networks", str(_STATED), "JSON file of networks: a list of {name, family, ops, bits}.")
    flags.DEFINE_string(
        "network",
        None,
        f"Name of one of them, the first by default; or {', '.join(PUBLISHED)}, RUN/summary.json or a model.onnx.",
    )
    flags.DEFINE_enum(
        "family",
        None,
        sorted(PLANS),
        "Size of images, hence of tiles, for a published network or a model.onnx, imagenet by default; runs have their own.",
    )
    flags.DEFINE_integer("bits", None, "Width of all operands of such a network; by default as they are.", 1, 32)
    flags.DEFINE_enum("device", "zc706", sorted(DEVICES), "Board whose DSP slices and block RAMs are the limits.")
    flags.DEFINE_float("dsp", None, "DSP slices, instead of the board's.")
    flags.DEFINE_float("bram", None, "Block RAMs of 18 Kb, instead of the board's.")
    flags.DEFINE_enum("model", "corrected", ["released", "corrected"], "Auto-NBA's cost model, or without its defects.")
    flags.DEFINE_enum("mode", "free", ["fixed", "free"], "Compute modes of the chunks: those of the release, or any.")
    flags.DEFINE_enum("allocation", "released", ["released", "searched"], "Which maps count as large.")
    flags.DEFINE_bool("recheck", True, "Follow the certificate by other means before it is reported.")
    flags.DEFINE_string("out", None, "JSON file to write the certificate to.")
    flags.DEFINE_string(
        "certificate", None, "A file that --out wrote, or certificate.json of a run, to be followed; nothing is searched."
    )


def _listed(name: str) -> ListedNetwork:
    """A network that is known by its layers; UserError if it cannot be priced, there is none of this name, or it has another
    family than the one asked for."""
    layers, bits, family = network_layers(name), flags.FLAGS.bits, flags.FLAGS.family
    if name.endswith(".json"):
        own = plan_of_summary(pathlib.Path(name).expanduser())
        if family not in (None, own):
            raise UserError(f"The run of {name} is of the family {own}; leave out --family.")
        family = own
    return ListedNetwork(name, family or "imagenet", tuple(layers if bits is None else at_width(layers, bits)))


def _require_runnable(problem: PipelineProblem, source: str) -> None:
    """UserError unless pipelines can run every layer of the network."""
    try:
        allocate(problem.layers, as_released(problem.network.plan, ()))
    except ValueError as error:
        raise UserError(f"{source} cannot run on a pipeline ({error}).") from error


def _network() -> StatedNetwork | ListedNetwork:
    """The network that flags name.

    Raises:
      UserError: if there is none, or flags have no effect on it.
    """
    networks = read_networks(pathlib.Path(flags.FLAGS.networks).expanduser())
    if not networks:
        raise UserError(f"--networks={flags.FLAGS.networks} states no network.")
    wanted = flags.FLAGS.network or networks[0].name
    found = [network for network in networks if network.name == wanted]
    if found:
        given = [name for name in _OF_LAYERS if flags.FLAGS[name].present]
        if given:
            raise UserError(f"The network {found[0].name!r} states its family and its bits; leave out --{given[0]}.")
        return found[0]
    if wanted not in PUBLISHED and not wanted.endswith((".json", ".onnx")):
        names = ", ".join((*(network.name for network in networks), *PUBLISHED))
        raise UserError(f"--network={wanted} is none of {names}, no summary.json of a run and no model.onnx.")
    return _listed(wanted)


def _limits() -> Limits:
    device = DEVICES[flags.FLAGS.device]
    dsp, bram = (flags.FLAGS[name].value for name in ("dsp", "bram"))
    try:
        return Limits(device.dsp if dsp is None else dsp, device.bram if bram is None else bram)
    except ValueError as error:
        raise UserError(str(error)) from error


def _nothing(limits: Limits) -> str:
    return f"No pipeline fits {limits.dsp:g} DSP slices and {limits.bram:g} block RAMs"


def _report(problem: PipelineProblem, found: Certificate) -> None:
    """The optimum and what it uses, a line for each chunk."""
    limits, design = found.limits, found.design
    if design is None:
        print(_nothing(limits))
        return
    used = f"{found.dsp:g} of {limits.dsp:g} DSP slices, {found.bram:g} of {limits.bram:g} block RAMs"
    print(f"{found.fps:.2f} images/s (without limits {CLOCK_HZ / found.bound_cycles:.2f}); {used}")
    for chunk in chunks_of(problem.space):
        if knob_name(chunk, "parallel") in design:
            knobs = {knob: design.get(knob_name(chunk, knob)) for knob in ("parallel", *KNOBS)}
            print(f"  {chunk.name:<8}" + "  ".join(f"{knob} {value}" for knob, value in knobs.items() if value is not None))


def prove() -> None:
    """Find an optimum, report it, check its certificate and write it; UserError if nothing fits."""
    out = binary.output_file("out")
    values = flags.FLAGS
    problem = PipelineProblem(_network(), values.model, values.mode, values.allocation)
    _require_runnable(problem, f"--network={problem.network.name}")
    layers, space, limits = problem.layers, problem.space, _limits()
    began = time.perf_counter()
    found = certified_optimum(layers, space, limits, problem.model)
    seconds = time.perf_counter() - began
    print(
        f"{problem.network.name}: {space.cardinality:.2g} pipelines; {found.enumerated:,} designs of chunks priced in "
        f"{seconds:.1f} s, compilation included"
    )
    _report(problem, found)
    if values.recheck:
        wrong = recheck(found, layers, space, problem.model)
        if wrong:
            raise AssertionError(" ".join(wrong))
        print(_RECHECKED)
    if out:
        write_whole(out, json.dumps(as_json(problem, found), indent=1) + "\n")
    if found.design is None:
        raise UserError(f"{_nothing(limits)}; raise --dsp or --bram.")


def follow(path: pathlib.Path) -> None:
    """Report an optimum that was written and check its certificate; UserError if that does not hold."""
    problem, stated = read_certificate(path)
    _require_runnable(problem, f"The network of {path}")
    wrong = recheck(stated, problem.layers, problem.space, problem.model)
    if wrong:
        raise UserError(f"{path} does not hold ({wrong[0].rstrip('.')}); have it written anew with --out.")
    _report(problem, stated)
    print(_RECHECKED)


def main() -> None:
    """Prove an optimum, or follow the proof of one."""
    path = flags.FLAGS.certificate
    if not path:
        prove()
        return
    given = [name for name in _OF_PROOFS if flags.FLAGS[name].present]
    if given:
        raise UserError(f"--certificate={path} states all that is checked; leave out --{given[0]}.")
    follow(pathlib.Path(path).expanduser())


if __name__ == "__main__":
    binary.run(main, define_flags)
