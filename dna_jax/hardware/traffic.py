"""Traffic of a loop nest: how many bytes each memory level reads and writes, by operand.

The counting rules are those of analytical tools such as Timeloop (Parashar et al., ISPASS 2019, section VI): an operand's
tile at a level is refilled whenever a loop outside it that the operand depends on advances; loops that it does not depend
on cost nothing while they stand inside all of those (stationarity), and a refill each where they stand outside.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import surrogate
from dna_jax.hardware.footprint import RELEVANT, reach
from dna_jax.hardware.nest import OUTPUT, Factor, Factors, Nest, crossing, operand_bytes
from dna_jax.workload import DIMENSIONS, OPERANDS

Order = np.ndarray | jax.Array
"""Dimensions per level from the innermost loop out, int[..., V, 8] with an axis for mappings or none. A NumPy array is known
while the program is compiled, which then holds only the loops that can matter; a JAX array may differ from call to call."""


def _pick(per_dimension: np.ndarray, dimensions: Order) -> jax.Array | np.ndarray | bool:
    """The entries [8] of the dimensions at hand: one answer where all mappings agree, or one for each."""
    if isinstance(dimensions, jax.Array):
        return jnp.asarray(per_dimension)[dimensions]
    answers = per_dimension[dimensions]
    return bool(answers.flat[0]) if answers.size == 1 or (answers == answers.flat[0]).all() else answers


def _loop(factors: Sequence[Factor], dimensions: Order) -> Factor:
    """The factor of the loop at a slot, of each mapping its own."""
    if isinstance(dimensions, jax.Array):
        return jnp.stack(jnp.broadcast_arrays(*factors))[dimensions]
    loop: Factor = factors[int(dimensions.flat[0])]
    for dimension in np.unique(dimensions):
        if (dimensions != dimension).any():
            loop = jnp.where(dimensions == dimension, factors[int(dimension)], loop)
    return loop


def refills(
    loops: Factors,
    order: Order,
    operand: int,
    child: int,
    new_share: Sequence[Factor] | None = None,
    refetched: bool = False,
) -> tuple[Factor, Factor]:
    """How often the tile at level `child` is filled, and how many distinct tiles there are; both count parts of tiles.

    Args:
      loops: factors by level and slot, innermost first; one with a fraction ends with a part of a tile.
      order: the dimensions in these slots, see `Order`.
      operand: index into OPERANDS.
      child: the level filled, by loops at the levels above.
      new_share: where a level keeps what successive tiles share, the share of a tile that is new when a loop of each
        dimension advances, 8 numbers; it holds for the innermost loop that moves the tile, the others bring whole ones.
      refetched: whether loops that do not move the tile bring it again all the same.
    """
    fills: Factor = 1.0
    distinct: Factor = 1.0
    moving: jax.Array | np.ndarray | bool = refetched
    for level in range(child + 1, len(loops)):
        for slot, factor in enumerate(loops[level]):
            if isinstance(factor, float):
                continue
            depends = _pick(RELEVANT[operand], order[..., level, slot])
            if new_share is not None and depends is not False:
                sliding = 1 + (factor - 1) * _loop(new_share, order[..., level, slot])
                again = jnp.where(moving, surrogate.ceil(factor), 1)
                fills = fills * jnp.where(depends, jnp.where(moving, factor, sliding), again)
                distinct = distinct * jnp.where(depends, factor, 1)
                moving = moving | (depends & (factor > 1))
            elif depends is True:
                fills, distinct = fills * factor, distinct * factor
                moving = moving | (factor > 1)
            elif depends is False:
                fills = fills if moving is False else fills * jnp.where(moving, surrogate.ceil(factor), 1)
            else:
                fills = fills * jnp.where(depends, factor, jnp.where(moving, surrogate.ceil(factor), 1))
                distinct = distinct * jnp.where(depends, factor, 1)
                moving = moving | (depends & (factor > 1))
    return fills, distinct


def _new_share(nest: Nest, level: int) -> list[Factor]:
    """Of the inputs' tile at a level, the share that is new when one loop outside it advances, by dimension."""
    layer = nest.layer
    extent = [jnp.minimum(a, b) for a, b in zip(nest.covers(level), nest.bounds, strict=True)]
    shares: list[Factor] = [1.0] * len(DIMENSIONS)
    for pixels, taps in ("PR", "QS"):
        pixel, tap = DIMENSIONS.index(pixels), DIMENSIONS.index(taps)
        held = reach(extent[pixel], extent[tap], layer, nest.architecture.whole_rows)
        for grown in (pixel, tap):
            twice = [2 * x if d == grown else x for d, x in enumerate(extent)]
            both = reach(twice[pixel], twice[tap], layer, nest.architecture.whole_rows)
            shares[grown] = jnp.minimum(both / held - 1, 1)
    return shares


@dataclasses.dataclass
class Traffic:
    """Bytes that one instance of each level reads and writes.

    Attributes:
      reads, writes: by level and operand, V x 3.
      drains: what of the reads are outputs on their way to the level above, V.
      fills: how often the tiles of each operand are fetched (or, for outputs, sent up), V x 3.
    """

    reads: list[list[Factor]]
    writes: list[list[Factor]]
    drains: list[Factor]
    fills: list[list[Factor]]


def _feed_arithmetic(traffic: Traffic, nest: Nest, operand: int, level: int, fills: Factor) -> None:
    """What multiply-accumulate units take from the innermost level of an operand, and what they leave there.

    The first visit of each output in a tile adds to nothing and reads nothing; partial sums that come back to the tile are
    added as it leaves (the count of Timeloop).
    """
    partial, _ = operand_bytes(nest.layer)
    # Copies of one datum are multicast, counted once.
    served = nest.elements(-1, level)[operand] * partial[operand]
    trips = math.prod(nest.trips)
    if operand != OUTPUT:
        traffic.reads[level][operand] += served * trips
        return
    first = fills * math.prod(factor for d, factor in enumerate(nest.done(nest.trips)[level]) if RELEVANT[OUTPUT, d])
    traffic.writes[level][operand] += served * trips
    traffic.reads[level][operand] += served * (trips - first)


def _move_inputs(traffic: Traffic, nest: Nest, operand: int, child: int, parent: int, fills: Factor) -> None:
    """Tiles of weights or inputs from one level down to the next that holds them."""
    each, _ = operand_bytes(nest.layer)
    moved = fills * each[operand] * crossing(nest, OPERANDS[operand], parent)
    # What one parent serves to the children below it; then what each child takes in: multicast copies are each written.
    traffic.reads[parent][operand] += nest.elements(child, parent)[operand] * moved
    traffic.writes[child][operand] += nest.elements(child, child)[operand] * moved


def _move_outputs(traffic: Traffic, nest: Nest, child: int, parent: int, fills: Factor, distinct: Factor) -> None:
    """Tiles of outputs up to the next level that holds them, and partial sums back down."""
    partial, final = (widths[OUTPUT] for widths in operand_bytes(nest.layer))
    served, received = nest.elements(child, parent)[OUTPUT], nest.elements(child, child)[OUTPUT]
    crosses = crossing(nest, "O", parent)

    def width(level: int) -> Factor:
        """Bytes of an output that leaves a level for good: a partial sum while instances above add up their parts."""
        above = [nest.spatial[f] for f, at in enumerate(nest.architecture.fanout_level) if at > level]
        summands = math.prod(row[d] for row in above for d in range(len(DIMENSIONS)) if not RELEVANT[OUTPUT, d])
        return jnp.where(summands > 1, partial, final)

    # What comes back before it is complete is a partial sum.
    back = (fills - distinct) * partial
    traffic.writes[parent][OUTPUT] += served * (distinct * width(parent) + back) * crosses
    traffic.reads[parent][OUTPUT] += served * back * crosses
    traffic.drains[child] = received * (distinct * width(child) + back) * crosses
    traffic.reads[child][OUTPUT] += traffic.drains[child]
    traffic.writes[child][OUTPUT] += received * back * crosses


def _by_slot(factors: Factors, order: Order) -> list[list[Factor]]:
    """Factors by level and slot, innermost first."""
    slots = range(len(DIMENSIONS))
    return [[_loop(row, order[..., level, slot]) for slot in slots] for level, row in enumerate(factors)]


def count_folds(nest: Nest, operand: int, order: Order) -> Factor:
    """How often the operand that an array keeps in level 0 changes; a part of a fold takes as long as a whole one."""
    loops = _by_slot(nest.loops([surrogate.ceil(trips) for trips in nest.trips]), order)
    return refills(loops, order, operand, 0)[0]


def count_traffic(nest: Nest, order: Order) -> Traffic:
    """What crosses the ports of every level.

    Args:
      nest: a layer cut and laid out.
      order: see `Order`.
    """
    loops = _by_slot(nest.loops(nest.trips), order)
    levels = range(len(nest.temporal))
    nothing: list[Factor] = [0.0] * len(OPERANDS)
    reads, writes, fills_of = ([list(nothing) for _ in levels] for _ in range(3))
    traffic = Traffic(reads, writes, [0.0 for _ in levels], fills_of)
    for operand, name in enumerate(OPERANDS):
        chain = [v for v in levels if name in nest.architecture.holds[v]]
        _feed_arithmetic(traffic, nest, operand, chain[0], refills(loops, order, operand, chain[0])[0])
        for child, parent in itertools.pairwise(chain):
            slides = name == "I" and nest.architecture.slides[child]
            new_share = _new_share(nest, child) if slides else None
            again = nest.architecture.refetched[child] and operand != OUTPUT
            fills, distinct = refills(loops, order, operand, child, new_share, again)
            traffic.fills[child][operand] = fills
            if operand == OUTPUT:
                _move_outputs(traffic, nest, child, parent, fills, distinct)
            else:
                _move_inputs(traffic, nest, operand, child, parent, fills)
    return traffic
