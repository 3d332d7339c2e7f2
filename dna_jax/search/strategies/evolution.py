"""Regularised evolution (Real et al., AAAI 2019): the oldest die, the best of a sample has a child.

Designs that exceed a budget rank below all that meet them, by their excess (the rules of Deb, 2000, for constrained
evolution).
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import struct

from dna_jax.checks import require_at_least
from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, select_all
from dna_jax.search.strategies.uniform import uniform_designs
from dna_jax.spaces import Space

_WORST = -1e9
"""Fitness of a place in the population that is still empty."""


@dataclasses.dataclass(frozen=True)
class EvolutionConfig:
    """How a population evolves.

    Attributes:
      population: designs alive (Real et al.: 100).
      sample: of which the best has a child (Real et al.: 25).
      batch: children of a step, a divisor of the population.
    """

    population: int = 100
    sample: int = 25
    batch: int = 10

    def __post_init__(self) -> None:
        require_at_least(self, population=1, sample=1, batch=1)
        if self.population % self.batch:
            raise ValueError(f"batch {self.batch} must divide population {self.population}.")


@struct.dataclass
class EvolutionState:
    """The population as a ring: what is written next is the oldest.

    Attributes:
      designs: int32[population, decisions].
      fitness: f32[population].
      born: designs so far.
      incumbent: the best of all.
    """

    designs: jax.Array
    fitness: jax.Array
    born: jax.Array
    incumbent: Incumbent


@dataclasses.dataclass(frozen=True)
class EvolutionSearch:
    """Regularised evolution, a `Strategy`.

    Attributes:
      space: with what is fixed.
      config: how its population evolves.
    """

    space: Space
    config: EvolutionConfig = EvolutionConfig()

    def init(self, key: jax.Array) -> EvolutionState:
        decisions = len(self.space.decisions)
        return EvolutionState(
            designs=jnp.zeros((self.config.population, decisions), jnp.int32),
            fitness=jnp.full(self.config.population, _WORST),
            born=jnp.zeros((), jnp.int32),
            incumbent=Incumbent.none(decisions),
        )

    def propose(self, state: EvolutionState, key: jax.Array) -> Designs:
        """Random designs until the population is full, then children: one free decision takes another option."""
        pick, which, redraw, option = jax.random.split(key, 4)
        drawn = uniform_designs(self.space, redraw, self.config.batch)
        contestants = jax.random.randint(pick, (self.config.batch, self.config.sample), 0, self.config.population)
        winners = jnp.argmax(state.fitness[contestants], axis=1)
        parents = state.designs[jnp.take_along_axis(contestants, winners[:, None], axis=1)[:, 0]]
        free = self.space.is_allowed.sum(axis=1) > 1
        mutated = jax.random.categorical(which, jnp.where(free, 0.0, -jnp.inf), shape=(self.config.batch,))
        # Any option but the parent's.
        options = jnp.asarray(self.space.is_allowed)[mutated]
        at = jnp.take_along_axis(parents, mutated[:, None], axis=1)
        others = options & (jnp.arange(options.shape[1]) != at)
        chosen = jax.random.categorical(option, jnp.where(others, 0.0, -jnp.inf), axis=-1)
        children = jnp.where(jnp.arange(parents.shape[1]) == mutated[:, None], chosen[:, None], parents)
        return jnp.where(state.born < self.config.population, drawn, children).astype(jnp.int32)

    def select(self, state: EvolutionState, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        return select_all(designs)

    def update(self, state: EvolutionState, designs: Designs, feedback: Feedback) -> EvolutionState:
        excess = jnp.max(feedback.log_ratios, axis=-1)
        # Accuracies are at most 100, so that any within the budgets is fitter than all beyond them.
        fitness = jnp.where(feedback.feasible, feedback.accuracy, -excess)
        places = (state.born + jnp.arange(self.config.batch)) % self.config.population
        return EvolutionState(
            designs=state.designs.at[places].set(designs),
            fitness=state.fitness.at[places].set(fitness),
            born=state.born + self.config.batch,
            incumbent=state.incumbent.update(designs, feedback),
        )

    def answer(self, state: EvolutionState) -> jax.Array:
        return state.incumbent.design
