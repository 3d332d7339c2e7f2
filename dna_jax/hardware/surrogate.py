"""Steps of an accelerator model with their exact value forward and a smooth gradient backward.

Rounding, limits and "whichever is larger" have gradients that are zero or blind to the runner-up. A search needs to know
that a larger array would help once another resource grows, so each operation here returns exactly what hardware does and
differentiates a smooth relative of it. All are elementwise or reduce one axis, and follow the dtype of their inputs.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp

SHARPNESS = 4.0
"""Exponent of the soft minimum and maximum: a runner-up twice as far away gets 2^-4 of the gradient."""

STEP_WIDTH = 0.5
"""Width of the soft step in natural-log units of the ratio compared."""

_ROUNDING_GUARD = 1e-5
"""Relative slack of ceil and floor: an exact integer computed with rounding error stays that integer."""


@jax.custom_jvp
def ceil(x: jax.Array) -> jax.Array:
    """Smallest integer >= x (up to a relative 1e-5); the gradient is that of x."""
    return jnp.ceil(x * (1 - _ROUNDING_GUARD))


@ceil.defjvp
def _ceil_jvp(primals, tangents):
    return ceil(primals[0]), tangents[0]


@jax.custom_jvp
def floor(x: jax.Array) -> jax.Array:
    """Largest integer <= x (up to a relative 1e-5); the gradient is that of x."""
    return jnp.floor(x * (1 + _ROUNDING_GUARD))


@floor.defjvp
def _floor_jvp(primals, tangents):
    return floor(primals[0]), tangents[0]


@jax.custom_jvp
def minimum(x: jax.Array, y: jax.Array) -> jax.Array:
    """min(x, y) of positive numbers; each gets a share of the gradient that falls with the power SHARPNESS of its excess."""
    return jnp.minimum(x, y)


@minimum.defjvp
def _minimum_jvp(primals, tangents):
    x, y = primals
    value = jnp.minimum(x, y)
    share = jax.nn.sigmoid(SHARPNESS * (jnp.log(y) - jnp.log(x)))
    # Shares are of the relative change: d log min = share d log x + (1 - share) d log y.
    return value, value * (share * tangents[0] / x + (1 - share) * tangents[1] / y)


@jax.custom_jvp
def maximum(x: jax.Array, y: jax.Array) -> jax.Array:
    """max(x, y) of nonnegative numbers; the gradient is shared as in `minimum`."""
    return jnp.maximum(x, y)


@maximum.defjvp
def _maximum_jvp(primals, tangents):
    x, y = primals
    value = jnp.asarray(jnp.maximum(x, y))
    least = 1e-6 * value + jnp.finfo(value.dtype).tiny
    x, y = jnp.maximum(x, least), jnp.maximum(y, least)
    share = jax.nn.sigmoid(SHARPNESS * (jnp.log(x) - jnp.log(y)))
    return value, value * (share * tangents[0] / x + (1 - share) * tangents[1] / y)


def largest(values: Sequence[jax.Array | float]) -> jax.Array:
    """The largest of several nonnegative numbers; Python zeros are left out."""
    arrays = [value for value in values if isinstance(value, jax.Array)]
    return functools.reduce(lambda x, y: maximum(*jnp.broadcast_arrays(x, y)), arrays)


@jax.custom_jvp
def at_least(x: jax.Array, threshold: jax.Array) -> jax.Array:
    """1 where x >= threshold, else 0, of positive numbers; the gradient is that of a logistic step in log(x / threshold)."""
    return (x >= threshold * (1 - _ROUNDING_GUARD)).astype(x.dtype)


@at_least.defjvp
def _at_least_jvp(primals, tangents):
    x, threshold = primals
    soft = jax.nn.sigmoid((jnp.log(x) - jnp.log(threshold)) / STEP_WIDTH)
    slope = soft * (1 - soft) / STEP_WIDTH
    return at_least(x, threshold), slope * (tangents[0] / x - tangents[1] / threshold)


def best_share(metric: jax.Array) -> jax.Array:
    """Gradient shares [..., C] of C candidates of which the one with the least positive `metric` is taken."""
    return jax.lax.stop_gradient(jax.nn.softmax(-2 * SHARPNESS * jnp.log(metric), axis=-1))


@jax.custom_jvp
def take_best(values: jax.Array, best: jax.Array, share: jax.Array) -> jax.Array:
    """The entry of `values` at `best`, of C candidates along the last axis; each gets its `share` of the gradient.

    Args:
      values: positive, [..., C].
      best: true at the candidate taken, bool[..., C].
      share: gradient shares [..., C] that sum to one, as of `best_share`.
    """
    return jnp.sum(jnp.where(best, values, 0), axis=-1)


@take_best.defjvp
def _take_best_jvp(primals, tangents):
    values, best, share = primals
    value = take_best(values, best, share)
    return value, value * jnp.sum(share * tangents[0] / values, axis=-1)
