"""NAHAS multi-trial: proximal policy optimisation with a recurrent controller over the joint space.

Zhou et al., "Rethinking Co-design of Neural Architectures and Hardware Accelerators" (2021), section 3.4 and 4: PPO with
Adam at 5e-4, gradients clipped at norm 1.0, ten trials to an update; designs that exceed a budget are trained and told like
any other. Losses are those of Schulman et al. (2017).
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax
from flax import nnx, struct

from dna_jax.checks import require_at_least
from dna_jax.search.strategies.controller import Controller
from dna_jax.search.strategies.rewards import HARD, Reward
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, Returns, Rewarded, select_all
from dna_jax.spaces import Space


@dataclasses.dataclass(frozen=True)
class PpoConfig:
    """How the controller learns. Where no paper is named, the paper is silent and the value was set here.

    Attributes:
      batch: trials to an update. NAHAS averages rewards over 10 trials, which is read as updates of ten.
      learning_rate: of Adam (NAHAS: 5e-4).
      clip_norm: of gradients (NAHAS: 1.0).
      clip_ratio: how far a probability may move from that under which a trial was drawn (Schulman et al.: 0.2).
      epochs: gradient steps on the trials of an update.
      entropy_weight: bonus for undecided controllers.
      baseline_decay: of the moving average of rewards that rewards are compared with.
      features: of the controller.
    """

    batch: int = 10
    learning_rate: float = 5e-4
    clip_norm: float = 1.0
    clip_ratio: float = 0.2
    epochs: int = 4
    entropy_weight: float = 1e-3
    baseline_decay: float = 0.95
    features: int = 32

    def __post_init__(self) -> None:
        require_at_least(self, batch=1, epochs=1, features=1)
        for name in ("learning_rate", "clip_norm", "clip_ratio"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}.")
        if not self.entropy_weight >= 0:
            raise ValueError(f"entropy_weight must not be negative, and is {self.entropy_weight}.")
        if not 0 <= self.baseline_decay < 1:
            raise ValueError(f"baseline_decay {self.baseline_decay} must lie in [0, 1).")


def clipped_surrogate_loss(ratios: jax.Array, advantages: jax.Array, clip_ratio: float) -> jax.Array:
    """Schulman et al. (2017), equation 7, as a loss.

    Args:
      ratios: probability now over probability when drawn, [batch].
      advantages: [batch].
      clip_ratio: the paper's epsilon.
    """
    clipped = jnp.clip(ratios, 1 - clip_ratio, 1 + clip_ratio)
    return -jnp.mean(jnp.minimum(ratios * advantages, clipped * advantages))


@struct.dataclass
class Learner:
    """What a controller has learned.

    Attributes:
      parameters: of the controller.
      optimizer: Optax state.
      baseline: moving average of rewards.
      updates: how many.
    """

    parameters: nnx.State
    optimizer: optax.OptState
    baseline: jax.Array
    updates: jax.Array


@dataclasses.dataclass(frozen=True)
class Ppo:
    """How a controller learns from rewards, as pure functions; strategies are made of it.

    Attributes:
      space: whose decisions are made.
      config: how it learns.
    """

    space: Space
    config: PpoConfig = PpoConfig()

    @functools.cached_property
    def controller(self) -> Controller:
        """The recurrent controller."""
        return Controller(self.space, self.config.features)

    @functools.cached_property
    def _optimizer(self) -> optax.GradientTransformation:
        return optax.chain(optax.clip_by_global_norm(self.config.clip_norm), optax.adam(self.config.learning_rate))

    def init(self, key: jax.Array) -> Learner:
        """Before the first update."""
        parameters = self.controller.init(key)
        return Learner(parameters, self._optimizer.init(parameters), jnp.zeros(()), jnp.zeros((), jnp.int32))

    def learn(self, learner: Learner, designs: Designs, rewards: jax.Array, allowed: jax.Array) -> Learner:
        """After one update.

        Args:
          learner: under which the designs were drawn.
          designs: of the update, int32[batch, decisions].
          rewards: f32[batch]; designs whose reward is NaN are left out.
          allowed: options that could be drawn, bool[decisions, widest].
        """
        config, told = self.config, jnp.isfinite(rewards)
        count = jnp.maximum(jnp.sum(told), 1)
        mean = jnp.sum(jnp.where(told, rewards, 0)) / count
        # The first rewards are their own baseline.
        baseline = jnp.where(learner.updates == 0, mean, learner.baseline)
        advantages = jnp.where(told, rewards - baseline, 0)
        # Rewards of one space are a hundred times those of another: what counts is which trials were better.
        deviation = jnp.sqrt(jnp.sum(jnp.square(advantages)) / count)
        advantages = advantages / (deviation + 1e-6)
        drawn = jnp.sum(self.controller.score(learner.parameters, designs, allowed).log_probability, axis=-1)

        def loss(parameters: nnx.State) -> jax.Array:
            episodes = self.controller.score(parameters, designs, allowed)
            ratios = jnp.exp(jnp.sum(episodes.log_probability, axis=-1) - drawn)
            surrogate = clipped_surrogate_loss(ratios, advantages, config.clip_ratio) * designs.shape[0] / count
            return surrogate - config.entropy_weight * jnp.mean(jnp.sum(episodes.entropy, axis=-1))

        def epoch(_, carried):
            parameters, optimizer = carried
            updates, optimizer = self._optimizer.update(jax.grad(loss)(parameters), optimizer, parameters)
            return optax.apply_updates(parameters, updates), optimizer

        parameters, optimizer = jax.lax.fori_loop(0, config.epochs, epoch, (learner.parameters, learner.optimizer))
        decay = config.baseline_decay
        new = Learner(parameters, optimizer, decay * baseline + (1 - decay) * mean, learner.updates + 1)
        # Where nothing was told there is nothing to learn.
        return jax.tree.map(lambda after, before: jnp.where(jnp.any(told), after, before), new, learner)


@struct.dataclass
class PpoState:
    """A controller, and what it may return of the designs that it has drawn."""

    learner: Learner
    incumbent: Incumbent
    rewarded: Rewarded


@dataclasses.dataclass(frozen=True)
class PpoSearch:
    """NAHAS multi-trial search, a `Strategy`.

    Attributes:
      space: with what is fixed.
      reward: of a trial.
      config: how the controller learns.
      returns: which of the designs drawn.
    """

    space: Space
    reward: Reward = HARD
    config: PpoConfig = PpoConfig()
    returns: Returns = "best"

    @functools.cached_property
    def _ppo(self) -> Ppo:
        return Ppo(self.space, self.config)

    @property
    def _allowed(self) -> jax.Array:
        return jnp.asarray(self.space.is_allowed)

    def init(self, key: jax.Array) -> PpoState:
        decisions = len(self.space.decisions)
        return PpoState(self._ppo.init(key), Incumbent.none(decisions), Rewarded.none(decisions))

    def propose(self, state: PpoState, key: jax.Array) -> Designs:
        parameters = state.learner.parameters
        return self._ppo.controller.sample(parameters, key, self.config.batch, self._allowed).designs

    def select(self, state: PpoState, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        return select_all(designs)

    def update(self, state: PpoState, designs: Designs, feedback: Feedback) -> PpoState:
        rewards = self.reward(feedback.accuracy, feedback.log_ratios)
        learner = self._ppo.learn(state.learner, designs, rewards, self._allowed)
        return PpoState(learner, state.incumbent.update(designs, feedback), state.rewarded.update(designs, rewards))

    def answer(self, state: PpoState) -> jax.Array:
        return (state.incumbent if self.returns == "best" else state.rewarded).design
