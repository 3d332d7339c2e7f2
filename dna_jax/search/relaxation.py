"""Relaxation: discrete choices as Gumbel-softmax samples with a temperature."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Literal

import jax
import jax.numpy as jnp

from dna_jax.spaces import Point, Space

Logits = dict[str, jax.Array]
"""Unnormalised log-probabilities of each free decision, f32[num_options]."""


def initial_logits(space: Space) -> Logits:
    """Equal logits for every free decision."""
    return {decision.name: jnp.zeros(len(decision.options), jnp.float32) for decision in space.free}


@jax.custom_jvp
def straight_through(soft: jax.Array) -> jax.Array:
    """One-hot at the largest entry of the last axis, exactly; the gradient is that of `soft` (Bengio et al., 2013)."""
    return jax.nn.one_hot(jnp.argmax(soft, axis=-1), soft.shape[-1], dtype=soft.dtype)


@straight_through.defjvp
def _straight_through_jvp(primals, tangents):
    return straight_through(primals[0]), tangents[0]


def gumbel_softmax(key: jax.Array, logits: jax.Array, temperature: jax.Array | float, hard: bool) -> jax.Array:
    """A relaxed sample of a categorical variable (Jang et al., ICLR 2017, equation 2).

    Args:
      key: for the Gumbel noise.
      logits: [..., options].
      temperature: > 0; towards 0 samples become one-hot, towards infinity uniform.
      hard: one-hot forward with the soft sample's gradient (straight-through).

    Returns:
      Probabilities [..., options]. The largest entry is distributed as softmax(logits) at any temperature.
    """
    noise = jax.random.gumbel(key, logits.shape, logits.dtype)
    soft = jax.nn.softmax((logits + noise) / temperature, axis=-1)
    return straight_through(soft) if hard else soft


def sample_point(
    key: jax.Array, space: Space, logits: Mapping[str, jax.Array], temperature: jax.Array | float, hard: bool
) -> Point:
    """One Gumbel-softmax sample of every free decision, completed with what is fixed."""
    # Decisions with equally many options are sampled as one array: forty small samples would take longer to compile than
    # the hardware model.
    point = {}
    sizes = sorted({len(decision.options) for decision in space.free})
    for subkey, size in zip(jax.random.split(key, len(sizes)), sizes, strict=True):
        names = [decision.name for decision in space.free if len(decision.options) == size]
        samples = gumbel_softmax(subkey, jnp.stack([logits[name] for name in names]), temperature, hard)
        point |= dict(zip(names, samples, strict=True))
    return space.pin(point)


def mean_point(space: Space, logits: Mapping[str, jax.Array]) -> Point:
    """The probabilities themselves, completed with what is fixed."""
    return space.pin({name: jax.nn.softmax(value) for name, value in logits.items()})


def entropy(logits: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """Entropy of each decision over that of a uniform choice: 1 undecided, 0 decided."""

    def normalised(value: jax.Array) -> jax.Array:
        log_p = jax.nn.log_softmax(value)
        return -jnp.sum(jnp.exp(log_p) * log_p) / math.log(value.shape[-1])

    return {name: normalised(value) for name, value in logits.items()}


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


def temperature_schedule(config: TemperatureConfig, steps: int) -> Callable[[jax.Array], jax.Array]:
    """Step (clipped to [0, steps]) -> temperature. ValueError for an unknown schedule."""
    if config.schedule not in ("constant", "exponential", "cosine"):
        raise ValueError(f"Unknown temperature schedule {config.schedule!r}; choose one of constant, exponential, cosine.")

    def schedule(step: jax.Array) -> jax.Array:
        progress = jnp.clip(step / max(steps, 1), 0, 1)
        if config.schedule == "constant":
            return jnp.full_like(progress, config.start)
        if config.schedule == "exponential":
            return config.start * (config.end / config.start) ** progress
        return config.end + (config.start - config.end) * (1 + jnp.cos(jnp.pi * progress)) / 2

    return schedule
