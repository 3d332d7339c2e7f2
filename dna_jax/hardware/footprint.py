"""How many elements of an operand a tile of loop bounds touches."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.workload import DIMENSIONS

RELEVANT = np.array(
    [
        # N  G  K  C  P  Q  R  S
        [0, 1, 1, 1, 0, 0, 1, 1],  # weights
        [1, 1, 0, 1, 1, 1, 1, 1],  # inputs
        [1, 1, 1, 0, 1, 1, 0, 0],  # outputs
    ],
    bool,
)
"""Whether an operand's data change with a loop dimension, [operand, dimension]."""

Tile = Sequence[jax.Array]
"""Loop bounds covered, one array per dimension: separate arrays keep the model elementwise, which compiles and runs
several times faster than an axis of eight."""


def footprint(tile: Tile, stride: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Elements of weights, inputs (with the halo of kernel and stride) and outputs in a tile."""
    n, g, k, c, p, q, r, s = tile
    # A kernel smaller than the stride leaves rows unread.
    rows = (p - 1) * jnp.minimum(stride, r) + r
    columns = (q - 1) * jnp.minimum(stride, s) + s
    pixels = n * g
    return g * k * c * r * s, pixels * c * rows * columns, pixels * k * p * q


def growth_slope(
    tile: Tile, stride: jax.Array, elements: Sequence[jax.Array], dimension: int
) -> tuple[jax.Array | float, ...]:
    """Elements that each operand gains when one dimension of a tile grows by its own extent, and again by each extent more.

    Exact, for footprints are affine, but for a kernel that grows from below the stride to beyond it: there the gain of
    inputs is an upper bound. `elements` is the footprint of the tile.
    """
    n, g, _, c, p, q, r, s = tile
    weights, inputs, outputs = elements
    name = DIMENSIONS[dimension]
    if name in "PR":
        gain = p * jnp.minimum(stride, r) if name == "P" else jnp.where(r < stride, p * r, r)
        columns = (q - 1) * jnp.minimum(stride, s) + s
        inputs = n * g * c * gain * columns
    elif name in "QS":
        gain = q * jnp.minimum(stride, s) if name == "Q" else jnp.where(s < stride, q * s, s)
        rows = (p - 1) * jnp.minimum(stride, r) + r
        inputs = n * g * c * gain * rows
    return tuple(
        gained if RELEVANT[operand, dimension] else 0.0 for operand, gained in enumerate((weights, inputs, outputs))
    )
