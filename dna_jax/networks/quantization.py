"""Quantisation-aware training: numbers rounded to a few bits forward, gradients as if they were not rounded.

Symmetric, one scale per tensor (Jacob et al., CVPR 2018, section 2, with zero points of 0); gradients straight through
(Bengio et al., 2013). Where the width is itself to be chosen, a tensor is the mixture of its roundings to all widths, each
weighted by its probability, so that one convolution serves them all (the composite convolution of EdMIPS, Cai and
Vasconcelos, CVPR 2020). Auto-NBA (Fu et al., ICML 2021) trains weights with soft mixtures and widths with hard choices.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

_NOTHING = 1e-20
"""Tensors without a larger magnitude round to zero: their scale would leave the range of float32."""

_ROUNDING = 1e-5
"""Relative: what is computed anew for the gradient may exceed the largest magnitude, itself included, by so much in its last
bits."""


@dataclasses.dataclass(frozen=True)
class Precision:
    """Operand width of a layer: one, or a mixture of several.

    Attributes:
      widths: bits, each at least 2.
      probabilities: of the widths, [widths]; one-hot is a hard choice.
    """

    widths: tuple[int, ...]
    probabilities: jax.Array


def largest_magnitude(x: jax.Array, signed: bool, counted: jax.Array | None = None) -> jax.Array:
    """The largest magnitude of a tensor, a scalar without gradient.

    Args:
      x: [..., channels].
      signed: False if nothing is negative.
      counted: [channels], 0 for channels of a super-kernel network that the chosen network does not have, else 1.
    """
    by_channel = jnp.max(jnp.abs(x) if signed else x, axis=tuple(range(x.ndim - 1)))
    return jax.lax.stop_gradient(jnp.max(by_channel if counted is None else by_channel * counted))


def _levels(bits: int, signed: bool) -> float:
    """Positive levels of a width; the sign takes a bit, and the most negative number stays unused."""
    return 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1


def roundings(x: jax.Array, largest: jax.Array, widths: tuple[int, ...], signed: bool) -> list[jax.Array]:
    """A tensor rounded to each width; arguments as in `quantize`."""
    largest = jnp.where(largest > _NOTHING, largest, 1)
    rounded = []
    for bits in widths:
        top = _levels(bits, signed)
        step = jnp.clip(jnp.round(x * (top / largest)), -top if signed else 0, top)
        rounded.append(step * (largest / top))
    return rounded


def mixture(x: jax.Array, largest: jax.Array, precision: Precision, signed: bool) -> jax.Array:
    """Sum over widths of probability times rounding; arguments as in `quantize`."""
    rounded = roundings(x, largest, precision.widths, signed)
    total = jnp.zeros((), x.dtype)
    for i, term in enumerate(rounded):
        total = total + precision.probabilities[i] * term
    return total


def sum_over_images(products: Callable[..., list[jax.Array]], *arrays: jax.Array) -> list[jax.Array]:
    """Sums of what `products` makes of arrays, over their first axis.

    XLA:CPU would write what is rounded to memory before it sums it up. Image by image all of it stays in cache, which is
    five to ten times faster; accelerators sum as they round, and weights, with fewer axes than images, are small.
    """
    if jax.default_backend() != "cpu" or arrays[0].ndim < 4:
        return [jnp.sum(product, axis=0) for product in products(*arrays)]

    def add(image: jax.Array, totals: list[jax.Array]) -> list[jax.Array]:
        parts = [jax.lax.dynamic_slice_in_dim(array, image, 1) for array in arrays]
        return [total + product for total, product in zip(totals, products(*parts), strict=True)]

    first = [jax.ShapeDtypeStruct((1, *array.shape[1:]), array.dtype) for array in arrays]
    totals = [jnp.zeros(product.shape, product.dtype) for product in jax.eval_shape(products, *first)]
    return [total[0] for total in jax.lax.fori_loop(0, len(arrays[0]), add, totals)]


def in_range(x: jax.Array, largest: jax.Array, signed: bool) -> jax.Array:
    """Where numbers lie in the range of a quantisation, its ends included: bool, of the shape of x."""
    end = largest * (1 + _ROUNDING)
    return (x >= (-end if signed else 0)) & (x <= end)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _quantize(
    x: jax.Array, largest: jax.Array, probabilities: jax.Array, widths: tuple[int, ...], signed: bool
) -> jax.Array:
    return mixture(x, largest, Precision(widths, probabilities), signed)


def _forward(x: jax.Array, largest: jax.Array, probabilities: jax.Array, widths: tuple[int, ...], signed: bool):
    return _quantize(x, largest, probabilities, widths, signed), (x, largest, probabilities)


def _backward(widths: tuple[int, ...], signed: bool, saved: tuple[jax.Array, ...], gradient: jax.Array):
    x, largest, probabilities = saved
    by_x = jnp.where(in_range(x, largest, signed), gradient * jnp.sum(probabilities), 0)

    def products(x: jax.Array, gradient: jax.Array) -> list[jax.Array]:
        return [gradient * rounded for rounded in roundings(x, largest, widths, signed)]

    by_probabilities = jnp.stack([jnp.sum(total) for total in sum_over_images(products, x, gradient)])
    return by_x, jnp.zeros_like(largest), by_probabilities


_quantize.defvjp(_forward, _backward)


def quantize(x: jax.Array, largest: jax.Array, precision: Precision, signed: bool) -> jax.Array:
    """A tensor rounded to its precision, or the mixture of its roundings to several widths.

    Args:
      x: of any shape; the first axis is that of images, or of anything else.
      largest: what the largest level stands for, as from `largest_magnitude`; what is larger is clipped to it.
      precision: widths and their probabilities.
      signed: False if nothing is negative, which doubles the levels.

    Returns:
      sum_b p_b Q_b(x), of the shape of x. Its gradient by x is straight-through: that of the identity within the range,
      0 outside. Its gradient by the probabilities is that of the mixture.
    """
    return _quantize(x, largest, precision.probabilities, precision.widths, signed)
