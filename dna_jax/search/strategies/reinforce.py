"""One-shot search's learner: REINFORCE over independent decisions, with a moving average of rewards as baseline.

TuNAS (Bender et al., "Can Weight Sharing Outperform Random Architecture Search?", CVPR 2020), as NAHAS one-shot has it: one
categorical distribution per decision, Adam at 0.0048, a baseline of decay 0.95 and an absolute reward. What the papers leave
open is that of the release of TuNAS, `tunas/mobile_architecture_search.py` (the release below).
"""

import dataclasses
import functools
from typing import Literal, cast

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dna_jax.checks import require_at_least
from dna_jax.search.relaxation import Logits, initial_logits
from dna_jax.search.strategies.rewards import Absolute, Reward
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, select_all
from dna_jax.spaces import Space


@dataclasses.dataclass(frozen=True)
class ReinforceConfig:
    """How a policy learns.

    Attributes:
      batch: designs to an update.
      learning_rate: of Adam at the first update; the release's 0.0003 for every 256 images of a step, of which it has 4,096.
      growth: by how much the rate has grown, exponentially, at the last update (the release: 10).
      updates: in all, over which it grows.
      baseline_decay: of the moving average of rewards (TuNAS: 0.95).
      entropy_weight: bonus for undecided policies (the release: 0).
    """

    batch: int = 10
    learning_rate: float = 0.0048
    growth: float = 10.0
    updates: int = 500
    baseline_decay: float = 0.95
    entropy_weight: float = 0.0

    def __post_init__(self) -> None:
        require_at_least(self, batch=1, updates=1)
        if not self.growth > 0:
            raise ValueError(f"growth must be positive, not {self.growth}.")
        for name in ("learning_rate", "entropy_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, and is {getattr(self, name)}.")
        if not 0 <= self.baseline_decay < 1:
            raise ValueError(f"baseline_decay {self.baseline_decay} must lie in [0, 1).")


def reinforce_loss(log_probability: jax.Array, advantages: jax.Array) -> jax.Array:
    """Williams (1992), as a loss: its expected gradient is that of the expected reward, with the sign changed.

    Args:
      log_probability: of the designs drawn, [batch].
      advantages: rewards less a baseline that does not depend on them, [batch].
    """
    return -jnp.mean(jax.lax.stop_gradient(advantages) * log_probability)


@struct.dataclass
class Policy:
    """What a policy has learned.

    Attributes:
      logits: of every decision.
      optimizer: Optax state.
      baseline: moving average of rewards.
      updates: how many.
    """

    logits: Logits
    optimizer: optax.OptState
    baseline: jax.Array
    updates: jax.Array


@dataclasses.dataclass(frozen=True)
class Reinforce:
    """How a policy learns from rewards, as pure functions.

    Attributes:
      space: with what is fixed, which is never drawn otherwise.
      config: how it learns.
    """

    space: Space
    config: ReinforceConfig = ReinforceConfig()

    @functools.cached_property
    def _optimizer(self) -> optax.GradientTransformation:
        config = self.config
        rate = optax.exponential_decay(config.learning_rate, max(config.updates - 1, 1), config.growth)
        # Without a mean of gradients, as in the release: those of other designs say little of this one.
        return optax.adam(rate, b1=0.0, b2=0.999)

    def init(self) -> Policy:
        """Before the first update every option is as likely."""
        logits = initial_logits(self.space)
        return Policy(logits, self._optimizer.init(logits), jnp.zeros(()), jnp.zeros((), jnp.int32))

    def log_probabilities(self, logits: Logits) -> jax.Array:
        """Of every option, [decisions, widest]; minus infinity of what may not be chosen."""
        return jax.nn.log_softmax(logits, axis=-1, where=self.space.is_allowed)

    def log_probability(self, logits: Logits, designs: Designs) -> jax.Array:
        """Of designs int32[batch, decisions], [batch]."""
        chosen = jax.nn.one_hot(designs, logits.shape[-1], dtype=bool)
        return jnp.sum(jnp.where(chosen, self.log_probabilities(logits), 0), axis=(-2, -1))

    def entropy(self, logits: Logits) -> jax.Array:
        """Of all decisions together, nats."""
        log_p = jnp.where(self.space.is_allowed, self.log_probabilities(logits), 0)
        return -jnp.sum(jnp.exp(log_p) * log_p)

    def sample(self, logits: Logits, key: jax.Array, batch: int) -> Designs:
        """Designs drawn from the policy, int32[batch, decisions]."""
        shape = (batch, len(self.space.decisions))
        return jax.random.categorical(key, self.log_probabilities(logits), axis=-1, shape=shape).astype(jnp.int32)

    def likeliest(self, logits: Logits) -> jax.Array:
        """The design of the likeliest option of every decision, int32[decisions]."""
        return jnp.argmax(self.log_probabilities(logits), axis=-1).astype(jnp.int32)

    def learn(self, policy: Policy, designs: Designs, rewards: jax.Array) -> Policy:
        """After one update.

        Args:
          policy: from which the designs were drawn.
          designs: of the update, int32[batch, decisions].
          rewards: f32[batch].
        """
        config, mean = self.config, jnp.mean(rewards)
        # The first rewards are their own baseline.
        baseline = jnp.where(policy.updates == 0, mean, policy.baseline)

        def loss(logits: Logits) -> jax.Array:
            bonus = config.entropy_weight * self.entropy(logits)
            return reinforce_loss(self.log_probability(logits, designs), rewards - baseline) - bonus

        updates, optimizer = self._optimizer.update(jax.grad(loss)(policy.logits), policy.optimizer, policy.logits)
        return Policy(
            logits=policy.logits + cast(jax.Array, updates),
            optimizer=optimizer,
            baseline=config.baseline_decay * baseline + (1 - config.baseline_decay) * mean,
            updates=policy.updates + 1,
        )


@struct.dataclass
class ReinforceState:
    """A policy, and the best design that it has drawn."""

    policy: Policy
    incumbent: Incumbent


@dataclasses.dataclass(frozen=True)
class ReinforceSearch:
    """The learner of one-shot search with accuracies that are told, a `Strategy`.

    Attributes:
      space: with what is fixed.
      reward: of a design.
      config: how the policy learns.
      returns: "best" of the designs drawn, as they were told, or the policy's "likeliest", as where accuracies are those of
        shared weights, which say little of a single design.
    """

    space: Space
    reward: Reward = Absolute()
    config: ReinforceConfig = ReinforceConfig()
    returns: Literal["best", "likeliest"] = "best"

    @functools.cached_property
    def _learner(self) -> Reinforce:
        return Reinforce(self.space, self.config)

    def init(self, key: jax.Array) -> ReinforceState:
        return ReinforceState(self._learner.init(), Incumbent.none(len(self.space.decisions)))

    def propose(self, state: ReinforceState, key: jax.Array) -> Designs:
        return self._learner.sample(state.policy.logits, key, self.config.batch)

    def select(self, state: ReinforceState, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        return select_all(designs)

    def update(self, state: ReinforceState, designs: Designs, feedback: Feedback) -> ReinforceState:
        policy = self._learner.learn(state.policy, designs, self.reward(feedback.accuracy, feedback.log_ratios))
        return ReinforceState(policy, state.incumbent.update(designs, feedback))

    def answer(self, state: ReinforceState) -> jax.Array:
        return state.incumbent.design if self.returns == "best" else self._learner.likeliest(state.policy.logits)
