"""Scale, shift, ReLU and quantisation of activations as one operation, which reads what it needs for gradients once.

Batch normalisation has to keep its input for the gradient anyway. Everything behind it is computed anew from there, so that
quantisation stores nothing; one by one, each operation would write and read an array of its own.
"""

import functools

import jax
import jax.numpy as jnp

from dna_jax.networks.quantization import Precision, in_range, mixture, roundings, sum_over_images


@functools.partial(jax.custom_vjp, nondiff_argnums=(5,))
def _quantized_relu(
    x: jax.Array,
    factor: jax.Array,
    shift: jax.Array,
    largest: jax.Array,
    probabilities: jax.Array,
    widths: tuple[int, ...],
) -> jax.Array:
    return mixture(jax.nn.relu(x * factor + shift), largest, Precision(widths, probabilities), signed=False)


def _forward(
    x: jax.Array,
    factor: jax.Array,
    shift: jax.Array,
    largest: jax.Array,
    probabilities: jax.Array,
    widths: tuple[int, ...],
):
    saved = x, factor, shift, largest, probabilities
    return _quantized_relu(*saved, widths), saved


def _backward(widths: tuple[int, ...], saved: tuple[jax.Array, ...], gradient: jax.Array):
    x, factor, shift, largest, probabilities = saved

    def straight_through(x: jax.Array, gradient: jax.Array) -> jax.Array:
        y = x * factor + shift
        return jnp.where((y > 0) & in_range(y, largest, signed=False), gradient * jnp.sum(probabilities), 0)

    def products(x: jax.Array, gradient: jax.Array) -> list[jax.Array]:
        by_y = straight_through(x, gradient)
        rounded = roundings(jax.nn.relu(x * factor + shift), largest, widths, signed=False)
        return [by_y * x, by_y, *(gradient * term for term in rounded)]

    by_factor, by_shift, *by_probabilities = sum_over_images(products, x, gradient)
    over_pixels = tuple(range(x.ndim - 2))
    return (
        straight_through(x, gradient) * factor,
        jnp.sum(by_factor, axis=over_pixels),
        jnp.sum(by_shift, axis=over_pixels),
        jnp.zeros_like(largest),
        jnp.stack([jnp.sum(total) for total in by_probabilities]),
    )


_quantized_relu.defvjp(_forward, _backward)


def quantized_relu(x: jax.Array, factor: jax.Array, shift: jax.Array, largest: jax.Array, precision: Precision) -> jax.Array:
    """`quantize` of relu(x * factor + shift), unsigned, with the gradients of the three one after another.

    Args:
      x: images [batch, height, width, channels].
      factor, shift: [channels].
      largest: what the largest level stands for, a scalar.
      precision: widths and their probabilities.
    """
    return _quantized_relu(x, factor, shift, largest, precision.probabilities, precision.widths)


def largest_of_relu(x: jax.Array, factor: jax.Array, shift: jax.Array, counted: jax.Array | None = None) -> jax.Array:
    """The largest entry of relu(x * factor + shift), a scalar without gradient.

    It stands where x is largest or least in its channel, for what follows is monotone: nothing else need be computed.

    Args:
      x, factor, shift: as in `quantized_relu`.
      counted: [channels], 0 for channels that the chosen network does not have, else 1.
    """
    axes = tuple(range(x.ndim - 1))
    x, factor, shift = jax.lax.stop_gradient((x, factor, shift))
    ends = jnp.maximum(jnp.max(x, axis=axes) * factor, jnp.min(x, axis=axes) * factor) + shift
    return jnp.max(jax.nn.relu(ends if counted is None else ends * counted))
