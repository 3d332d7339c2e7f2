"""Relaxation: discrete choices as Gumbel-softmax samples with a temperature."""

import dataclasses
import math
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.spaces import Point, Space

Logits = jax.Array
"""Unnormalised log-probabilities of the options of a space's decisions, f32[decisions, widest]. What stands for no option
and what belongs to a fixed decision is never read. One array, because an optimiser's update of forty small ones compiles to
a hundred small programs."""


def initial_logits(space: Space) -> Logits:
    """Equal logits for every decision."""
    return jnp.zeros(space.is_option.shape, jnp.float32)


@jax.custom_jvp
def moved_as(picked: jax.Array, soft: jax.Array) -> jax.Array:
    """`picked`, exactly; the gradient is that of `soft`, which has its shape (Bengio et al., 2013)."""
    del soft
    return picked


@moved_as.defjvp
def _moved_as_jvp(primals, tangents):
    return moved_as(*primals), tangents[1]


def straight_through(soft: jax.Array) -> jax.Array:
    """One-hot at the largest entry of the last axis, exactly; the gradient is that of `soft`."""
    return moved_as(jax.nn.one_hot(jnp.argmax(soft, axis=-1), soft.shape[-1], dtype=soft.dtype), soft)


def _most_likely(perturbed: jax.Array, active: int, is_option: np.ndarray | None) -> jax.Array:
    """Which entries of the last axis are among the `active` largest options, bool; all options where there are fewer."""
    options = perturbed if is_option is None else jnp.where(is_option, perturbed, -jnp.inf)
    width = perturbed.shape[-1]
    _, indices = jax.lax.top_k(jax.lax.stop_gradient(options), min(active, width))
    chosen = jnp.any(jax.nn.one_hot(indices, width, dtype=bool), axis=-2)
    return chosen if is_option is None else chosen & is_option


def gumbel_softmax(
    noise: jax.Array,
    logits: jax.Array,
    temperature: jax.Array | float,
    hard: bool,
    is_option: np.ndarray | None = None,
    active: int | None = None,
) -> jax.Array:
    """A relaxed sample of a categorical variable (Jang et al., ICLR 2017, equation 2).

    Args:
      noise: independent standard Gumbel numbers (`jax.random.gumbel`), [..., options].
      logits: [..., options].
      temperature: > 0; towards 0 samples become one-hot, towards infinity uniform.
      hard: one-hot forward with the soft sample's gradient (straight-through).
      is_option: bool[..., options], which entries can be chosen, at least one; the others get probability 0. All by default.
      active: how many options stay active, at least 2; all by default. The softmax is taken over those with the largest
        perturbed logits, as DNA does (Zhang et al., arXiv:2010.14778: one path forward, several backward). A hard sample is
        the same one-hot choice, and its gradient flows to the active options alone. A soft sample is a mixture of the
        active options alone: the others get probability 0 and no gradient.

    Returns:
      Probabilities [..., options]. The largest entry is distributed as softmax(logits), at any temperature and however many
      are active.
    """
    perturbed = logits + noise
    if active is None:
        mixed = is_option
    elif active < 2:
        raise ValueError(f"active must be at least 2, not {active}: the gradient of a softmax over one option is zero.")
    else:
        mixed = _most_likely(perturbed, active, is_option)
    soft = jax.nn.softmax(perturbed / temperature, axis=-1, where=mixed)
    return straight_through(soft) if hard else soft


def sample_point(
    key: jax.Array,
    space: Space,
    logits: Logits,
    temperature: jax.Array | float,
    hard: bool,
    active: int | None = None,
    shape: tuple[int, ...] = (),
) -> Point:
    """A sample of every free decision, as from `gumbel_softmax`, completed with what is fixed.

    Several of them, rows [*shape, decisions, widest], take one draw of noise.
    """
    noise = jax.random.gumbel(key, (*shape, *logits.shape))
    return space.pin(gumbel_softmax(noise, logits, temperature, hard, space.is_option, active))


def mean_point(space: Space, logits: Logits) -> Point:
    """The probabilities themselves, completed with what is fixed."""
    return space.pin(jax.nn.softmax(logits, axis=-1, where=space.is_option))


def entropy(space: Space, logits: Logits) -> dict[str, jax.Array]:
    """Entropy of each free decision over that of a uniform choice: 1 undecided, 0 decided."""
    p = mean_point(space, logits).rows
    entropies = jnp.sum(jax.scipy.special.entr(p), axis=-1)
    of = dict(zip((name for name, _ in space.sizes), entropies, strict=True))
    return {decision.name: of[decision.name] / math.log(len(decision.options)) for decision in space.free}


@dataclasses.dataclass(frozen=True)
class TemperatureConfig:
    """Temperature over the steps in which decisions move.

    Attributes:
      schedule: "constant", "exponential" or "cosine", from `start` to `end`.
      start, end: positive; `end` is unused by "constant".
    """

    schedule: Literal["constant", "exponential", "cosine"] = "exponential"
    start: float = 1.0
    end: float = 0.5

    def __post_init__(self) -> None:
        if not (self.start > 0 and self.end > 0):
            raise ValueError(f"Temperatures must be positive, not {self.start} and {self.end}.")
        if self.schedule not in ("constant", "exponential", "cosine"):
            raise ValueError(f"Unknown temperature schedule {self.schedule!r}; choose one of constant, exponential, cosine.")


def temperature_schedule(config: TemperatureConfig, steps: int) -> Callable[[jax.Array], jax.Array]:
    """Step (clipped to [0, steps]) -> temperature."""

    def schedule(step: jax.Array) -> jax.Array:
        progress = jnp.clip(step / max(steps, 1), 0, 1)
        if config.schedule == "constant":
            return jnp.full_like(progress, config.start)
        if config.schedule == "exponential":
            return config.start * (config.end / config.start) ** progress
        return config.end + (config.start - config.end) * (1 + jnp.cos(jnp.pi * progress)) / 2

    return schedule
