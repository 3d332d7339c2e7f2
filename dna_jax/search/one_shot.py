"""One-shot joint search: weights and a policy of designs learn in turn, the policy by REINFORCE.

TuNAS (Bender et al., CVPR 2020) as NAHAS (Zhou et al., 2021) extends it to accelerators: in a warm-up the shared weights
learn under designs drawn uniformly; then every step of the weights, under a design drawn from the policy, is followed by one
of the policy, whose rewards are accuracies on held-out images, with the weights as they are, less what costs are off their
budgets. The design returned is the policy's most likely one. No gradient passes through the hardware model.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dna_jax.networks import Family, Variables, expected_layers
from dna_jax.search.cosearch import Pricing
from dna_jax.search.objectives import Budgets, SoftCost, log_ratios
from dna_jax.search.optimizers import make_optimizer
from dna_jax.search.relaxation import Logits
from dna_jax.search.search_config import SearchConfig
from dna_jax.search.strategies import Absolute, Policy, Reinforce, ReinforceConfig
from dna_jax.search.supernet_task import Batch, SupernetTask
from dna_jax.spaces import Space

AIMED_AT = "latency_ms"
"""The cost whose budget is aimed at from both sides, the T of TuNAS. Of several absolute rewards all but one would pull
designs away from what is cheapest, so that other costs are punished above their budgets alone."""


@struct.dataclass
class OneShotState:
    """Everything that changes: a pytree.

    Attributes:
      step: steps taken, int32.
      key: of the samples, as `jax.random.key_data`.
      parameters: of the supernet. It trains on the statistics of each batch; derived networks are recalibrated.
      weights_optimizer: Optax state.
      policy: of the joint space.
    """

    step: jax.Array
    key: jax.Array
    parameters: Variables
    weights_optimizer: optax.OptState
    policy: Policy

    @property
    def logits(self) -> Logits:
        """Of all decisions, the network's first, as the joint space has them."""
        return self.policy.logits


@dataclasses.dataclass(frozen=True)
class OneShot:
    """The search, as pure functions over `OneShotState`.

    Attributes:
      config: how to search.
      specification: the network family.
      pricing: what layers cost on the accelerator of a one-hot point; neighbours need no price.
      network_space, accelerator_space: with what is fixed.
      budgets: limits on cost.
    """

    config: SearchConfig
    specification: Family
    pricing: Pricing
    network_space: Space
    accelerator_space: Space
    budgets: Budgets

    @functools.cached_property
    def space(self) -> Space:
        """The joint space."""
        return self.network_space | self.accelerator_space

    @functools.cached_property
    def _task(self) -> SupernetTask:
        return SupernetTask(self.specification, self.network_space, self.config.label_smoothing)

    @functools.cached_property
    def _optimizer(self) -> optax.GradientTransformation:
        return make_optimizer(self.config.weights, self.config.steps)

    @functools.cached_property
    def learner(self) -> Reinforce:
        """How the policy learns."""
        own, updates = self.config.one_shot, self.config.steps - self.config.warmup_steps
        config = ReinforceConfig(own.samples, own.learning_rate, own.growth, updates, own.baseline_decay)
        return Reinforce(self.space, config)

    @functools.cached_property
    def reward(self) -> Absolute:
        """Of accuracies and costs: two-sided for AIMED_AT, one-sided for other budgets."""
        return Absolute(self.config.one_shot.beta, tuple(name != AIMED_AT for name, _ in self.budgets.items()))

    def init(self, seed: int) -> OneShotState:
        """State before the first step; the seed is that of weights and samples."""
        parameters, _ = self._task.model.init(seed)
        return OneShotState(
            step=jnp.zeros((), jnp.int32),
            key=jax.random.key_data(jax.random.key(seed)),
            parameters=parameters,
            weights_optimizer=self._optimizer.init(parameters),
            policy=self.learner.init(),
        )

    def _key(self, state: OneShotState, half: Literal[0, 1]) -> jax.Array:
        """Of the samples of one half of a step."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step), half)

    def cost(self, design: jax.Array) -> SoftCost:
        """Cost of a design, int32[decisions]."""
        point = self.space.one_hot(design)
        return self.pricing(*expected_layers(self.specification, point), point)

    def rewards(self, accuracy: jax.Array, costs: SoftCost) -> jax.Array:
        """Rewards [samples] of accuracies (0 to 1) and costs of as many designs.

        What does not fit its memories cannot run; every KiB of it weighs as a cost of another budget.
        """
        ratios = list(log_ratios(costs, self.budgets).values())
        off = jnp.stack(ratios, axis=-1) if ratios else jnp.zeros((*accuracy.shape, 0))
        return self.reward(100 * accuracy, off) + self.config.one_shot.beta * costs.misfit

    def _weights_design(self, state: OneShotState) -> jax.Array:
        """The design under which weights learn in a step, int32[decisions]."""
        return self.learner.sample(state.logits, self._key(state, 0), 1)[0]

    def _evaluate(self, parameters: Variables, batch: Batch, design: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Task loss and accuracy of a design's network."""
        network = design[: len(self.network_space.decisions)]
        return self._task.evaluate(parameters, batch, self.network_space.one_hot(network))

    def weights_step(self, state: OneShotState, batch: Batch) -> tuple[OneShotState, dict[str, jax.Array]]:
        """First half of a step: weights on the training part, under a design of the policy. Keeps the step count."""
        (loss, accuracy), gradient = jax.value_and_grad(self._evaluate, has_aux=True)(
            state.parameters, batch, self._weights_design(state)
        )
        updates, optimizer = self._optimizer.update(gradient, state.weights_optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        metrics = {"train_loss": loss, "train_accuracy": accuracy}
        return dataclasses.replace(state, parameters=parameters, weights_optimizer=optimizer), metrics

    def decisions_step(self, state: OneShotState, batch: Batch) -> tuple[OneShotState, dict[str, jax.Array]]:
        """Second half of a step: the policy on held-out images; advances the step count.

        Args:
          state: with the weights of the first half.
          batch: as many images as all samples have together, the first ones for the first sample.
        """
        samples = self.config.one_shot.samples
        designs = self.learner.sample(state.logits, self._key(state, 1), samples)
        batches = jax.tree.map(lambda leaf: leaf.reshape(samples, -1, *leaf.shape[1:]), batch)
        losses, accuracy = jax.vmap(self._evaluate, in_axes=(None, 0, 0))(state.parameters, batches, designs)
        costs = jax.vmap(self.cost)(designs)
        rewards = self.rewards(accuracy, costs)
        metrics = self._metrics(state, losses, accuracy, costs, rewards)
        policy = self.learner.learn(state.policy, designs, rewards)
        return dataclasses.replace(state, step=state.step + 1, policy=policy), metrics

    def held_step(self, state: OneShotState, trained: Mapping[str, jax.Array]) -> tuple[OneShotState, dict[str, jax.Array]]:
        """Second half of a step of the warm-up, in which the policy stays put: no network in the program.

        Its metrics are those of `decisions_step`, of the design and the images of the first half, whose are `trained`.
        """
        costs = self.cost(self._weights_design(state))
        accuracy = trained["train_accuracy"]
        metrics = self._metrics(state, trained["train_loss"], accuracy, costs, self.rewards(accuracy, costs))
        return dataclasses.replace(state, step=state.step + 1), metrics

    def _metrics(
        self, state: OneShotState, losses: jax.Array, accuracy: jax.Array, costs: SoftCost, rewards: jax.Array
    ) -> dict[str, jax.Array]:
        """Means over samples; the loss is the reward with its sign changed."""
        means = {"task_loss": losses, "accuracy": accuracy, **costs.metrics, "reward": rewards, "loss": -rewards}
        return {name: jnp.mean(values) for name, values in means.items()} | {"baseline": state.policy.baseline}
