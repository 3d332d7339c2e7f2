"""What co-search costs: its step, compilation and memory beside those of single networks, in one run.

python -m experiments.benchmark_step --setting=full --out=FILE.json

`full` is space S1 at width 1.0, 32 x 32, batch 64; `quick` a small setting for a first look. All programs train with the
same optimiser on the same batch:
  published   kernel 3, expansion 6 everywhere (MobileNetV2)
  largest     kernel 7, expansion 6 everywhere
  supernet    the super-kernel network under sampled choices, no hardware
  cosearch    supernet, relaxation and hardware model in one program: the step of the search
  hardware    relaxation, hardware model and their gradient alone
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax.experimental.compilation_cache import compilation_cache

from dna_jax.hardware import TemplatePricing, nahas_edge
from dna_jax.networks import mobilenet_v2
from dna_jax.runs import binary
from dna_jax.search import Budgets, CoSearch, OptimizerConfig, SearchConfig, objective, sample_point
from dna_jax.spaces import Space, s1, uniform_design
from experiments import benchmark_output

SETTINGS = {
    "full": {"width": 1.0, "image_size": 32, "batch_size": 64, "stride_plan": "cifar"},
    "quick": {"width": 0.25, "image_size": 32, "batch_size": 16, "stride_plan": "cifar_early"},
}
TARGETS = {
    "supernet_over_largest": 1.3,
    "supernet_over_published": 4.5,
    "hardware_share": 0.05,
    "compile_over_published": 1.5,
    "memory_over_published": 2.0,
}
"""Upper limits that the design aims at."""


def _programs(setting: dict[str, Any]) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Name -> (function, arguments) of each program."""
    specification = mobilenet_v2(
        width=setting["width"],
        image_size=setting["image_size"],
        classes=10,
        stride_plan=setting["stride_plan"],
    )
    shape = (setting["batch_size"], setting["image_size"], setting["image_size"], 3)
    generator = np.random.default_rng(0)
    images = generator.standard_normal(shape, np.float32)
    labels = generator.integers(0, 10, setting["batch_size"]).astype(np.int32)

    template = nahas_edge()

    def strategy_for(network_space: Space) -> CoSearch:
        return CoSearch(
            config=SearchConfig(weights=OptimizerConfig(), warmup_steps=0),
            specification=specification,
            pricing=TemplatePricing(template, template.space),
            network_space=network_space,
            accelerator_space=template.space,
            budgets=Budgets(latency_ms=0.1, area_mm2=20.0),
        )

    programs: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
    for name, kernel in (("published", 3), ("largest", 7)):
        # With every network decision fixed the model is that single network, and its step holds no hardware.
        single = strategy_for(s1().fix(uniform_design(s1(), kernel, 6)))
        programs[name] = (single.weights_step, (single.init(0), (images, labels)))

    strategy = strategy_for(s1())
    state = strategy.init(0)

    def hardware(logits: Any, multipliers: Any, seed: jax.Array) -> Any:
        def cost_of(logits: Any) -> jax.Array:
            point = sample_point(jax.random.key(seed), strategy.space, logits, 1.0, True)
            cost = strategy.cost(point)
            return objective(strategy.config.objective, jnp.ones(()), cost, strategy.budgets, multipliers)

        return jax.value_and_grad(cost_of)(logits)

    programs["supernet"] = (strategy.weights_step, (state, (images, labels)))
    programs["cosearch"] = (strategy.joint_step, (state, (images, labels)))
    programs["hardware"] = (hardware, (state.logits, state.multipliers, np.uint32(0)))
    return programs


def measure(setting: dict[str, Any], repeats: int, compilations: int) -> dict[str, Any]:
    """Measure each program: compile time with tracing (s, median), peak memory (MB), step time (ms); and their ratios.

    Args:
      setting: width, resolution, batch and stride plan.
      repeats: timed steps of each program.
      compilations: timed compilations of each program.
    """
    programs, compiled, results = _programs(setting), {}, {}
    compile_times: dict[str, list[float]] = {name: [] for name in programs}
    cache = jax.config.jax_enable_compilation_cache  # pyright: ignore[reportAttributeAccessIssue]
    # A cache would turn compile times into load times; JAX looks at the flag again only after a reset.
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()
    # The first use of a program pays for what all share.
    for function, arguments in programs.values():
        jax.eval_shape(function, *arguments)
    jax.jit(lambda x: x @ x).lower(jnp.ones((8, 8))).compile()
    try:
        for _ in range(compilations):
            for name, (function, arguments) in programs.items():
                # Else a program would not trace again what it shares with those before it.
                jax.clear_caches()
                began = time.perf_counter()
                compiled[name] = jax.jit(function).lower(*arguments).compile()
                compile_times[name].append(time.perf_counter() - began)
    finally:
        jax.config.update("jax_enable_compilation_cache", cache)
        compilation_cache.reset_cache()
    for name, (_, arguments) in programs.items():
        memory = compiled[name].memory_analysis()
        peak = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
        results[name] = {"compile_s": statistics.median(compile_times[name]), "memory_mb": peak / 1e6}
        jax.block_until_ready(compiled[name](*arguments))
    # Interleaved, so that whatever else the machine does falls on all programs alike.
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(repeats):
        for name, (_, arguments) in programs.items():
            began = time.perf_counter()
            jax.block_until_ready(compiled[name](*arguments))
            times[name].append(1e3 * (time.perf_counter() - began))
    for name, values in times.items():
        results[name] |= {"step_ms_median": statistics.median(values), "step_ms_least": min(values)}

    def ratio(key: str, above: str, below: str) -> float:
        return results[above][key] / results[below][key]

    ratios = {
        "supernet_over_largest": ratio("step_ms_median", "cosearch", "largest"),
        "supernet_over_published": ratio("step_ms_median", "cosearch", "published"),
        "hardware_share": ratio("step_ms_median", "hardware", "cosearch"),
        "compile_over_published": ratio("compile_s", "cosearch", "published"),
        "memory_over_published": ratio("memory_mb", "cosearch", "published"),
    }
    return {"programs": results, "ratios": ratios}


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_enum("setting", "full", ["full", "quick"], "full: width 1.0, 32 x 32, batch 64; quick: a small one.")
    flags.DEFINE_integer("repeats", 7, "Timed steps of each program, interleaved.", lower_bound=1)
    flags.DEFINE_integer("compilations", 3, "Timed compilations of each program, interleaved.", lower_bound=1)
    benchmark_output.define_out_flag()


def main() -> None:
    """Measure and report."""
    benchmark_output.require_folder()
    setting = SETTINGS[flags.FLAGS.setting]
    repeats, compilations = flags.FLAGS.repeats, flags.FLAGS.compilations
    measured = measure(setting, repeats, compilations)
    for name, values in measured["programs"].items():
        print(
            f"{name:<10} step {values['step_ms_median']:9.1f} ms   compile {values['compile_s']:6.1f} s   "
            f"memory {values['memory_mb']:8.0f} MB"
        )
    for name, value in measured["ratios"].items():
        verdict = "met" if value <= TARGETS[name] else "MISSED"
        print(f"{name:<24} {value:6.3f}   target <= {TARGETS[name]:g}   {verdict}")
    benchmark_output.write_result(
        "experiments.benchmark_step",
        {"setting": setting, "repeats": repeats, "compilations": compilations, **measured, "targets": TARGETS},
    )


if __name__ == "__main__":
    binary.run(main, define_flags)
