"""Is a short list of candidate mappings the better mapper, or gradient descent on continuous factors, at equal time?

python -m experiments.benchmark_mapper --out=FILE.json

Both map every distinct layer of MobileNetV2 onto the baseline of the edge template. Gradient descent starts from the uses of
the fan-outs and the loop orders of the same candidates, with tiles of one; Adam moves the logarithms of the temporal factors
of register file and local memory against cycles and overflow; factors are rounded in the end, down or to the nearest, from
the inside out, and the best that fits is taken (as DOSA does; Hong et al., MICRO 2023, section 4).
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags

from dna_jax.hardware import Architecture, CandidateSet, nahas_edge
from dna_jax.hardware.loopnest import nest_cost
from dna_jax.hardware.mapper import price_layer, unroll
from dna_jax.hardware.templates.nahas_edge_mappings import candidate_pool
from dna_jax.networks import chosen_layers, mobilenet_v2
from dna_jax.runs import binary
from dna_jax.workload import DIMENSIONS, Workload, merge_equal_layers, workload_from_layers
from experiments import benchmark_output
from experiments.benchmark_cost import seconds

STEPS = (0, 1, 3, 10, 30, 100, 300, 1000)
"""Lengths of gradient descent."""

LEARNING_RATE = 0.1
Factors = jax.Array
"""Logarithms of temporal factors of one layer, [2 levels, 8, candidates]."""


def _priced(
    layer: Workload, architecture: Architecture, candidates: CandidateSet, rows: Sequence[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """Cycles and overflow of mappings; `rows` are the temporal factors of register file, local memory and DRAM, each
    [8, candidates]."""
    spatial, _ = unroll(layer, architecture, candidates)
    temporal = [[1.0] * len(DIMENSIONS), *(list(row) for row in rows)]
    cost = nest_cost(layer, architecture, temporal, spatial, candidates.order)
    return cost.cycles, functools.reduce(jnp.add, cost.overflow_bytes)


def _continuous(theta: Factors, remaining: jax.Array) -> jax.Array:
    """Temporal factors between 1 and what remains."""
    first = jnp.clip(jnp.exp(theta[0]), 1, remaining)
    return jnp.stack([first, jnp.clip(jnp.exp(theta[1]), 1, remaining / first)])


def _rounded(factors: jax.Array, remaining: jax.Array, rounding: Callable[[jax.Array], jax.Array]) -> list[jax.Array]:
    """Whole factors from the inside out, and what each level leaves."""
    first = jnp.clip(rounding(factors[0]), 1, remaining)
    left = jnp.ceil(remaining / first)
    second = jnp.clip(rounding(factors[1]), 1, left)
    return [first, second, jnp.ceil(left / second)]


def descend(layer: Workload, architecture: Architecture, candidates: CandidateSet, steps: jax.Array) -> jax.Array:
    """Least cycles of a layer that gradient descent and rounding find; infinite where nothing fits."""
    _, left = unroll(layer, architecture, candidates)
    remaining = jnp.stack([jnp.broadcast_to(x, candidates.size) for x in left])
    priced = functools.partial(_priced, layer, architecture, candidates)

    def loss(theta: Factors) -> jax.Array:
        inner = _continuous(theta, remaining)
        cycles, overflow = priced([*inner, remaining / (inner[0] * inner[1])])
        return jnp.sum(jnp.log(cycles) + jnp.log1p(overflow))

    optimizer = optax.adam(LEARNING_RATE)

    def step(_: jax.Array, carry: Any) -> Any:
        theta, state = carry
        updates, state = optimizer.update(jax.grad(loss)(theta), state)
        return theta + updates, state

    start = jnp.zeros((2, len(DIMENSIONS), candidates.size))
    theta, _ = jax.lax.fori_loop(0, steps, step, (start, optimizer.init(start)))
    best = []
    for rounding in (jnp.floor, jnp.round):
        cycles, overflow = priced(_rounded(_continuous(theta, remaining), remaining, rounding))
        best.append(jnp.min(jnp.where(overflow > 0, jnp.inf, cycles)))
    return jnp.minimum(*best)


def listed(layer: Workload, architecture: Architecture, candidates: CandidateSet) -> jax.Array:
    """Least cycles of a layer under the candidates with tiles grown as the mapper grows them."""
    return price_layer(layer, architecture, candidates).cycles


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("repeats", 5, "Timed runs of each; the median counts.", lower_bound=1)
    flags.DEFINE_integer("longest", max(STEPS), "Most steps of gradient descent.", lower_bound=0)
    benchmark_output.define_out_flag()


def main() -> None:
    """Time and judge both."""
    benchmark_output.require_folder()
    template = nahas_edge()
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float32)
    specification = mobilenet_v2()
    distinct, _ = merge_equal_layers(chosen_layers(specification, specification.default_design))
    workload = workload_from_layers(distinct)
    cycles: dict[str, np.ndarray] = {}
    milliseconds: dict[str, float] = {}

    def measure(name: str, function: Callable[..., jax.Array], *arguments: Any) -> None:
        milliseconds[name] = 1e3 * seconds(lambda: function(workload, *arguments), flags.FLAGS.repeats)
        cycles[name] = np.asarray(function(workload, *arguments))
        print(f"{name}: {milliseconds[name]:.4g} ms", flush=True)

    def mapped(candidates: CandidateSet) -> Callable[..., jax.Array]:
        return jax.jit(jax.vmap(lambda layer: listed(layer, architecture, candidates)))

    measure("candidates", mapped(template.candidates))
    pool = candidate_pool()
    measure(f"pool of {pool.size:,}", mapped(pool))
    descent = jax.jit(
        jax.vmap(lambda layer, steps: descend(layer, architecture, template.candidates, steps), in_axes=(0, None))
    )
    for steps in (steps for steps in STEPS if steps <= flags.FLAGS.longest):
        measure(f"gradient descent, {steps} steps", descent, jnp.asarray(steps))
    least = np.min(list(cycles.values()), axis=0)
    methods = {}
    for name, found in cycles.items():
        mean = math.exp(np.mean(np.log(found / least))) if np.all(np.isfinite(found)) else math.inf
        methods[name] = {"milliseconds": milliseconds[name], "cycles_over_least": mean}
        print(f"{name:<30} {milliseconds[name]:9.2f} ms  {mean:7.4f} times the least cycles known (geometric mean)")
    figures = {"network": specification.name, "distinct_layers": len(distinct), "methods": methods}
    benchmark_output.write_result("experiments.benchmark_mapper", figures)


if __name__ == "__main__":
    binary.run(main, define_flags)
