"""The program that searches ASIC pipelines.

It knows numbers of chunks, groups and distinct layers, and which decisions are free; networks, goals, limits and what is
fixed are its arguments, so that searches alike in this are compiled once.
"""

import dataclasses
import functools
import itertools
from collections.abc import Mapping
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from dna_jax.hardware.asic import PipelineWork
from dna_jax.hardware.asic.alternatives import alternatives
from dna_jax.hardware.asic.pipeline import combine
from dna_jax.hardware.asic.pricing import what_counts
from dna_jax.hardware.candidates import Objective
from dna_jax.search.optimizers import MULTIPLIER_LIMIT, make_pipeline_optimizer
from dna_jax.search.relaxation import TemperatureConfig, temperature_schedule
from dna_jax.spaces import Point, Space
from dna_jax.spaces.asic_pipeline import allocation_name

Goal = Literal["edp", "latency_ms", "interval_ms", "energy_mj"]
GOALS: dict[Goal, Objective] = {"edp": "edp", "latency_ms": "latency", "interval_ms": "latency", "energy_mj": "energy"}
"""What is minimised -> what the mapper minimises for every layer."""

LIMITED = ("latency_ms", "interval_ms", "energy_mj", "area_mm2")
"""What may have a limit, fields of `PipelineCost`."""

BEYOND = 1e30
"""Merit from which on a design exceeds limits; below, it is the goal."""

_ROUNDING = 1e-6
"""Relative distance to a limit within which float32 does not tell what keeps it."""


TRAVEL = 12.8
"""How far a search may move a logit. Adam moves it by about the learning rate in a step: with less in all, few decisions are
made when a search ends, and with more they are made long before (`experiments/results/asic_search`)."""


@dataclasses.dataclass(frozen=True)
class AsicSearchConfig:
    """How a pipeline is searched.

    Attributes:
      goal: what is minimised, a field of `PipelineCost`.
      starts: searches side by side, from the same logits with other draws.
      steps: of each search.
      descent_steps: after these, in which the best design, or the one that exceeds limits least, is replaced by its best
        neighbour while that is better.
      learning_rate: of Adam on the logits; None takes TRAVEL over the steps.
      multiplier_rate: step size of the multipliers of the limits.
      temperature: of the softmax.
    """

    goal: Goal = "edp"
    starts: int = 8
    steps: int = 150
    descent_steps: int = 0
    learning_rate: float | None = None
    multiplier_rate: float = 0.2
    temperature: TemperatureConfig = TemperatureConfig(start=1.0, end=0.3)

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise ValueError(f"Unknown goal {self.goal!r}; choose one of {', '.join(GOALS)}.")
        if self.starts < 1 or self.steps < 1:
            raise ValueError(f"Give at least 1 start and 1 step, not {self.starts} and {self.steps}.")
        if self.descent_steps < 0:
            raise ValueError(f"descent_steps must not be negative, and is {self.descent_steps}.")

    @property
    def rate(self) -> float:
        """The learning rate, resolved."""
        return TRAVEL / self.steps if self.learning_rate is None else self.learning_rate


@struct.dataclass
class AsicSearchState:
    """What changes in one search.

    Attributes:
      logits: [decisions, widest].
      optimizer: Optax state.
      multipliers: of the limits in the order of LIMITED, [4], >= 0.
      best: merit of the best design: its goal within the limits, else BEYOND times 1 plus what it exceeds them by; infinite
        before the first step.
      best_indices: its options, int[decisions].
    """

    logits: jax.Array
    optimizer: optax.OptState
    multipliers: jax.Array
    best: jax.Array
    best_indices: jax.Array


@struct.dataclass
class SearchTask:
    """What is searched for.

    Attributes:
      work: of the network.
      held: options of what is fixed, and of a design that searches may be given, int[decisions].
      limits: in the order of LIMITED, [4]; infinite for none.
      goal: what is minimised, an index into GOALS.
      counts: `what_counts` for the objective of the mapper.
    """

    work: PipelineWork
    held: jax.Array
    limits: jax.Array
    goal: jax.Array
    counts: jax.Array


@dataclasses.dataclass(frozen=True)
class SpaceShape:
    """What a compiled search knows of a space, whatever its groups are called.

    Attributes:
      sizes: names and options of the decisions, groups by their number.
      free: names of those that are searched.
    """

    sizes: tuple[tuple[str, int], ...]
    free: frozenset[str]


def shape_of(space: Space) -> SpaceShape:
    """What a search of the space is compiled for."""
    groups = itertools.count()
    names = {
        name: allocation_name(str(next(groups))) if name.startswith(allocation_name("")) else name for name, _ in space.sizes
    }
    return SpaceShape(
        tuple((names[name], count) for name, count in space.sizes),
        frozenset(names[decision.name] for decision in space.free),
    )


def _step(
    shape: SpaceShape,
    config: AsicSearchConfig,
    task: SearchTask,
    is_given: jax.Array,
    state: AsicSearchState,
    inputs: tuple[jax.Array, jax.Array],
) -> tuple[AsicSearchState, None]:
    key, step = inputs
    temperature = temperature_schedule(config.temperature, config.steps)(step)
    noise = jax.random.gumbel(key, state.logits.shape)
    counts = np.array([count for _, count in shape.sizes])[:, None]
    is_option = np.arange(state.logits.shape[-1]) < counts
    is_free = np.array([name in shape.free for name, _ in shape.sizes])

    def soft_sample(logits: jax.Array) -> jax.Array:
        return jax.nn.softmax((logits + noise) / temperature, axis=-1, where=is_option)

    rows, pull = jax.vjp(soft_sample, state.logits)
    drawn_indices = jnp.where(is_free, jnp.argmax(rows, axis=-1), task.held)
    # What a search is given is priced first, with its neighbours; descent goes on from the best.
    stays = (step >= config.steps) | ((step == 0) & is_given)
    indices = jnp.where(stays, state.best_indices, drawn_indices)
    point = Point(jax.nn.one_hot(indices, state.logits.shape[-1]), shape.sizes)
    base, others, in_point = alternatives(shape.free, task.work, point, task.counts)
    drawn, neighbours = combine(base), combine(others)

    def of_all(name: str) -> jax.Array:
        return jnp.append(getattr(neighbours, name), getattr(drawn, name))

    goals = jnp.stack([of_all(name) for name in GOALS])[task.goal]
    is_limited = jnp.isfinite(task.limits)
    share = jnp.stack([of_all(name) for name in LIMITED], axis=-1) / task.limits
    # Without a limit there is no excess.
    excess = jnp.where(is_limited, jnp.log(jnp.where(is_limited, share, 1)), -1)
    # A decision that is free on one chunk has alternatives on all.
    allowed = np.append(is_free[in_point[:, 0]], True)
    overflow = of_all("overflow_kib")
    valid = (overflow <= 0) & jnp.all(excess <= -_ROUNDING, axis=-1)

    lagrangian = jnp.log(goals) + jnp.sum(jnp.where(is_limited, state.multipliers * excess, 0), axis=-1)
    slopes = jnp.zeros_like(state.logits).at[in_point[:, 0], in_point[:, 1]].set(lagrangian[:-1] - lagrangian[-1])
    updates, optimizer = make_pipeline_optimizer(config.rate).update(pull(slopes)[0], state.optimizer)
    logits = jnp.asarray(optax.apply_updates(state.logits, updates))

    # Where nothing keeps the limits yet, the best is what exceeds them least.
    beyond = BEYOND * (1 + overflow + jnp.sum(jnp.maximum(excess, 0), axis=-1))
    merits = jnp.where(allowed, jnp.where(valid, goals, beyond), jnp.inf)
    found = jnp.argmin(merits)
    # One more pair, which changes nothing, for the drawn design.
    pairs = jnp.concatenate([jnp.asarray(in_point), jnp.stack([jnp.zeros((), int), indices[0]])[None]])
    found_indices = indices.at[pairs[found, 0]].set(pairs[found, 1])
    better = merits[found] < state.best
    state = AsicSearchState(
        logits=logits,
        optimizer=optimizer,
        multipliers=jnp.clip(state.multipliers + config.multiplier_rate * excess[-1], 0, MULTIPLIER_LIMIT),
        best=jnp.where(better, merits[found], state.best),
        best_indices=jnp.where(better, found_indices, state.best_indices),
    )
    return state, None


@functools.partial(jax.jit, static_argnames=("shape", "config"))
def _run(
    keys: jax.Array, logits: jax.Array, is_given: jax.Array, task: SearchTask, shape: SpaceShape, config: AsicSearchConfig
) -> AsicSearchState:
    def one(key: jax.Array, logits: jax.Array, is_given: jax.Array) -> AsicSearchState:
        state = AsicSearchState(
            logits=logits,
            optimizer=make_pipeline_optimizer(config.rate).init(logits),
            multipliers=jnp.ones(len(LIMITED)),
            best=jnp.array(jnp.inf),
            best_indices=task.held,
        )
        step = jnp.arange(config.steps + config.descent_steps)
        inputs = (jax.random.split(key, config.steps)[jnp.minimum(step, config.steps - 1)], step)
        return jax.lax.scan(functools.partial(_step, shape, config, task, is_given), state, inputs)[0]

    return jax.vmap(one)(keys, logits, is_given)


def run_searches(
    work: PipelineWork,
    shape: SpaceShape,
    held: np.ndarray,
    limits: Mapping[str, float],
    config: AsicSearchConfig,
    logits: np.ndarray,
    is_given: np.ndarray,
    seed: int,
) -> AsicSearchState:
    """Searches side by side; arguments as in `SearchTask`.

    Args:
      work, shape, limits, config, seed: of every search.
      held: options of what is fixed, and of a design that searches may be given, int[decisions].
      logits: to begin with, [starts, decisions, widest].
      is_given: which of them price the design of `held` first, bool[starts].
    """
    task = SearchTask(
        work=work,
        held=jnp.asarray(held, jnp.int32),
        limits=jnp.array([limits.get(name, np.inf) for name in LIMITED], jnp.float32),
        goal=jnp.asarray(list(GOALS).index(config.goal)),
        counts=jnp.asarray(what_counts(GOALS[config.goal])),
    )
    keys = jax.random.split(jax.random.key(seed), config.starts)
    # The goal is data.
    return _run(keys, jnp.asarray(logits), jnp.asarray(is_given), task, shape, dataclasses.replace(config, goal="edp"))
