"""How fast the cost model is, side by side with other tools in environments of their own.

python -m experiments.benchmark_cost --out=FILE.json
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import Architecture, Template, gemmini_template, nahas_edge
from dna_jax.hardware.loopnest import nest_cost
from dna_jax.hardware.mapper import cut, unroll
from dna_jax.networks import chosen_layers, mobilenet_v2
from dna_jax.runs import binary
from dna_jax.search import enumerate_accelerators
from dna_jax.workload import Layer, Workload, merge_equal_layers, workload_from_layers
from experiments import benchmark_output
from experiments.environments import run_tool

TOOLS = {
    "zigzag": ("zigzag_speed.py", ("zigzag-dse==3.9.1", "six")),
    # Its last release needs the NumPy of its time.
    "scalesim": ("scalesim_speed.py", ("scalesim==3.0.0", "numpy<2")),
}
"""Tool -> its program in `baselines/`, and what it needs installed."""

SIDE_BY_SIDE_FORWARD, SIDE_BY_SIDE_GRADIENT = 1 << 14, 1 << 12
"""Evaluations at a time of one core."""

PROBES = ("stem", "block_05.expand", "block_12.project", "head")
"""Layers of MobileNetV2 that other tools map: few, for they take seconds."""


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Median time of a call, after one that compiles."""
    jax.block_until_ready(function())
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - began)
    return statistics.median(times)


@dataclasses.dataclass(frozen=True)
class ExplicitMappings:
    """Candidate mappings of layers on random accelerators, as numbers; factors that a template leaves at one are none.

    Attributes:
      workload: L layers.
      architectures: A accelerators.
      factors: arrays [A, L, candidates].
      evaluations: A times L times candidates.
      cost: of one layer on one accelerator under its mappings: from (layer, architecture, factors [candidates]) to a
        scalar that depends on the cycles and the energy of each.
    """

    workload: Workload
    architectures: Architecture
    factors: list[jax.Array]
    evaluations: int
    cost: Callable[..., jax.Array]


def explicit_mappings(template: Template, layers: list[Layer], accelerators: int) -> ExplicitMappings:
    """Those of the template's candidates, in float32; the order of loops is that of its first candidate."""
    distinct, _ = merge_equal_layers(layers)
    workload = workload_from_layers(distinct)
    rows = jnp.asarray(np.random.default_rng(0).choice(template.space.grid(), accelerators))
    candidates = template.candidates
    structure: list[Any] = []

    def factors(row: jax.Array) -> Any:
        architecture = template.architecture(template.space.one_hot(row, jnp.float32), jnp.float32)

        def of_layer(layer: Workload) -> list[jax.Array]:
            spatial, remaining = unroll(layer, architecture, candidates)
            temporal = cut(layer, architecture, candidates, spatial, remaining)
            leaves, tree = jax.tree.flatten((temporal, spatial))
            structure[:] = tree, [isinstance(leaf, float) for leaf in leaves]
            return [jnp.broadcast_to(leaf, candidates.size) for leaf in leaves if not isinstance(leaf, float)]

        return architecture, jax.vmap(of_layer)(workload)

    architectures, numbers = jax.jit(jax.vmap(factors))(rows)
    tree, is_one = structure

    def cost(layer: Workload, architecture: Architecture, mappings: list[jax.Array]) -> jax.Array:
        given = iter(mappings)
        temporal, spatial = jax.tree.unflatten(tree, [1.0 if one else next(given) for one in is_one])
        priced = nest_cost(layer, architecture, temporal, spatial, candidates.order[0])
        return jnp.sum(jnp.log(priced.cycles * priced.energy_pj))

    return ExplicitMappings(workload, architectures, numbers, accelerators * len(distinct) * candidates.size, cost)


def evaluation_speed(template: Template, layers: list[Layer], accelerators: int, repeats: int) -> dict[str, float]:
    """Evaluations of a layer under a mapping per second, without and with the gradient by every factor of the mapping.

    One thread per core, each with so many evaluations at a time that what a gradient keeps fits its cache.
    """
    given = explicit_mappings(template, layers, accelerators)

    def per_second(function: Callable[..., Any], side_by_side: int) -> float:
        batched = jax.jit(jax.vmap(jax.vmap(function, in_axes=(0, None, 0)), in_axes=(None, 0, 0)))
        chunk = min(accelerators, max(1, side_by_side * accelerators // given.evaluations))
        # A rest would need a program of its own.
        starts = range(0, accelerators - chunk + 1, chunk)
        parts = [
            jax.tree.map(lambda x, start=start: x[start : start + chunk], (given.architectures, given.factors))
            for start in starts
        ]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:

            def all_parts() -> list[Any]:
                return list(pool.map(lambda part: jax.block_until_ready(batched(given.workload, *part)), parts))

            taken = seconds(all_parts, repeats)
        return given.evaluations * len(parts) * chunk / accelerators / taken

    return {
        "evaluations": given.evaluations,
        "forward_per_second": per_second(given.cost, SIDE_BY_SIDE_FORWARD),
        "gradient_per_second": per_second(jax.value_and_grad(given.cost, argnums=2), SIDE_BY_SIDE_GRADIENT),
    }


def enumeration_speed(layers: list[Layer], repeats: int) -> dict[str, float]:
    """Pricing the whole edge space for a network, every candidate mapping of every distinct layer, in float64."""
    template = nahas_edge()
    taken = seconds(lambda: enumerate_accelerators(template, layers).costs, repeats)
    distinct = len({layer.shape for layer in layers})
    accelerators = template.space.cardinality
    return {
        "accelerators": accelerators,
        "distinct_layers": distinct,
        "candidates": template.candidates.size,
        "seconds": taken,
        "mapped_layers_per_second": accelerators * distinct / taken,
        "evaluations_per_second": accelerators * distinct * template.candidates.size / taken,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def tool_speed(tool: str, folder: pathlib.Path, layers: list[Layer]) -> dict[str, float]:
    """Layers that another tool maps per second, in an environment of its own that is made if need be.

    Raises:
      UserError: if it cannot be installed or run.
    """
    program, packages = TOOLS[tool]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([dataclasses.asdict(layer) for layer in layers], file)
        file.flush()
        result = run_tool(tool, folder, packages, program, [file.name])
    return {**result, "layers_per_second": result["layers"] / result["seconds"]}


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("accelerators", 144, "Random accelerators of each template to evaluate.", lower_bound=1)
    flags.DEFINE_integer("repeats", 5, "Timed runs of each; the median counts.", lower_bound=1)
    flags.DEFINE_list("baselines", sorted(TOOLS), "Other tools to time; none with --baselines=.")
    flags.DEFINE_string("environments", ".cache/baselines", "Folder for the environments of other tools.")
    benchmark_output.define_out_flag()


def main() -> None:
    """Time all and report."""
    benchmark_output.require_folder()
    unknown = set(flags.FLAGS.baselines) - set(TOOLS)
    if unknown:
        raise UserError(f"Unknown tool {sorted(unknown)[0]!r} in --baselines; choose among {', '.join(sorted(TOOLS))}.")
    specification = mobilenet_v2()
    layers = chosen_layers(specification, specification.default_design)
    result: dict[str, Any] = {"network": specification.name}
    result["explicit_mappings"] = {}
    for template in (nahas_edge(), gemmini_template()):
        speed = evaluation_speed(template, layers, flags.FLAGS.accelerators, flags.FLAGS.repeats)
        result["explicit_mappings"][template.name] = speed
        for name in ("forward", "gradient"):
            print(f"{name:<12} {speed[f'{name}_per_second']:.3g} layer mappings per second on {template.name}", flush=True)
    result["enumeration"] = enumeration_speed(layers, flags.FLAGS.repeats)
    whole = result["enumeration"]
    mapped = whole["mapped_layers_per_second"]
    print(
        f"enumeration  {whole['seconds']:.2f} s for {whole['accelerators']:,} accelerators, {mapped:.3g} layers per second"
    )
    probes = [layer for layer in layers if layer.name in PROBES]
    folder = pathlib.Path(flags.FLAGS.environments).expanduser()
    for tool in flags.FLAGS.baselines:
        result[tool] = tool_speed(tool, folder, probes)
        # Layers with all their candidate mappings, as the other tool counts them.
        ratio = whole["mapped_layers_per_second"] / result[tool]["layers_per_second"]
        print(f"{tool:<12} {result[tool]['layers_per_second']:.3g} layers per second: {ratio:.2g} times slower", flush=True)
    benchmark_output.write_result("experiments.benchmark_cost", result)


if __name__ == "__main__":
    binary.run(main, define_flags)
