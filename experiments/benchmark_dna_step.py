"""The step of DNA's joint search beside those of NNI's one-shot strategies, on one core, in one run.

python -m experiments.benchmark_dna_step --out=FILE.json

Ours: 22 blocks of 9 operations and 3 widths at width 1.0 and a pipeline of chunks for an FPGA, 32 x 32, batch 64, quantised.
  bilevel  weights on one batch, decisions and accelerator on another
  single   weights, decisions and accelerator on one batch
Theirs: NNI 3.0 on its ProxylessNAS space with PyTorch, unquantised and without hardware, in an environment of its own; what
a step is stands in `baselines/nni_step.py`.
"""

import os
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from absl import flags

from dna_jax.hardware.fpga import PipelinePricing
from dna_jax.networks import dna_network
from dna_jax.runs import binary
from dna_jax.search import Budgets, CoSearch, SearchConfig
from dna_jax.spaces import as_released, dna_network_space, fpga_pipeline_space
from experiments import benchmark_output
from experiments.baselines import nni_step
from experiments.environments import run_tool

TARGET = 3.0
"""Times as fast as NNI's Gumbel search that the bilevel step is meant to be."""


def _strategy(level: str, width: float, image_size: int) -> CoSearch:
    pipelines = fpga_pipeline_space("cifar").fix(as_released("cifar"))
    return CoSearch(
        config=SearchConfig(
            level="bilevel" if level == "bilevel" else "single", warmup_steps=0, soft_widths=level == "bilevel"
        ),
        specification=dna_network("cifar", width=width, image_size=image_size),
        pricing=PipelinePricing(pipelines),
        network_space=dna_network_space(),
        accelerator_space=pipelines,
        budgets=Budgets(fps=200.0, dsp=900, bram=700),
    )


def measure(level: str, width: float, image_size: int, batch_size: int, repeats: int) -> dict[str, Any]:
    """Compilation (s) and seconds of every step at one level of the search."""
    strategy = _strategy(level, width, image_size)
    generator = np.random.default_rng(0)
    images = generator.standard_normal((batch_size, image_size, image_size, 3), np.float32)
    batch = images, generator.integers(0, 10, batch_size).astype(np.int32)
    state = strategy.init(0)
    functions = [strategy.weights_step, strategy.decisions_step] if level == "bilevel" else [strategy.joint_step]
    began = time.perf_counter()
    compiled: list[Callable[..., Any]] = [jax.jit(f, donate_argnums=0).lower(state, batch).compile() for f in functions]
    compile_s = time.perf_counter() - began
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        for function in compiled:
            state, _ = function(state, batch)
        jax.block_until_ready(state)
        seconds.append(time.perf_counter() - began)
    # The first step is the first use of its memory.
    return {"compile_s": compile_s, "step_s_median": statistics.median(seconds[1:]), "step_s_all": seconds[1:]}


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("repeats", 5, "Timed steps of each of our levels.", lower_bound=1)
    flags.DEFINE_integer("nni_repeats", 3, "Timed steps of each of NNI's strategies.", lower_bound=1)
    flags.DEFINE_list("baselines", list(nni_step.STRATEGIES), "NNI's strategies to time; none with --baselines=.")
    flags.DEFINE_list("strides", ["cifar", "published"], "NNI's space halves as ours does, or as published.")
    flags.DEFINE_string("environments", ".cache/baselines", "Folder for the environments of other tools.")
    benchmark_output.define_out_flag()


def main() -> None:
    """Measure and report."""
    benchmark_output.require_folder()
    # One core for us and, by inheritance, for the other tool.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ours = {}
    for level in ("bilevel", "single"):
        ours[level] = measure(level, 1.0, 32, 64, flags.FLAGS.repeats)
        print(
            f"{level:<24} step {ours[level]['step_s_median']:6.2f} s   compile {ours[level]['compile_s']:6.1f} s", flush=True
        )
    theirs, ratios = {}, {}
    for strides in flags.FLAGS.strides if flags.FLAGS.baselines else []:
        arguments = [f"--repeats={flags.FLAGS.nni_repeats}", f"--strides={strides}", "--strategies", *flags.FLAGS.baselines]
        folder = pathlib.Path(flags.FLAGS.environments).expanduser()
        theirs[strides] = run_tool("nni", folder, nni_step.REQUIREMENTS, "nni_step.py", arguments)
        for name, values in theirs[strides]["strategies"].items():
            ratio = values["step_s_median"] / ours["bilevel"]["step_s_median"]
            ratios[f"{name}, {strides} strides"] = ratio
            print(
                f"NNI {name:<20} step {values['step_s_median']:6.2f} s   {ratio:.2f} times ours ({strides} strides)",
                flush=True,
            )
    figures = {"ours": ours, "nni": theirs, "times_as_fast": ratios, "target_over_gumbel": TARGET}
    benchmark_output.write_result("experiments.benchmark_dna_step", figures)


if __name__ == "__main__":
    binary.run(main, define_flags)
