"""How fast the cost model is, side by side with other tools in environments of their own.

python -m experiments.benchmark_cost --out=FILE.json
"""

import dataclasses
import json
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import nahas_edge
from dna_jax.hardware.loopnest import nest_cost
from dna_jax.hardware.mapper import cut, unroll
from dna_jax.networks import chosen_layers, mobilenet_v2
from dna_jax.runs import binary
from dna_jax.search import enumerate_accelerators
from dna_jax.workload import Layer, merge_equal_layers, workload_from_layers
from experiments import benchmark_output

TOOLS = {
    "zigzag": ("zigzag_speed.py", ("zigzag-dse==3.9.1", "six")),
    # Its last release needs the NumPy of its time.
    "scalesim": ("scalesim_speed.py", ("scalesim==3.0.0", "numpy<2")),
}
"""Tool -> its program in `baselines/`, and what it needs installed."""

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


def evaluation_speed(layers: list[Layer], accelerators: int, repeats: int) -> dict[str, float]:
    """Evaluations of a layer under a mapping per second, without and with the gradient by every factor of the mapping.

    The mappings are those of the edge template's candidates for each layer on random accelerators, in float32.
    """
    template = nahas_edge()
    distinct, _ = merge_equal_layers(layers)
    workload = workload_from_layers(distinct)
    grid = template.space.grid()
    rows = jnp.asarray(np.random.default_rng(0).permutation(grid)[:accelerators])
    count = template.candidates.size
    order = template.candidates.order[0]

    def factors(row: jax.Array) -> Any:
        architecture = template.architecture(template.space.one_hot(row, jnp.float32), jnp.float32)

        def of_layer(layer: Any) -> Any:
            spatial, remaining = unroll(layer, architecture, template.candidates)
            temporal = cut(layer, architecture, template.candidates, spatial, remaining)
            return jax.tree.map(lambda factor: jnp.broadcast_to(factor, count), (temporal, spatial))

        return architecture, jax.vmap(of_layer)(workload)

    architectures, mappings = jax.jit(jax.vmap(factors))(rows)

    def product(layer: Any, architecture: Any, mapping: Any) -> jax.Array:
        temporal, spatial = mapping
        cost = nest_cost(layer, architecture, temporal, spatial, order)
        return jnp.sum(jnp.log(cost.cycles * cost.energy_pj))

    def over_all(function: Callable[..., Any]) -> Callable[[], Any]:
        batched = jax.vmap(jax.vmap(function, in_axes=(0, None, 0)), in_axes=(None, 0, 0))
        compiled = jax.jit(batched)
        return lambda: compiled(workload, architectures, mappings)

    evaluations = accelerators * len(distinct) * count
    return {
        "evaluations": evaluations,
        "forward_per_second": evaluations / seconds(over_all(product), repeats),
        "gradient_per_second": evaluations / seconds(over_all(jax.value_and_grad(product, argnums=2)), repeats),
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
        "evaluations_per_second": accelerators * distinct * template.candidates.size / taken,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def tool_speed(tool: str, folder: pathlib.Path, layers: list[Layer]) -> dict[str, float]:
    """Layers that another tool maps per second, in an environment of its own that is made if need be.

    Raises:
      UserError: if it cannot be installed or run.
    """
    program, packages = TOOLS[tool]
    home = folder / tool
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"installing {tool} in {home}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", *packages]
        if subprocess.run(install, check=False).returncode:
            raise UserError(f"{tool} cannot be installed; check the network, or run with --baselines= to leave it out.")
        (home / "ready").touch()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([dataclasses.asdict(layer) for layer in layers], file)
        file.flush()
        script = pathlib.Path(__file__).parent / "baselines" / program
        done = subprocess.run([python, script, file.name], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{tool} fails ({last}); run with --baselines= to leave it out.")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return {**result, "layers_per_second": result["layers"] / result["seconds"]}


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("accelerators", 256, "Random accelerators of the edge space to evaluate.", lower_bound=1)
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
    result["explicit_mappings"] = evaluation_speed(layers, flags.FLAGS.accelerators, flags.FLAGS.repeats)
    for name in ("forward", "gradient"):
        print(f"{name:<12} {result['explicit_mappings'][f'{name}_per_second']:.3g} layer mappings per second", flush=True)
    result["enumeration"] = enumeration_speed(layers, flags.FLAGS.repeats)
    whole = result["enumeration"]
    print(f"enumeration  {whole['seconds']:.2f} s for {whole['accelerators']:,} accelerators")
    probes = [layer for layer in layers if layer.name in PROBES]
    folder = pathlib.Path(flags.FLAGS.environments).expanduser()
    for tool in flags.FLAGS.baselines:
        result[tool] = tool_speed(tool, folder, probes)
        ratio = result["explicit_mappings"]["forward_per_second"] / result[tool]["layers_per_second"]
        print(f"{tool:<12} {result[tool]['layers_per_second']:.3g} layers per second: {ratio:.2g} times slower", flush=True)
    benchmark_output.write_result("experiments.benchmark_cost", result)


if __name__ == "__main__":
    binary.run(main, define_flags)
