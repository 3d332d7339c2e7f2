"""Random search: designs drawn uniformly."""

import dataclasses

import jax

from dna_jax.search.strategies.strategy import Designs, Feedback, Incumbent, select_all
from dna_jax.spaces import Space


@dataclasses.dataclass(frozen=True)
class UniformSearch:
    """Random search, a `Strategy`.

    Attributes:
      space: with what is fixed.
      batch: designs of a step.
    """

    space: Space
    batch: int = 10

    def init(self, key: jax.Array) -> Incumbent:
        return Incumbent.none(len(self.space.decisions))

    def propose(self, state: Incumbent, key: jax.Array) -> Designs:
        return uniform_designs(self.space, key, self.batch)

    def select(self, state: Incumbent, designs: Designs, log_ratios: jax.Array) -> jax.Array:
        return select_all(designs)

    def update(self, state: Incumbent, designs: Designs, feedback: Feedback) -> Incumbent:
        return state.update(designs, feedback)

    def answer(self, state: Incumbent) -> jax.Array:
        return state.design


def uniform_designs(space: Space, key: jax.Array, batch: int) -> Designs:
    """Designs drawn uniformly from a space with what is fixed."""
    logits = jax.numpy.where(space.is_allowed, 0.0, -jax.numpy.inf)
    return jax.random.categorical(key, logits, axis=-1, shape=(batch, len(space.decisions))).astype("int32")
