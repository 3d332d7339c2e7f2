"""Depthwise convolution, the operation that decides how fast these networks train.

XLA:CPU runs a grouped convolution one group at a time. There, a sum of shifted multiplies is an order of magnitude
faster, with a gradient written the same way: by the input, the same operation on the output's gradient with the kernel
flipped; by the kernel, a running sum over output rows, which keeps the working set in cache. Accelerators have fast grouped
convolutions and take the native one. Both are tested equal.
"""

import functools

import jax
import jax.numpy as jnp


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis so that the output has ceil(size / stride) entries."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def native_depthwise(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Depthwise convolution by XLA's grouped convolution; arguments as in `depthwise`."""
    return jax.lax.conv_general_dilated(
        x,
        kernel[:, :, None, :],
        (stride, stride),
        (same_padding(x.shape[1], kernel.shape[0], stride), same_padding(x.shape[2], kernel.shape[1], stride)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
    )


def _pad(x: jax.Array, side: int, stride: int) -> jax.Array:
    return jnp.pad(x, ((0, 0), same_padding(x.shape[1], side, stride), same_padding(x.shape[2], side, stride), (0, 0)))


@functools.partial(jax.jit, static_argnums=2)  # Traced once for all blocks of one shape.
def _correlate(padded: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Sum over kernel taps of shifted inputs, no padding."""
    side = kernel.shape[0]
    rows = (padded.shape[1] - side) // stride + 1
    columns = (padded.shape[2] - side) // stride + 1
    batch, _, _, channels = padded.shape
    total = jnp.zeros((), padded.dtype)
    for i in range(side):
        for j in range(side):
            # Indexing with brackets would trace several times as long, and a kernel of 7 has 49 taps.
            end = (batch, i + (rows - 1) * stride + 1, j + (columns - 1) * stride + 1, channels)
            window = jax.lax.slice(padded, (0, i, j, 0), end, (1, stride, stride, 1))
            total = total + window * jax.lax.slice(kernel, (i, j, 0), (i + 1, j + 1, channels))
    return total


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def shifted_depthwise(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Depthwise convolution as a sum of shifted multiplies; arguments as in `depthwise`."""
    return _correlate(_pad(x, kernel.shape[0], stride), kernel, stride)


def _forward(x: jax.Array, kernel: jax.Array, stride: int):
    return shifted_depthwise(x, kernel, stride), (x, kernel)


def _backward(stride: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array):
    x, kernel = saved
    side = kernel.shape[0]
    batch, height, width, channels = x.shape
    _, rows, columns, _ = gradient.shape
    top, left = same_padding(height, side, stride)[0], same_padding(width, side, stride)[0]
    dilated = jax.lax.pad(
        gradient,
        jnp.zeros((), gradient.dtype),
        (
            (0, 0, 0),
            (side - 1 - top, height + top - (rows - 1) * stride - 1, stride - 1),
            (side - 1 - left, width + left - (columns - 1) * stride - 1, stride - 1),
            (0, 0, 0),
        ),
    )
    by_input = _correlate(dilated, kernel[::-1, ::-1], 1)
    padded = _pad(x, side, stride)

    def add_row(row: jax.Array, total: jax.Array) -> jax.Array:
        window = jax.lax.dynamic_slice(padded, (0, row * stride, 0, 0), (batch, side, padded.shape[2], channels))
        row_gradient = jax.lax.dynamic_slice(gradient, (0, row, 0, 0), (batch, 1, columns, channels))
        for column in range(columns):
            start = column * stride
            total = total + window[:, :, start : start + side] * row_gradient[:, :, column : column + 1]
        return total

    by_kernel = jax.lax.fori_loop(0, rows, add_row, jnp.zeros((batch, side, side, channels), x.dtype))
    return by_input, jnp.sum(by_kernel, axis=0)


shifted_depthwise.defvjp(_forward, _backward)


def depthwise(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Depthwise convolution with zero padding to ceil(size / stride), by the implementation that suits the backend.

    Args:
      x: [batch, height, width, channels].
      kernel: square, [side, side, channels].
      stride: in both directions.

    Returns:
      [batch, ceil(height / stride), ceil(width / stride), channels].
    """
    implementation = shifted_depthwise if jax.default_backend() == "cpu" else native_depthwise
    return implementation(x, kernel, stride)
