"""How many elements of an operand a tile of loop bounds touches."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.workload import DIMENSIONS, Workload

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


def reach(pixels: jax.Array, taps: jax.Array, layer: Workload, whole_rows: bool) -> jax.Array:
    """Input rows (or columns) that output pixels and kernel taps need, padding included.

    Pixel i and tap j read row i * stride + j * dilation. With `whole_rows` all rows from the first to the last count, else
    only those read. With stride and dilation divided by their common divisor, (i, j) and (i + dilation, j - stride) read
    the same row, so the pairs that repeat an earlier one are those with i >= dilation and j < taps - stride.
    """
    if whole_rows:
        return (pixels - 1) * layer.stride + (taps - 1) * layer.dilation + 1
    stride, dilation = layer.stride / layer.common_step, layer.dilation / layer.common_step
    return pixels * taps - jnp.maximum(pixels - dilation, 0) * jnp.maximum(taps - stride, 0)


def footprint(tile: Tile, layer: Workload, whole_rows: bool = False) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Elements of weights, inputs (with the halo of kernel and stride) and outputs in a tile.

    Args:
      tile: extents, 8 arrays.
      layer: whose steps the inputs follow; a workload without its layer axis.
      whole_rows: as in `reach`.
    """
    n, g, k, c, p, q, r, s = tile
    rows = jnp.minimum(reach(p, r, layer, whole_rows), layer.input_rows)
    columns = jnp.minimum(reach(q, s, layer, whole_rows), layer.input_columns)
    pixels = n * g
    return g * k * c * r * s, pixels * c * rows * columns, pixels * k * p * q


def _row_gain(tile: Tile, layer: Workload, name: str, whole_rows: bool) -> jax.Array:
    """Input rows (or columns) gained when the tile's pixels or taps double."""
    growing = tile[DIMENSIONS.index(name)]
    other = tile[DIMENSIONS.index({"P": "R", "R": "P", "Q": "S", "S": "Q"}[name])]
    step, other_step = (layer.stride, layer.dilation) if name in "PQ" else (layer.dilation, layer.stride)
    if whole_rows:
        return growing * step
    step, other_step = step / layer.common_step, other_step / layer.common_step
    return growing * jnp.where(growing < other_step, other, jnp.minimum(step, other))


def growth_slope(
    tile: Tile, layer: Workload, elements: Sequence[jax.Array], dimension: int, whole_rows: bool = False
) -> tuple[jax.Array | float, ...]:
    """Elements that each operand gains when one dimension of a tile grows by its own extent, and again by each extent more.

    Exact, for footprints are affine, but for a kernel that grows from below the stride to beyond it, and for pixels that
    grow from below the dilation to beyond it: there the gain of inputs is an upper bound, as it is where padding begins.
    `elements` is the footprint of the tile.
    """
    n, g, _, c, p, q, r, s = tile
    weights, inputs, outputs = elements
    name = DIMENSIONS[dimension]
    if name in "PR":
        columns = jnp.minimum(reach(q, s, layer, whole_rows), layer.input_columns)
        inputs = n * g * c * _row_gain(tile, layer, name, whole_rows) * columns
    elif name in "QS":
        rows = jnp.minimum(reach(p, r, layer, whole_rows), layer.input_rows)
        inputs = n * g * c * _row_gain(tile, layer, name, whole_rows) * rows
    return tuple(
        gained if RELEVANT[operand, dimension] else 0.0 for operand, gained in enumerate((weights, inputs, outputs))
    )
