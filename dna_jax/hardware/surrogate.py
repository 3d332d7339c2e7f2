"""Steps of an accelerator model with their exact value forward and a smooth gradient backward.

Rounding, limits and "whichever is larger" have gradients that are zero or blind to the runner-up. A search needs to know
that a larger array would help once another resource grows, so each operation here returns exactly what hardware does and
differentiates a smooth relative of it. All are elementwise or reduce one axis, and follow the dtype of their inputs.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

SHARPNESS = 4.0
"""Exponent of the soft minimum and maximum: a runner-up twice as far away gets 2^-4 of the gradient."""

METRIC_BITS = 14
"""Bits of the fraction to which candidates are compared: one part in 16,000."""

STEP_WIDTH = 0.5
"""Width of the soft step in natural-log units of the ratio compared."""


def _guard(x: jax.Array) -> float:
    """Relative slack of comparisons: an exact integer computed with a few roundings stays that integer."""
    return 16 * float(jnp.finfo(jnp.result_type(x)).eps)


@jax.custom_jvp
def ceil(x: jax.Array) -> jax.Array:
    """Smallest integer >= x (up to a few roundings); the gradient is that of x."""
    return jax.lax.ceil(x * (1 - _guard(x)))


@ceil.defjvp
def _ceil_jvp(primals, tangents):
    return ceil(primals[0]), tangents[0]


@jax.custom_jvp
def floor(x: jax.Array) -> jax.Array:
    """Largest integer <= x (up to a few roundings); the gradient is that of x."""
    return jax.lax.floor(x * (1 + _guard(x)))


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
def largest_entry(values: jax.Array) -> jax.Array:
    """The largest of nonnegative numbers along the last axis; each gets a share of the gradient as in `maximum`."""
    return jnp.max(values, axis=-1)


@largest_entry.defjvp
def _largest_entry_jvp(primals, tangents):
    (values,) = primals
    value = largest_entry(values)
    floor = (1e-6 * value + jnp.finfo(values.dtype).tiny)[..., None]
    held = jnp.maximum(values, floor)
    share = jax.nn.softmax(SHARPNESS * jnp.log(held), axis=-1)
    return value, value * jnp.sum(share * tangents[0] / held, axis=-1)


def largest_divisor(x: jax.Array, limit: jax.Array) -> jax.Array:
    """The largest divisor of integers x up to 65,536 that is at most `limit`, 1 if there is no other; no gradient."""
    small = jnp.arange(1, 257, dtype=x.dtype)
    # A divisor, or what it leaves, is at most 256.
    candidates = jnp.concatenate([jnp.broadcast_to(small, (*x.shape, 256)), x[..., None] / small], axis=-1)
    divides = (candidates == jnp.round(candidates)) & (x[..., None] / candidates == jnp.round(x[..., None] / candidates))
    return jax.lax.stop_gradient(jnp.max(jnp.where(divides & (candidates <= limit[..., None]), candidates, 1), axis=-1))


@jax.custom_jvp
def at_least(x: jax.Array, threshold: jax.Array) -> jax.Array:
    """1 where x >= threshold, else 0, of positive numbers; the gradient is that of a logistic step in log(x / threshold)."""
    return (x >= threshold * (1 - _guard(x))).astype(x.dtype)


@at_least.defjvp
def _at_least_jvp(primals, tangents):
    x, threshold = primals
    soft = jax.nn.sigmoid((jnp.log(x) - jnp.log(threshold)) / STEP_WIDTH)
    slope = soft * (1 - soft) / STEP_WIDTH
    return at_least(x, threshold), slope * (tangents[0] / x - tangents[1] / threshold)


@jax.custom_jvp
def take_least(metric: jax.Array, tie: jax.Array, values: tuple[jax.Array, ...]) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    """Of C candidates the one with the least metric: its index and its entry of each array.

    Metrics count as equal if they are so to METRIC_BITS: what is equal by theory differs by rounding, and by another
    rounding in another precision. Among equals the least `tie` is taken, compared in the same way, then the first.

    One reduction carries all arrays along: picking them one by one would make the compiler write out the whole computation
    of the candidates once for each. Each candidate gets a share of the gradient that falls with the power 2 SHARPNESS of
    its metric.

    Args:
      metric: positive, [C].
      tie: [C].
      values: arrays [C].
    """

    def smaller(left: tuple, right: tuple) -> tuple:
        first = left[2] < right[2]
        for key in (1, 0):
            first = (left[key] < right[key]) | ((left[key] == right[key]) & first)
        return tuple(jnp.where(first, a, b) for a, b in zip(left, right, strict=True))

    values = tuple(jnp.broadcast_to(value, metric.shape) for value in values)
    index = jnp.arange(len(metric))
    compared, second = (jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=METRIC_BITS) for x in (metric, tie))
    last = (np.array(np.inf, metric.dtype), np.array(np.inf, tie.dtype), np.array(len(metric), index.dtype))
    start = (*last, *(np.zeros((), value.dtype) for value in values))
    _, _, index, *taken = jax.lax.reduce((compared, second, index, *values), start, smaller, (0,))
    return index, tuple(taken)


@take_least.defjvp  # pyright: ignore[reportArgumentType]
def _take_least_jvp(primals, tangents):
    metric, _, _ = primals
    index, taken = take_least(*primals)
    share = jax.nn.softmax(-2 * SHARPNESS * jnp.log(metric))
    moved = tuple(jnp.sum(share * tangent) for tangent in tangents[2])
    return (index, taken), (np.zeros(index.shape, jax.dtypes.float0), moved)
