"""The step of DNA's joint search beside the same network in PyTorch and NNI's one-shot strategies, on one device in one run.

python -m experiments.benchmark_dna_step --platform=cpu --out=FILE.json

Ours: 22 blocks of 9 operations and 3 widths at width 1.0 and a pipeline of chunks for an FPGA, 32 x 32, quantised.
  bilevel  weights on one batch, decisions and accelerator on another
  single   weights, decisions and accelerator on one batch
PyTorch: the bilevel step of the same network without hardware, compiled or eager (`baselines/torch_step.py`). Before
anything is timed, its logits, loss and gradients on a narrow network are compared with ours.
NNI: NNI 3.0 on its ProxylessNAS space, unquantised and without hardware (`baselines/nni_step.py`); on CPUs only.
Each in an environment of its own. On a CPU all run on one core. Beside the times stands how much the two spaces compute: the
multiply-accumulates of one image in the largest network, and in all candidates of every block.
"""

import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import jax
from absl import flags

from dna_jax.errors import UserError
from dna_jax.runs import binary
from experiments import benchmark_output, dna_reference, dna_step
from experiments.baselines import nni_step, torch_step
from experiments.environments import UnfinishedError, run_tool

TARGET = 3.0
"""Times as fast as NNI's Gumbel search that the bilevel step is meant to be."""

WIDTH, IMAGE_SIZE = 1.0, 32
CHECK = {"width": 0.25, "image_size": 16, "batch_size": 32}
"""Of the network on which PyTorch's is compared with ours."""

TORCH_MODES = {f"torch_{mode}": mode for mode in torch_step.MODES}

LONG = {("cpu", "torch_compile"), ("cpu", "torch_compile_blocks")}
"""Platform and baseline that is timed only if asked for: on one core it compiles for many minutes."""


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_enum("platform", "cpu", ["cpu", "gpu"], "Where all programs run.")
    flags.DEFINE_integer("batch_size", 64, "Images of each batch.", lower_bound=2)
    flags.DEFINE_integer("repeats", 5, "Timed steps of each of our levels and of PyTorch.", lower_bound=1)
    flags.DEFINE_integer("nni_repeats", 3, "Timed steps of each of NNI's strategies.", lower_bound=1)
    flags.DEFINE_list(
        "baselines",
        None,
        f"What to time beside ours, of {', '.join([*TORCH_MODES, *nni_step.STRATEGIES])}; by default all that the platform "
        "has, but compiled PyTorch on GPUs only.",
    )
    flags.DEFINE_float(
        "torch_limit_s", 1800.0, "Seconds that PyTorch may take in each mode, compilation included.", lower_bound=1.0
    )
    flags.DEFINE_list("strides", ["cifar", "published"], "NNI's space halves as ours does, or as published.")
    flags.DEFINE_string(
        "environments", ".cache/baselines", "Folder for the environments of other tools; none to run them as installed here."
    )
    benchmark_output.define_out_flag()


def chosen_baselines(asked: Sequence[str] | None, platform: str) -> list[str]:
    """What is timed beside ours: what is asked for, or else all that the platform has but `LONG`.

    Raises:
      UserError: if the platform does not have it.
    """
    available = [*TORCH_MODES] if platform == "gpu" else [*TORCH_MODES, *nni_step.STRATEGIES]
    for name in asked or ():
        if name in nni_step.STRATEGIES and platform == "gpu":
            raise UserError(f"NNI's {name} is timed on CPUs only; leave it out of --baselines, or pass --platform=cpu.")
        if name not in available:
            raise UserError(f"Unknown baseline {name!r}; choose among {', '.join(available)}.")
    return [name for name in available if (platform, name) not in LONG] if asked is None else list(asked)


def chosen_strides(baselines: Sequence[str]) -> list[str]:
    """Of NNI's space; UserError if there are no such strides, or none of NNI's strategies is timed that they are of."""
    if not any(name in nni_step.STRATEGIES for name in baselines):
        for flag in ("strides", "nni_repeats"):
            if flags.FLAGS[flag].present:
                raise UserError(f"--{flag} is of NNI, of which nothing is timed; leave it out, or change --baselines.")
        return []
    return binary.some_of("strides", nni_step.STRIDES)


def macs_title(million_macs: Mapping[str, float]) -> str:
    """What a space computes for one image, in words."""
    return (
        f"{million_macs['largest_network']:,.0f} million multiply-accumulates in its largest network, "
        f"{million_macs['all_candidates']:,.0f} in all candidates of its blocks together"
    )


def _take_device(platform: str) -> None:
    """Leave one core, or one GPU, to us and, by inheritance, to the other tools."""
    if platform == "cpu":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        jax.config.update("jax_platforms", "cpu")
        return
    # JAX would take most of the memory, and PyTorch runs beside it.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if jax.default_backend() != "gpu":
        raise UserError("JAX sees no GPU; install JAX for CUDA and leave JAX_PLATFORMS unset, or pass --platform=cpu.")


def _check_torch(device: str, folder: pathlib.Path | None) -> dict[str, Any]:
    """How far PyTorch's network differs from ours; UserError if it is another."""
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "reference.npz"
        dna_reference.write_reference(file, **CHECK)
        arguments = [f"--device={device}", f"--check={file}"]
        return run_tool("torch", folder, torch_step.REQUIREMENTS, "torch_step.py", arguments)


def _time_torch(mode: str, device: str, folder: pathlib.Path | None, weights: int) -> dict[str, Any]:
    """PyTorch's steps in a mode, or after how many seconds it was stopped; UserError if its network has not our weights."""
    setting = [f"--width={WIDTH}", f"--image_size={IMAGE_SIZE}", f"--batch={flags.FLAGS.batch_size}"]
    arguments = [f"--device={device}", f"--repeats={flags.FLAGS.repeats}", *setting, f"--modes={mode}"]
    limit_s = flags.FLAGS.torch_limit_s
    try:
        timed = run_tool("torch", folder, torch_step.REQUIREMENTS, "torch_step.py", arguments, limit_s)
    except UnfinishedError:
        return {"unfinished_after_s": limit_s}
    if timed["weights"] != weights:
        raise UserError(f"PyTorch's network has {timed['weights']} weights, ours {weights}; mend baselines/torch_dna.py.")
    return timed.pop("modes")[mode] | {"run": timed}


def main() -> None:
    """Check, measure and report."""
    benchmark_output.require_folder()
    platform, batch_size = flags.FLAGS.platform, flags.FLAGS.batch_size
    baselines = chosen_baselines(flags.FLAGS.baselines, platform)
    all_strides = chosen_strides(baselines)
    folder = pathlib.Path(flags.FLAGS.environments).expanduser() if flags.FLAGS.environments else None
    device = "cuda" if platform == "gpu" else "cpu"
    _take_device(platform)
    figures: dict[str, Any] = {"platform": platform, "batch_size": batch_size}
    modes = [TORCH_MODES[name] for name in baselines if name in TORCH_MODES]
    if not modes and flags.FLAGS["torch_limit_s"].present:
        raise UserError("--torch_limit_s is of PyTorch, of which nothing is timed; leave it out, or change --baselines.")
    if modes:
        figures["torch_check"] = _check_torch(device, folder)
        print("PyTorch's network equals ours", flush=True)
    ours = figures["ours"] = {}
    figures["million_macs"] = dna_step.million_macs(WIDTH, IMAGE_SIZE)
    print(f"our space: {macs_title(figures['million_macs'])}", flush=True)
    for level in dna_step.LEVELS:
        values = ours[level] = dna_step.measure(level, WIDTH, IMAGE_SIZE, batch_size, flags.FLAGS.repeats)
        print(f"{level:<24} step {values['step_s_median']:8.4f} s   compile {values['compile_s']:6.1f} s", flush=True)
    ratios = figures["times_as_fast"] = {}
    figures["target_over_gumbel"] = TARGET

    def keep() -> None:
        """Write what there is: a machine that is lent for a while may go before the last baseline is through."""
        benchmark_output.write_result("experiments.benchmark_dna_step", figures)

    def compare(name: str, values: dict[str, Any]) -> None:
        ratios[name] = values["step_s_median"] / ours["bilevel"]["step_s_median"]
        print(f"{name:<40} step {values['step_s_median']:8.4f} s   {ratios[name]:.2f} times ours", flush=True)

    keep()
    for mode in modes:
        weights = dna_step.count_weights(WIDTH, IMAGE_SIZE)
        values = figures.setdefault("torch", {})[mode] = _time_torch(mode, device, folder, weights)
        if "unfinished_after_s" in values:
            print(f"{f'PyTorch, {mode}':<40} unfinished after {values['unfinished_after_s']:g} s", flush=True)
        else:
            compare(f"PyTorch, {mode}", values)
        keep()
    strategies = [name for name in baselines if name in nni_step.STRATEGIES]
    for strides in all_strides:
        arguments = [f"--repeats={flags.FLAGS.nni_repeats}", f"--strides={strides}", f"--batch={batch_size}"]
        arguments += ["--strategies", *strategies]
        timed = run_tool("nni", folder, nni_step.REQUIREMENTS, "nni_step.py", arguments)
        figures.setdefault("nni", {})[strides] = timed
        print(f"NNI's space, {strides} strides: {macs_title(timed['space']['million_macs'])}", flush=True)
        for name, values in timed["strategies"].items():
            compare(f"NNI {name}, {strides} strides", values)
        keep()


if __name__ == "__main__":
    binary.run(main, define_flags)
