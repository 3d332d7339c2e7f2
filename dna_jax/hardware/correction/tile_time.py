"""A physical estimate of how long Gemmini takes for a tile: the slowest of four engines, with fitted costs per event."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dna_jax.hardware.correction.gemmini_counts import TileCounts


class EventCosts(NamedTuple):
    """Natural logarithms of cycles per event, and of two dimensionless numbers.

    Attributes:
      matmul_tile, convolution_tile: issuing the commands of a tile.
      preload_row, weight_block: shifting in a row of weights; switching to a block of them.
      weight_request, weight_byte, input_request, input_byte, output_request, output_byte: of the DMA engines.
      weight_miss, input_miss, output_miss: a cache line from DRAM.
      weight_page, input_page, output_page: an address look-up.
      start: of the layer.
      sharpness: how little the engines overlap: the exponent, less one, of the norm that joins their times.
      stores_in_loads: share of the time of stores that delays loads.
    """

    matmul_tile: jax.Array
    convolution_tile: jax.Array
    preload_row: jax.Array
    weight_block: jax.Array
    weight_request: jax.Array
    weight_byte: jax.Array
    input_request: jax.Array
    input_byte: jax.Array
    output_request: jax.Array
    output_byte: jax.Array
    weight_miss: jax.Array
    input_miss: jax.Array
    output_miss: jax.Array
    weight_page: jax.Array
    input_page: jax.Array
    output_page: jax.Array
    start: jax.Array
    sharpness: jax.Array
    stores_in_loads: jax.Array


_GUESS = {
    "matmul_tile": 125.0,
    "convolution_tile": 250.0,
    "preload_row": 0.3,
    "weight_block": 1.0,
    "weight_request": 2.0,
    "weight_byte": 0.1,
    "input_request": 1.0,
    "input_byte": 0.1,
    "output_request": 1.0,
    "output_byte": 0.1,
    "weight_miss": 2.0,
    "input_miss": 2.0,
    "output_miss": 2.0,
    "weight_page": 2.0,
    "input_page": 2.0,
    "output_page": 2.0,
    "start": 500.0,
    "sharpness": 4.0,
    "stores_in_loads": 0.3,
}


def guess() -> EventCosts:
    """Where a fit starts: orders of magnitude."""
    return EventCosts(**{name: jnp.log(jnp.asarray(value)) for name, value in _GUESS.items()})


def log_tile_cycles(costs: EventCosts, counts: TileCounts) -> jax.Array:
    """Natural logarithm of the cycles of one tile; `counts` of any shape."""
    cost = EventCosts(*map(jnp.exp, costs))
    issue = jnp.where(counts.is_matmul > 0, cost.matmul_tile, cost.convolution_tile)
    compute = (
        counts.compute_rows + cost.preload_row * counts.preload_rows + cost.weight_block * counts.preload_rows / counts.mesh
    )
    load = (
        cost.weight_request * counts.weight_requests
        + cost.weight_byte * counts.weight_bytes
        + cost.weight_miss * counts.weight_misses
        + cost.weight_page * counts.weight_pages
        + cost.input_request * counts.input_requests
        + cost.input_byte * counts.input_bytes
        + cost.input_miss * counts.input_misses
        + cost.input_page * counts.input_pages
    )
    store = (
        cost.output_request * counts.output_requests
        + cost.output_byte * counts.output_bytes
        + cost.output_miss * counts.output_misses
        + cost.output_page * counts.output_pages
    )
    engines = jnp.stack(jnp.broadcast_arrays(issue, compute, load + cost.stores_in_loads * store, store), axis=-1)
    power = 1 + cost.sharpness
    tile = jax.nn.logsumexp(power * jnp.log(engines), axis=-1) / power
    return jnp.logaddexp(tile, costs.start - jnp.log(counts.tiles))
