"""Differentiable search of an FPGA pipeline for a given network: most images a second within a device.

  minimise over designs   max_a log cycles_a   subject to   sum_a DSP_a <= limit,  sum_a BRAM_a <= limit

Its Lagrangian (Fisher, The Lagrangian relaxation method for solving integer programming problems, Management Science 27,
1981) is a sum over chunks: the maximum is the largest mean of log cycles under weights of the chunks that sum to one, and
either limit has a multiplier. Weights and multipliers ascend while the logits of the knobs descend, each chunk by an
estimate of the gradient of its own share. The best pipeline seen that keeps the limits is the result.

Of allocations of layers to chunks there are few: where the space leaves them open, each is searched, all side by side.
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

from dna_jax.hardware.fpga import CLOCK_HZ, Model, evaluate_pipeline
from dna_jax.search.certified import Limits
from dna_jax.search.estimators import ESTIMATORS, Estimator, estimate
from dna_jax.search.optimizers import MULTIPLIER_LIMIT, make_pipeline_optimizer
from dna_jax.search.pipeline_arrays import PipelineArrays, allocations, design_of, pipeline_arrays, sampled_costs
from dna_jax.search.recombination import recombine
from dna_jax.search.relaxation import TemperatureConfig, temperature_schedule
from dna_jax.spaces import KNOBS, Design, Space
from dna_jax.workload import Layer

_LOGIT_RANGE = 8.0
"""Logits stay within this of the largest of their choice, so that no option dies out."""


@dataclasses.dataclass(frozen=True)
class PipelineSearchConfig:
    """How a pipeline is searched.

    Attributes:
      estimator: of the gradient, one of `estimators.ESTIMATORS`, or "random": the logits stay equal.
      by_chunk: of "reinforce", whether a chunk learns from its own share of the Lagrangian, or every chunk from the whole.
        No other estimator has this choice: those that differentiate or price every option see shares as they are, and
        published takes the whole.
      recombined: whether chunks priced in different pipelines may be put together (`recombination`).
      samples: pipelines priced in a step.
      steps: of the search.
      learning_rate: of Adam on the logits; like the two rates below it is not read by "random", which learns nothing.
      weight_rate: step size of the logarithm of the chunks' weights.
      multiplier_rate: step size of the limits' multipliers.
      temperature: of relaxed samples, which "published", "straight_through" and "gumbel_rao" draw; others do not read it.
    """

    estimator: Estimator | Literal["random"] = "reinforce"
    by_chunk: bool = True
    recombined: bool = True
    samples: int = 16
    steps: int = 200
    learning_rate: float = 0.05
    weight_rate: float = 0.3
    multiplier_rate: float = 0.05
    temperature: TemperatureConfig = TemperatureConfig(start=1.0, end=0.3)

    def __post_init__(self) -> None:
        if self.estimator not in (*ESTIMATORS, "random"):
            raise ValueError(f"Unknown estimator {self.estimator!r}; choose one of {', '.join((*ESTIMATORS, 'random'))}.")
        least = 2 if self.estimator == "reinforce" else 1
        if self.samples < least or self.steps < 1:
            raise ValueError(f"Give at least {least} samples and 1 step, not {self.samples} and {self.steps}.")
        if self.estimator != "reinforce" and not self.by_chunk:
            raise ValueError(
                f"by_chunk=False has an effect with the estimator reinforce alone, not with {self.estimator!r}."
            )


def evaluations_per_step(config: PipelineSearchConfig, space: Space) -> int:
    """Pipelines of a space that a step prices under all allocations, those included that differ from a drawn one in one knob
    of every chunk.

    Every chunk has its own option of the knob in turn; the pipeline in which all stay as drawn is not priced again.
    """
    neighbours = 0
    if config.estimator == "expectation":
        for knob in (*KNOBS, "parallel"):
            neighbours += max((len(d.options) - 1 for d in space.free if d.name.endswith(f".{knob}")), default=0)
    return len(allocations(space)) * config.samples * (1 + neighbours)


@struct.dataclass
class PipelineState:
    """Everything that changes.

    Attributes:
      step: steps taken.
      logits: [A, 5, W].
      optimizer: Optax state.
      log_weights: of the chunks, [A], the largest 0.
      multipliers: of DSP slices and block RAMs, [2].
      best_cycles: of the best pipeline within the limits; infinite before there is one.
      best_options, best_costs: option indices int[A, 5] and costs [A, 3] of its chunks.
    """

    step: jax.Array
    logits: jax.Array
    optimizer: optax.OptState
    log_weights: jax.Array
    multipliers: jax.Array
    best_cycles: jax.Array
    best_options: jax.Array
    best_costs: jax.Array


@dataclasses.dataclass(frozen=True)
class PipelineSearch:
    """The strategy, as pure functions of arrays: `vmap` over keys runs many seeds as one program.

    Attributes:
      config: how to search.
      model: of the costs, "released" or "corrected".
    """

    config: PipelineSearchConfig
    model: Model = "corrected"

    @functools.cached_property
    def _optimizer(self) -> optax.GradientTransformation:
        return make_pipeline_optimizer(self.config.learning_rate)

    def init(self, arrays: PipelineArrays) -> PipelineState:
        """State before the first step: every option equally likely."""
        logits = jnp.zeros(arrays.is_option.shape, jnp.float32)
        chunks = len(arrays.built)
        return PipelineState(
            step=jnp.zeros((), jnp.int32),
            logits=logits,
            optimizer=self._optimizer.init(logits),
            log_weights=jnp.zeros(chunks),
            multipliers=jnp.zeros(2),
            best_cycles=jnp.array(jnp.inf),
            best_options=jnp.zeros(logits.shape[:-1], jnp.int32),
            best_costs=jnp.full((chunks, 3), jnp.inf),
        )

    def step(
        self, arrays: PipelineArrays, limits: jax.Array, state: PipelineState, key: jax.Array
    ) -> tuple[PipelineState, jax.Array]:
        """One step.

        Args:
          arrays: of the network.
          limits: DSP slices and block RAMs, [2].
          state: before.
          key: of the whole search; the step's number is folded in.

        Returns:
          The state after it, and the images a second of the best pipeline so far.
        """
        config, built, is_option = self.config, arrays.built, arrays.is_option
        weights = jax.nn.softmax(state.log_weights, where=built)

        def lagrangian(point: jax.Array) -> tuple[jax.Array, jax.Array]:
            costs = sampled_costs(arrays, point, self.model)
            log_cycles = jnp.log(jnp.where(built, costs[..., 0], 1))
            shares = weights * log_cycles + jnp.sum(state.multipliers * costs[..., 1:] / limits, axis=-1)
            if not config.by_chunk:
                shares = jnp.broadcast_to(jnp.mean(shares, axis=-1, keepdims=True), shares.shape)
            return shares, costs

        temperature = temperature_schedule(config.temperature, config.steps)(state.step)
        # Random search draws as the others do and learns nothing.
        estimator: Estimator = "published" if config.estimator == "random" else config.estimator
        gradient, priced, costs = estimate(
            estimator,
            jax.random.fold_in(key, state.step),
            state.logits,
            is_option,
            temperature,
            config.samples,
            lagrangian,
        )
        state = self._keep_best(built, limits, state, jnp.argmax(priced, axis=-1), costs)
        fps = CLOCK_HZ / state.best_cycles
        if config.estimator == "random":
            return dataclasses.replace(state, step=state.step + 1), fps
        updates, optimizer = self._optimizer.update(gradient, state.optimizer, state.logits)
        logits = jnp.asarray(optax.apply_updates(state.logits, updates))
        logits = logits - jnp.max(logits, axis=-1, keepdims=True, where=is_option, initial=-jnp.inf)
        mean = jnp.mean(costs[: config.samples], axis=0)
        behind = jnp.log(jnp.where(built, mean[:, 0], 1))
        log_weights = state.log_weights + config.weight_rate * (behind - jnp.max(behind, where=built, initial=-jnp.inf))
        log_weights = log_weights - jnp.max(log_weights, where=built, initial=-jnp.inf)
        excess = jnp.log(jnp.sum(mean[:, 1:], axis=0) / limits)
        new = dataclasses.replace(
            state,
            step=state.step + 1,
            logits=jnp.where(is_option, jnp.maximum(logits, -_LOGIT_RANGE), 0),
            optimizer=optimizer,
            log_weights=jnp.where(built, jnp.maximum(log_weights, -_LOGIT_RANGE), 0),
            multipliers=jnp.clip(state.multipliers + config.multiplier_rate * excess, 0, MULTIPLIER_LIMIT),
        )
        return new, fps

    def _keep_best(
        self, built: jax.Array, limits: jax.Array, state: PipelineState, options: jax.Array, costs: jax.Array
    ) -> PipelineState:
        """The best pipeline among those priced, and with recombination among those of their chunks and the best so far."""
        fits = jnp.all(jnp.sum(costs[..., 1:], axis=-2) <= limits, axis=-1)
        cycles = jnp.where(fits, jnp.max(jnp.where(built, costs[..., 0], 0), axis=-1), jnp.inf)
        first = jnp.argmin(cycles)
        found = cycles[first], options[first], costs[first]
        state = _better(state, *found)
        if not self.config.recombined:
            return state
        pool = jnp.concatenate([costs, state.best_costs[None]])
        pool_options = jnp.concatenate([options, state.best_options[None]])
        reached, chosen = recombine(pool, built, limits, state.best_cycles)
        chunks = jnp.arange(len(chosen))
        return _better(state, reached, pool_options[chosen, chunks], pool[chosen, chunks])

    @functools.partial(jax.jit, static_argnums=0)
    def run(self, arrays: PipelineArrays, limits: jax.Array, keys: jax.Array) -> tuple[PipelineState, jax.Array]:
        """Whole searches, one per key and space of `pipeline_arrays`, side by side: final states, and the best images a
        second so far [keys, spaces, steps]."""

        def one(key: jax.Array, arrays: PipelineArrays) -> tuple[PipelineState, jax.Array]:
            return jax.lax.scan(
                lambda state, _: self.step(arrays, limits, state, key), self.init(arrays), length=self.config.steps
            )

        return jax.vmap(jax.vmap(one, in_axes=(None, 0)), in_axes=(0, None))(keys, arrays)


def _better(state: PipelineState, cycles: jax.Array, options: jax.Array, costs: jax.Array) -> PipelineState:
    """The state with a pipeline in place of the best so far if it is faster; one that breaks a limit has infinite cycles."""
    old = state.best_cycles, state.best_options, state.best_costs
    better = cycles < state.best_cycles
    best = [jnp.where(better, new, kept) for new, kept in zip((cycles, options, costs), old, strict=True)]
    return dataclasses.replace(state, best_cycles=best[0], best_options=best[1], best_costs=best[2])


@dataclasses.dataclass(frozen=True)
class FoundPipeline:
    """What a search found, priced in float64.

    Attributes:
      fps: images a second; 0 where nothing within the limits was seen.
      dsp, bram: what it uses.
      design: of the pipeline; None where nothing was found.
      history: best images a second after each step, [steps].
    """

    fps: float
    dsp: float
    bram: float
    design: Design | None
    history: np.ndarray


def search_pipelines(
    layers: Sequence[Layer],
    space: Space,
    limits: Limits,
    config: PipelineSearchConfig,
    seeds: Sequence[int],
    model: Model = "corrected",
) -> list[FoundPipeline]:
    """Search a pipeline for a discrete network, once for every seed, all seeds in one program.

    Args:
      layers: of the network.
      space: an `fpga_pipeline_space`, with what is fixed.
      limits: of the device.
      config: how to search.
      seeds: of the searches.
      model: "released" or "corrected".
    """
    spaces = allocations(space)
    arrays = pipeline_arrays(layers, spaces)
    keys = jax.vmap(jax.random.key)(jnp.asarray(seeds, jnp.uint32))
    state, history = PipelineSearch(config, model).run(arrays, jnp.array([limits.dsp, limits.bram], jnp.float32), keys)
    found = []
    for cycles, options, curves in zip(*map(np.asarray, (state.best_cycles, state.best_options, history)), strict=True):
        best, curve = np.argmin(cycles), np.max(curves, axis=0)
        if not np.isfinite(cycles[best]):
            found.append(FoundPipeline(0.0, 0.0, 0.0, None, curve))
            continue
        design = design_of(spaces[best], options[best])
        _, cost = evaluate_pipeline(layers, design, model)
        found.append(FoundPipeline(float(cost.fps), float(cost.dsp), float(cost.bram), design, curve))
    return found
