"""Two-level co-exploration: fast steps by hardware alone, slow steps that train what the hardware can bear.

Jiang et al., "Hardware/Software Co-Exploration of Neural Architectures" (TCAD 2020, arXiv:1907.04650): the fast exploration
tunes a controller by hardware metrics and prunes designs that miss the specification, without training; the slow exploration
trains the others and updates the controller by accuracy and hardware efficiency together. One controller serves both levels
here, each with a baseline of its own, for their rewards differ in scale.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.search.strategies.ppo import Learner, Ppo, PpoConfig
from dna_jax.search.strategies.rewards import HARD, Reward
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, Returns, Rewarded, select_all
from dna_jax.spaces import Space

_EQUAL = 1e-6
"""Rewards of a batch that differ by less say nothing about which design is better."""


@dataclasses.dataclass(frozen=True)
class Shortfall:
    """What a design lacks to meet its budgets: minus the sum of log(cost / limit) beyond the limits; 0 where all are met.

    It does not depend on accuracy, so it can reward fast steps. What a design saves below its limits earns nothing: a
    controller that met them is left alone.
    """

    def __call__(self, accuracy: jax.Array, log_ratios: jax.Array) -> jax.Array:
        """Reward [...] of accuracies [...], which are not looked at, and log_ratios [..., budgets]."""
        return -jnp.sum(jax.nn.relu(log_ratios), axis=-1)


@dataclasses.dataclass(frozen=True)
class AccuracyAndEfficiency:
    """beta * accuracy + (1 - beta) * hardware efficiency, less the `Shortfall` of the budgets.

    The weighted sum is the reward of the paper's slow exploration, with hardware efficiency as the utilisation of a
    pipeline; the budgets' excess is taken off where nothing is pruned, for then designs that miss them are told, too.

    Attributes:
      beta: weight of accuracy; 0 for the reward of fast steps, which know of hardware alone.
      budget: which budget is that on inefficiency, whose `log_ratios` are log(limit / efficiency).
      least: efficiency at that budget's limit, a share.
    """

    beta: float
    budget: int
    least: float

    def __call__(self, accuracy: jax.Array, log_ratios: jax.Array) -> jax.Array:
        """Reward [...] of accuracies [...] and log_ratios [..., budgets]."""
        efficiency = self.least * jnp.exp(-log_ratios[..., self.budget])
        return self.beta * accuracy / 100 + (1 - self.beta) * efficiency + Shortfall()(accuracy, log_ratios)


@dataclasses.dataclass(frozen=True)
class FastSlowConfig:
    """How the levels take turns.

    Attributes:
      fast_steps: before each slow one; 0 for slow steps alone.
      enough: share of designs that meet every budget beyond which a fast step teaches nothing. Rewards count by how they
        differ within a step, so that the last few designs that miss a budget weigh as much as the first: left to itself the
        fast level narrows the search down before accuracy has been looked at.
      prune: whether slow steps leave designs untrained that miss a budget.
      ppo: how the controller learns, in both levels.
    """

    fast_steps: int = 10
    enough: float = 1.0
    prune: bool = True
    ppo: PpoConfig = PpoConfig()

    def __post_init__(self) -> None:
        if self.fast_steps < 0:
            raise ValueError(f"fast_steps must not be negative, and is {self.fast_steps}.")
        if not 0 < self.enough <= 1:
            raise ValueError(f"enough is a share above 0 and at most 1, not {self.enough}.")
        if self.enough != 1 and not self.fast_steps:
            raise ValueError(
                f"enough={self.enough} has no effect here, for it is read only with fast_steps of at least 1; change that, "
                "or set enough=1.0."
            )


@struct.dataclass
class FastSlowState:
    """A controller, what its fast level has got used to, and the best design trained.

    Attributes:
      learner: the controller, with the baseline and the number of updates of the slow level.
      fast_baseline: moving average of the rewards of fast steps.
      fast_updates: how many fast steps have taught something.
      steps: of both levels.
      incumbent: the best design.
      rewarded: the design of highest reward of those trained.
    """

    learner: Learner
    fast_baseline: jax.Array
    fast_updates: jax.Array
    steps: jax.Array
    incumbent: Incumbent
    rewarded: Rewarded


@dataclasses.dataclass(frozen=True)
class FastSlowSearch:
    """Two-level co-exploration, a `Strategy`.

    Attributes:
      space: with what is fixed.
      reward: of designs that were trained. Of those pruned a slow step is told nothing: beside an accuracy of 0 for each of
        them it would hardly matter how accurate the others are, and by what they cost fast steps have judged them.
      fast_reward: of designs in fast steps, told with an accuracy of 0.
      config: how the levels take turns.
      returns: which of the designs trained.
    """

    space: Space
    reward: Reward = HARD
    fast_reward: Reward = Shortfall()
    config: FastSlowConfig = FastSlowConfig()
    returns: Returns = "best"

    @functools.cached_property
    def _ppo(self) -> Ppo:
        return Ppo(self.space, self.config.ppo)

    @property
    def _allowed(self) -> jax.Array:
        return jnp.asarray(self.space.is_allowed)

    def is_slow(self, state: FastSlowState) -> jax.Array:
        """Whether the next step is a slow one, bool."""
        return state.steps % (self.config.fast_steps + 1) == self.config.fast_steps

    def init(self, key: jax.Array) -> FastSlowState:
        zero, decisions = jnp.zeros((), jnp.int32), len(self.space.decisions)
        best = Incumbent.none(decisions), Rewarded.none(decisions)
        return FastSlowState(self._ppo.init(key), jnp.zeros(()), zero, zero, *best)

    def propose(self, state: FastSlowState, key: jax.Array) -> Designs:
        parameters = state.learner.parameters
        return self._ppo.controller.sample(parameters, key, self.config.ppo.batch, self._allowed).designs

    def select(self, state: FastSlowState, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        """None in a fast step; in a slow one those that meet every budget, or all if nothing is pruned."""
        kept = jnp.all(log_ratios <= 0, axis=-1) if self.config.prune else select_all(designs)
        return kept & self.is_slow(state)

    def update(self, state: FastSlowState, designs: Designs, feedback: Feedback) -> FastSlowState:
        slow = self.is_slow(state)
        slow_rewards = jnp.where(feedback.trained, self.reward(feedback.accuracy, feedback.log_ratios), jnp.nan)
        fast_rewards = self.fast_reward(jnp.zeros_like(feedback.accuracy), feedback.log_ratios)
        rewards = jnp.where(slow, slow_rewards, fast_rewards)
        # Advantages are scaled to the spread of a batch: where all are alike, a baseline that lags behind would be all there
        # is to them. So it is where every design meets its budgets, and fast steps have nothing left to teach.
        teaches = (jnp.nanmax(rewards) - jnp.nanmin(rewards) > _EQUAL) & (
            slow | (jnp.mean(feedback.feasible) <= self.config.enough)
        )
        rewards = jnp.where(teaches, rewards, jnp.nan)
        own = state.learner
        before = dataclasses.replace(
            own,
            baseline=jnp.where(slow, own.baseline, state.fast_baseline),
            updates=jnp.where(slow, own.updates, state.fast_updates),
        )
        after = self._ppo.learn(before, designs, rewards, self._allowed)
        learner = dataclasses.replace(
            after,
            baseline=jnp.where(slow, after.baseline, own.baseline),
            updates=jnp.where(slow, after.updates, own.updates),
        )
        return FastSlowState(
            learner=learner,
            fast_baseline=jnp.where(slow, state.fast_baseline, after.baseline),
            fast_updates=jnp.where(slow, state.fast_updates, after.updates),
            steps=state.steps + 1,
            incumbent=state.incumbent.update(designs, feedback),
            rewarded=state.rewarded.update(designs, slow_rewards),
        )

    def answer(self, state: FastSlowState) -> jax.Array:
        return (state.incumbent if self.returns == "best" else state.rewarded).design
