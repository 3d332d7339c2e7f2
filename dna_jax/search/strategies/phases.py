"""NAHAS phase search: the accelerator first, for a fixed network, then the network for that accelerator.

Zhou et al. (2021), section 4.3: the accelerator is searched with the soft reward for an initial network, the network with
the hard reward on the accelerator found.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.search.strategies.ppo import Learner, Ppo, PpoConfig
from dna_jax.search.strategies.rewards import HARD, SOFT, Reward
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, Returns, Rewarded
from dna_jax.spaces import Space


@struct.dataclass
class PhaseState:
    """Where the search is.

    Attributes:
      step: steps taken.
      known: accuracy of the initial network as it was told once, percent; 0 before.
      rewarded: of each phase the design of highest reward; the accelerator of the first one is held in the second.
      learners: of both phases.
      incumbent: of the second phase; before it, of the first.
    """

    step: jax.Array
    known: jax.Array
    rewarded: tuple[Rewarded, Rewarded]
    learners: tuple[Learner, Learner]
    incumbent: Incumbent


@dataclasses.dataclass(frozen=True)
class PhaseSearch:
    """Accelerator, then network, by PPO; a `Strategy`.

    Attributes:
      network_space, accelerator_space: of the joint space, in this order; neither has anything fixed.
      initial: options of the initial network.
      first_steps: of the phase that searches the accelerator.
      first_reward, second_reward: of the phases.
      config: how the controllers learn.
      returns: which of the designs drawn in the second phase; before it, in the first.
    """

    network_space: Space
    accelerator_space: Space
    initial: tuple[int, ...]
    first_steps: int
    first_reward: Reward = SOFT
    second_reward: Reward = HARD
    config: PpoConfig = PpoConfig()
    returns: Returns = "best"

    @functools.cached_property
    def _ppo(self) -> Ppo:
        return Ppo(self.network_space | self.accelerator_space, self.config)

    @property
    def _is_network(self) -> np.ndarray:
        return np.arange(len(self._ppo.space.decisions)) < len(self.network_space.decisions)

    def _allowed(self, state: PhaseState, second: jax.Array) -> jax.Array:
        """Options of a phase, bool[decisions, widest]: one part is held."""
        space = self._ppo.space
        accelerators = len(self.accelerator_space.decisions)
        initial = jnp.array([*self.initial, *[0] * accelerators], jnp.int32)
        held = jnp.where(second, ~self._is_network, self._is_network)
        at = jnp.where(second, state.rewarded[0].design, initial)
        only = jnp.arange(space.is_option.shape[1]) == at[:, None]
        return jnp.where(held[:, None], only, jnp.asarray(space.is_option))

    def _in_second(self, state: PhaseState) -> jax.Array:
        return state.step >= self.first_steps

    def init(self, key: jax.Array) -> PhaseState:
        first, second = jax.random.split(key)
        decisions = len(self._ppo.space.decisions)
        return PhaseState(
            step=jnp.zeros((), jnp.int32),
            known=jnp.zeros(()),
            rewarded=(Rewarded.none(decisions), Rewarded.none(decisions)),
            learners=(self._ppo.init(first), self._ppo.init(second)),
            incumbent=Incumbent.none(decisions),
        )

    def propose(self, state: PhaseState, key: jax.Array) -> Designs:
        second = self._in_second(state)
        learner = jax.tree.map(lambda a, b: jnp.where(second, b, a), *state.learners)
        allowed = self._allowed(state, second)
        return self._ppo.controller.sample(learner.parameters, key, self.config.batch, allowed).designs

    def select(self, state: PhaseState, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        """All in the second phase. The first trains the initial network once: its accuracy is the same on all."""
        first = (jnp.arange(designs.shape[0]) == 0) & (state.step == 0)
        return self._in_second(state) | first

    def update(self, state: PhaseState, designs: Designs, feedback: Feedback) -> PhaseState:
        second = self._in_second(state)
        known = jnp.where(state.step == 0, feedback.accuracy[0], state.known)
        accuracy = jnp.where(second, feedback.accuracy, known)
        rewards = jnp.where(
            second,
            self.second_reward(accuracy, feedback.log_ratios),
            self.first_reward(accuracy, feedback.log_ratios),
        )
        allowed = self._allowed(state, second)
        learner = jax.tree.map(lambda a, b: jnp.where(second, b, a), *state.learners)
        learned = self._ppo.learn(learner, designs, rewards, allowed)
        first_learner, second_learner = state.learners
        first_rewarded, second_rewarded = state.rewarded
        told = Feedback(jnp.ones(designs.shape[0], bool), accuracy, feedback.log_ratios)
        # The networks of the second phase are judged among themselves: they are what is returned.
        begins = state.step == self.first_steps
        empty = Incumbent.none(designs.shape[1])
        incumbent = jax.tree.map(lambda new, old: jnp.where(begins, new, old), empty, state.incumbent)
        return PhaseState(
            step=state.step + 1,
            known=known,
            rewarded=(
                first_rewarded.update(designs, jnp.where(second, jnp.nan, rewards)),
                second_rewarded.update(designs, jnp.where(second, rewards, jnp.nan)),
            ),
            learners=(
                jax.tree.map(lambda new, old: jnp.where(second, old, new), learned, first_learner),
                jax.tree.map(lambda new, old: jnp.where(second, new, old), learned, second_learner),
            ),
            incumbent=incumbent.update(designs, told),
        )

    def answer(self, state: PhaseState) -> jax.Array:
        if self.returns == "best":
            return state.incumbent.design
        first, second = state.rewarded
        return jnp.where(jnp.isfinite(second.reward), second.design, first.design)
