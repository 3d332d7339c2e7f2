"""Differentiable joint search: weights, network decisions and accelerator decisions in one jitted program.

Single-level: one loss, one batch, one backward pass for all three. Bilevel: weights learn on the training part, decisions
on the validation part, in turn. Either way weights, network decisions and accelerator decisions have optimisers of their
own, and decisions stay put during a warm-up in which the supernet learns under uniformly sampled choices.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from dna_jax.networks import Family, Model, Variables, expected_layers
from dna_jax.search.objectives import (
    Budgets,
    Multipliers,
    SoftCost,
    initial_multipliers,
    objective,
    update_multipliers,
)
from dna_jax.search.optimizers import OptimizerConfig, make_optimizer
from dna_jax.search.relaxation import (
    Logits,
    initial_logits,
    mean_point,
    sample_point,
    temperature_schedule,
)
from dna_jax.search.search_config import SearchConfig
from dna_jax.search.supernet_task import Batch, SupernetTask
from dna_jax.spaces import Design, Point, Space, is_bits, pad_options
from dna_jax.workload import Layer

_NOISE = 2**31 - 1
"""Folded into a seed for the noise on the first logits; more than a search has steps."""

_DECIDED = 15.0
"""Logit, over the temperature, of an option above all others of its decision that makes it nearly certain."""


class BestAccelerator(NamedTuple):
    """The best accelerator for a network.

    Attributes:
      design: its decisions.
      shares: of the slopes of cycles from image to image, by chunk; None where slopes are those of the design itself.
    """

    design: Design
    shares: np.ndarray | None = None


@struct.dataclass
class SearchState:
    """Everything that changes: a pytree.

    Attributes:
      step: steps taken, int32.
      key: of the samples, as `jax.random.key_data`. Runs that differ in it are independent, and may be stacked for `vmap`.
      parameters: of the supernet. It trains on the statistics of each batch; derived networks are recalibrated.
      network_logits, accelerator_logits: of the decisions of each part.
      multipliers: of the budgets, where the objective has any.
      shares: of the slopes, by chunk of a pipeline that is set anew to the best, zeros until it first is; None of other
        accelerators.
      weights_optimizer, network_optimizer, accelerator_optimizer: Optax states.
    """

    step: jax.Array
    key: jax.Array
    parameters: Variables
    network_logits: Logits
    accelerator_logits: Logits
    multipliers: Multipliers
    shares: jax.Array | None
    weights_optimizer: optax.OptState
    network_optimizer: optax.OptState
    accelerator_optimizer: optax.OptState

    @property
    def logits(self) -> Logits:
        """Of all decisions, the network's first, as the joint space has them."""
        parts = (self.network_logits, self.accelerator_logits)
        width = max(part.shape[-1] for part in parts)
        return jnp.concatenate([pad_options(part, width) for part in parts], axis=-2)


class Pricing(Protocol):
    """What layers cost on the accelerators of a point: those of a template (`hardware.TemplatePricing`), pipelines on FPGAs
    (`hardware.fpga.PipelinePricing`) or on ASICs (`hardware.asic.AsicPricing`)."""

    def __call__(self, layers: Sequence[Layer], weight: jax.Array, point: Mapping[str, jax.Array]) -> SoftCost:
        """Cost at a point of layers, each as often as its weight [L] says."""
        ...


class ChunkedCost(SoftCost, Protocol):
    """What a design costs on a pipeline whose chunks share slopes: `hardware.fpga.RelaxedPipelineCost`."""

    def of_best(self, shares: jax.Array) -> SoftCost:
        """The same cost, with the slopes that it has where the pipeline is set anew to the best as layers change."""
        ...


@dataclasses.dataclass(frozen=True)
class CoSearch:
    """The strategy, as pure functions over `SearchState`.

    Attributes:
      config: how to search.
      specification: the network family.
      pricing: what layers cost on the accelerators of a point.
      network_space, accelerator_space: with what is fixed.
      budgets: limits on cost.
      sharing_chunks: how many share the slopes of pipelines that are set anew to the best, which `pricing` then returns a
        `ChunkedCost` of; 0 where slopes are those of the design as it stands.
    """

    config: SearchConfig
    specification: Family
    pricing: Pricing
    network_space: Space
    accelerator_space: Space
    budgets: Budgets
    sharing_chunks: int = 0

    @functools.cached_property
    def _task(self) -> SupernetTask:
        return SupernetTask(self.specification, self.network_space, self.config.label_smoothing)

    @property
    def model(self) -> Model:
        """The supernet; a single network where no decision of it is searched."""
        return self._task.model

    @functools.cached_property
    def space(self) -> Space:
        """The joint space."""
        return self.network_space | self.accelerator_space

    @functools.cached_property
    def _decision_steps(self) -> int:
        return self.config.steps - self.config.warmup_steps

    @functools.cached_property
    def _optimizers(self) -> dict[str, optax.GradientTransformation]:
        def of_decisions(config: OptimizerConfig, space: Space) -> optax.GradientTransformation:
            # A part that is fixed has nothing to optimise.
            return make_optimizer(config, self._decision_steps) if space.free else optax.set_to_zero()

        return {
            "weights": make_optimizer(self.config.weights, self.config.steps),
            "network": of_decisions(self.config.network, self.network_space),
            "accelerator": optax.set_to_zero()
            if self.config.reoptimize_every
            else of_decisions(self.config.accelerator, self.accelerator_space),
        }

    @functools.cached_property
    def _temperature(self) -> Callable[[jax.Array], jax.Array]:
        return temperature_schedule(self.config.temperature, self._decision_steps)

    def init(self, seed: int) -> SearchState:
        """State before the first step; the seed is that of weights and samples."""
        parameters, _ = self.model.init(seed)
        network, accelerator = initial_logits(self.network_space), initial_logits(self.accelerator_space)
        # Apart from the keys of the steps, which are folded from the same seed by the number of the step.
        noise = jax.random.gumbel(jax.random.fold_in(jax.random.key(seed), _NOISE), network.shape)
        network = network + self.config.initial_noise * noise
        return SearchState(
            step=jnp.zeros((), jnp.int32),
            key=jax.random.key_data(jax.random.key(seed)),
            parameters=parameters,
            network_logits=network,
            accelerator_logits=accelerator,
            multipliers=initial_multipliers(self.config.objective, self.budgets),
            shares=jnp.zeros(self.sharing_chunks) if self.sharing_chunks else None,
            weights_optimizer=self._optimizers["weights"].init(parameters),
            network_optimizer=self._optimizers["network"].init(network),
            accelerator_optimizer=self._optimizers["accelerator"].init(accelerator),
        )

    def with_accelerator(self, state: SearchState, best: BestAccelerator) -> SearchState:
        """The state with logits that all but decide an accelerator, and the shares that come with it."""
        point = self.accelerator_space.encode(self.accelerator_space.restrict(best.design))
        # Soft samples divide logits by the temperature.
        decided = _DECIDED * max(1.0, self.config.temperature.start, self.config.temperature.end)
        shares = None if best.shares is None else jnp.asarray(best.shares, jnp.float32)
        return dataclasses.replace(state, accelerator_logits=decided * point.rows, shares=shares)

    def temperature(self, step: jax.Array) -> jax.Array:
        """Gumbel-softmax temperature at a step; the start temperature during the warm-up."""
        return self._temperature(step - self.config.warmup_steps)

    def cost(self, point: Point) -> SoftCost:
        """Differentiable cost of a point of the joint space."""
        return self.pricing(*expected_layers(self.specification, point), point)

    def _sample(self, key: jax.Array, space: Space, logits: Logits, step: jax.Array, hard: bool) -> Point:
        return sample_point(key, space, logits, self.temperature(step), hard, self.config.active_paths or None)

    def _learning_sample(self, key: jax.Array, space: Space, logits: Logits, step: jax.Array) -> Point:
        """A sample under which weights learn: softer during a soft warm-up."""
        point = self._sample(key, space, logits, step, self.config.hard)
        if not self.config.soft_warmup:
            return point
        temperature = temperature_schedule(self.config.warmup_temperature, self.config.warmup_steps)(step)
        mixture = sample_point(key, space, logits, temperature, hard=False)
        return dataclasses.replace(point, rows=jnp.where(step < self.config.warmup_steps, mixture.rows, point.rows))

    def expected_point(self, logits: Logits, step: jax.Array | int) -> Point:
        """Every option as often as it is probable at the temperature of a step: the lower, the more of the likeliest."""
        return mean_point(self.space, logits / self.temperature(jnp.asarray(step)))

    def _priced(self, point: Point, logits: Logits, state: SearchState) -> SoftCost:
        """Cost of a sampled point, or of the expected network on its accelerator."""
        if self.config.expected_network:
            is_network = np.arange(len(point)) < len(self.network_space.decisions)
            expected = self.expected_point(logits, state.step)
            point = dataclasses.replace(point, rows=jnp.where(is_network[:, None], expected.rows, point.rows))
        cost = self.cost(point)
        return cost if state.shares is None else cast(ChunkedCost, cost).of_best(state.shares)

    def _loss(
        self, parameters: Variables, point: Point, logits: Logits, state: SearchState, batch: Batch
    ) -> tuple[jax.Array, dict[str, Any]]:
        """The objective at a point sampled from logits."""
        task_loss, accuracy = self._task.evaluate(parameters, batch, point)
        cost = self._priced(point, logits, state)
        total = objective(self.config.objective, task_loss, cost, self.budgets, state.multipliers)
        return total, {"loss": total, "task_loss": task_loss, "accuracy": accuracy, "cost": cost}

    def weights_point(self, state: SearchState, key: jax.Array) -> Point:
        """The network under which weights learn in a bilevel step."""
        point = self._learning_sample(key, self.network_space, state.network_logits, state.step)
        if self.config.soft_widths:
            soft = self._sample(key, self.network_space, state.network_logits, state.step, hard=False)
            is_width = np.array([[is_bits(name)] for name, _ in point.sizes])
            point = dataclasses.replace(point, rows=jnp.where(is_width, soft.rows, point.rows))
        return point

    def _task_loss(
        self, parameters: Variables, state: SearchState, batch: Batch, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Loss of the weights alone under a sampled network, and accuracy: no hardware in the program."""
        return self._task.evaluate(parameters, batch, self.weights_point(state, key))

    def _apply_weights(self, state: SearchState, gradient: Variables) -> SearchState:
        updates, optimizer = self._optimizers["weights"].update(gradient, state.weights_optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        return dataclasses.replace(state, parameters=parameters, weights_optimizer=optimizer)

    def _apply_decisions(
        self, state: SearchState, gradient: Logits, cost: SoftCost, moving: jax.Array | bool
    ) -> SearchState:
        """Decisions and multipliers after one gradient; unchanged unless `moving`."""
        decisions, width = state.network_logits.shape
        network_gradient = gradient[:decisions, :width]
        accelerator_gradient = gradient[decisions:, : state.accelerator_logits.shape[-1]]
        network_updates, network_optimizer = self._optimizers["network"].update(
            network_gradient, state.network_optimizer, state.network_logits
        )
        accelerator_updates, accelerator_optimizer = self._optimizers["accelerator"].update(
            accelerator_gradient, state.accelerator_optimizer, state.accelerator_logits
        )
        moved = {
            "network_logits": optax.apply_updates(state.network_logits, network_updates),
            "accelerator_logits": optax.apply_updates(state.accelerator_logits, accelerator_updates),
            "multipliers": update_multipliers(self.config.objective, state.multipliers, cost, self.budgets),
            "network_optimizer": network_optimizer,
            "accelerator_optimizer": accelerator_optimizer,
        }
        held = {name: getattr(state, name) for name in moved}
        return dataclasses.replace(state, **jax.tree.map(lambda new, old: jnp.where(moving, new, old), moved, held))

    def _key(self, state: SearchState, half: Literal[0, 1]) -> jax.Array:
        """Of the samples of one half of a step."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step), half)

    def joint_step(self, state: SearchState, batch: Batch) -> tuple[SearchState, dict[str, jax.Array]]:
        """Single-level step: one gradient of one loss for weights and decisions."""

        def loss(parameters: Variables, logits: Logits) -> tuple[jax.Array, dict[str, Any]]:
            point = self._learning_sample(self._key(state, 0), self.space, logits, state.step)
            return self._loss(parameters, point, logits, state, batch)

        (_, aux), (by_weights, by_logits) = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(
            state.parameters, state.logits
        )
        metrics = self._metrics(state, aux)
        moving = state.step >= self.config.warmup_steps
        state = self._apply_decisions(state, by_logits, aux["cost"], moving)
        state = self._apply_weights(state, by_weights)
        return dataclasses.replace(state, step=state.step + 1), metrics

    def weights_step(self, state: SearchState, batch: Batch) -> tuple[SearchState, dict[str, jax.Array]]:
        """First half of a bilevel step: weights on the training part. Does not advance the step count."""
        (loss, accuracy), gradient = jax.value_and_grad(self._task_loss, has_aux=True)(
            state.parameters, state, batch, self._key(state, 0)
        )
        metrics = {"train_loss": loss, "train_accuracy": accuracy}
        return self._apply_weights(state, gradient), metrics

    def decisions_step(self, state: SearchState, batch: Batch) -> tuple[SearchState, dict[str, jax.Array]]:
        """Second half of a bilevel step: decisions on the validation part; advances the step count."""

        def loss(logits: Logits) -> tuple[jax.Array, dict[str, Any]]:
            point = self._sample(self._key(state, 1), self.space, logits, state.step, self.config.hard)
            return self._loss(state.parameters, point, logits, state, batch)

        (_, aux), gradient = jax.value_and_grad(loss, has_aux=True)(state.logits)
        metrics = self._metrics(state, aux)
        moving = state.step >= self.config.warmup_steps
        state = self._apply_decisions(state, gradient, aux["cost"], moving)
        return dataclasses.replace(state, step=state.step + 1), metrics

    def held_step(self, state: SearchState, trained: Mapping[str, jax.Array]) -> tuple[SearchState, dict[str, jax.Array]]:
        """Second half of a bilevel step of the warm-up, in which decisions stay put: no network in the program.

        Its metrics are those of `decisions_step`, with loss and accuracy of the first half, `trained`.
        """
        point = self._sample(self._key(state, 1), self.space, state.logits, state.step, self.config.hard)
        loss, accuracy = trained["train_loss"], trained["train_accuracy"]
        cost = self._priced(point, state.logits, state)
        metrics = self._metrics(state, {"loss": loss, "task_loss": loss, "accuracy": accuracy, "cost": cost})
        return dataclasses.replace(state, step=state.step + 1), metrics

    def _metrics(self, state: SearchState, aux: dict[str, Any]) -> dict[str, jax.Array]:
        cost: SoftCost = aux["cost"]
        metrics = {
            "loss": aux["loss"],
            "task_loss": aux["task_loss"],
            "accuracy": aux["accuracy"],
            **cost.metrics,
            "temperature": self.temperature(state.step),
        }
        return metrics | {f"multiplier.{name}": value for name, value in state.multipliers.items()}
