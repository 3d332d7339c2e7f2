"""Differentiable search of an ASIC pipeline for a given network: least energy, time or both within an area.

  minimise over designs   log objective   subject to   log area <= log budget

A step draws a design from the logits and prices it together with all designs that differ from it in one decision. What each
of these takes is the exact gradient by the probability of its option; it reaches the logits through a softmax with the
draw's noise (straight-through Gumbel-softmax). The multiplier of the area ascends meanwhile. The best design seen within the
budget is the result, neighbours included: they have been priced.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from dna_jax.hardware.asic import (
    Grouping,
    PipelineBound,
    PipelineCost,
    PipelineWork,
    lower_bound,
    pipeline_work,
    price_designs,
)
from dna_jax.hardware.asic.alternatives import alternatives
from dna_jax.hardware.asic.neighbours import chunk_count
from dna_jax.hardware.asic.pipeline import combine
from dna_jax.hardware.candidates import Objective
from dna_jax.search.relaxation import TemperatureConfig, temperature_schedule
from dna_jax.spaces import Design, Space
from dna_jax.workload import Layer

Goal = Literal["edp", "latency_ms", "interval_ms", "energy_mj"]
GOALS: dict[str, Objective] = {"edp": "edp", "latency_ms": "latency", "interval_ms": "latency", "energy_mj": "energy"}
"""What is minimised -> what the mapper minimises for every layer."""


@dataclasses.dataclass(frozen=True)
class AsicSearchConfig:
    """How a pipeline is searched.

    Attributes:
      goal: what is minimised, a field of `PipelineCost`.
      starts: searches side by side, from the same logits with other draws.
      steps: of each search.
      learning_rate: of Adam on the logits.
      multiplier_rate: step size of the multiplier of the area.
      temperature: of the softmax.
      apart: as in `price_mappings`: faster steps that take minutes to compile, for searches of thousands.
    """

    goal: Goal = "edp"
    starts: int = 8
    steps: int = 150
    learning_rate: float = 0.1
    multiplier_rate: float = 0.2
    temperature: TemperatureConfig = TemperatureConfig(start=1.0, end=0.3)
    apart: bool = False

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise ValueError(f"Unknown goal {self.goal!r}; choose one of {', '.join(GOALS)}.")
        if self.starts < 1 or self.steps < 1:
            raise ValueError(f"Give at least 1 start and 1 step, not {self.starts} and {self.steps}.")


@struct.dataclass
class AsicSearchState:
    """What changes in one search.

    Attributes:
      logits: [decisions, widest].
      optimizer: Optax state.
      multiplier: of the area, >= 0.
      best: the goal of the best design within the budget; infinite before there is one.
      best_indices: its options, int[decisions].
    """

    logits: jax.Array
    optimizer: optax.OptState
    multiplier: jax.Array
    best: jax.Array
    best_indices: jax.Array


@dataclasses.dataclass(frozen=True)
class AsicSearchResult:
    """What was found.

    Attributes:
      design: the best within the budget; None where there was none.
      cost: of that design, float64.
      bound: what no design within the budget undercuts.
      gap: its goal over the bound, minus 1.
      evaluations: designs that were priced, neighbours included.
      best_of_starts: the goal of the best of each start, [starts].
    """

    design: Design | None
    cost: PipelineCost | None
    bound: PipelineBound
    gap: float
    evaluations: int
    best_of_starts: np.ndarray


def _step(
    space: Space, work: PipelineWork, area_mm2: jax.Array, config: AsicSearchConfig, state: AsicSearchState, inputs: tuple
) -> tuple[AsicSearchState, jax.Array]:
    key, step = inputs
    temperature = temperature_schedule(config.temperature, config.steps)(step)
    noise = jax.random.gumbel(key, state.logits.shape)

    def soft_sample(logits: jax.Array) -> jax.Array:
        return jax.nn.softmax((logits + noise) / temperature, axis=-1, where=space.is_option)

    rows, pull = jax.vjp(soft_sample, state.logits)
    point = space.pin(space.one_hot(jnp.argmax(rows, axis=-1)).rows)
    indices = jnp.argmax(point.rows, axis=-1)
    free = {decision.name for decision in space.free}
    base, others, in_point = alternatives(free, work, point, GOALS[config.goal], config.apart)
    drawn, neighbours = combine(base), combine(others)
    goals = jnp.append(getattr(neighbours, config.goal), getattr(drawn, config.goal))
    excess = jnp.log(jnp.append(neighbours.area_mm2, drawn.area_mm2) / area_mm2)
    valid = jnp.append(neighbours.overflow_kib, drawn.overflow_kib) <= 0

    lagrangian = jnp.log(goals) + state.multiplier * excess
    slopes = jnp.zeros_like(state.logits).at[in_point[:, 0], in_point[:, 1]].set(lagrangian[:-1] - lagrangian[-1])
    updates, optimizer = _optimizer(config).update(pull(slopes)[0], state.optimizer)
    logits = jnp.asarray(optax.apply_updates(state.logits, updates))

    feasible = jnp.where((excess <= 0) & valid, goals, jnp.inf)
    found = jnp.argmin(feasible)
    # One more pair, which changes nothing, for the drawn design.
    pairs = jnp.concatenate([jnp.asarray(in_point), jnp.stack([jnp.zeros((), int), indices[0]])[None]])
    found_indices = indices.at[pairs[found, 0]].set(pairs[found, 1])
    better = feasible[found] < state.best
    state = AsicSearchState(
        logits=logits,
        optimizer=optimizer,
        multiplier=jnp.clip(state.multiplier + config.multiplier_rate * excess[-1], 0, 20),
        best=jnp.where(better, feasible[found], state.best),
        best_indices=jnp.where(better, found_indices, state.best_indices),
    )
    return state, state.best


def _optimizer(config: AsicSearchConfig) -> optax.GradientTransformation:
    return optax.adam(config.learning_rate, b1=0.8, b2=0.95)


def search_asic_pipeline(
    space: Space,
    layers: Sequence[Layer],
    area_mm2: float,
    config: AsicSearchConfig,
    seed: int = 0,
    by: Grouping = "block",
) -> AsicSearchResult:
    """Search a pipeline for a discrete network.

    Args:
      space: an `asic_pipeline_space` of the groups of the layers, with what is fixed.
      layers: of the network.
      area_mm2: budget.
      config: how to search.
      seed: of all draws.
      by: what stays together on a chunk.
    """
    chunks = chunk_count(decision.name for decision in space.decisions)
    bound = lower_bound(layers, chunks, area_mm2, by)
    if np.isinf(bound.latency_ms):
        return AsicSearchResult(None, None, bound, np.inf, 0, np.full(config.starts, np.inf))
    work = pipeline_work(layers, by)
    logits = jnp.zeros(space.is_option.shape, jnp.float32)

    @jax.jit
    def run(keys: jax.Array, budget: jax.Array) -> tuple[AsicSearchState, jax.Array]:
        def one(key: jax.Array) -> tuple[AsicSearchState, jax.Array]:
            state = AsicSearchState(
                logits=logits,
                optimizer=_optimizer(config).init(logits),
                multiplier=jnp.ones(()),
                best=jnp.array(jnp.inf),
                best_indices=jnp.zeros(len(space.decisions), jnp.int32),
            )
            inputs = (jax.random.split(key, config.steps), jnp.arange(config.steps))
            return jax.lax.scan(functools.partial(_step, space, work, budget, config), state, inputs)

        return jax.vmap(one)(keys)

    state, _ = run(jax.random.split(jax.random.key(seed), config.starts), jnp.asarray(area_mm2))
    neighbours = sum(len(decision.options) for decision in space.free)
    evaluations = config.starts * config.steps * (1 + neighbours)
    found = np.asarray(state.best)
    if not np.isfinite(found).any():
        return AsicSearchResult(None, None, bound, np.inf, evaluations, found)
    indices = np.asarray(state.best_indices)[np.argmin(found)]
    cost = jax.tree.map(lambda leaf: leaf[0], price_designs(space, layers, indices[None], by, GOALS[config.goal]))
    gap = float(getattr(cost, config.goal) / getattr(bound, config.goal)) - 1
    return AsicSearchResult(space.design(indices), cost, bound, gap, evaluations, found)
