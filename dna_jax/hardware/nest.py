"""A loop nest's tiles: what each memory level holds of each operand, and how many instances work side by side."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from dna_jax.hardware import surrogate
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.footprint import footprint
from dna_jax.workload import DIMENSIONS, OPERANDS, Workload

OUTPUT = OPERANDS.index("O")

Factor = jax.Array | float
"""A loop factor; the Python number 1.0 where a loop cannot be, so that it costs nothing."""

Factors = Sequence[Sequence[Factor]]
"""Loop factors by level (or fan-out) and dimension; arrays may carry an axis of mappings."""


_ONES: Sequence[Factor] = (1.0,) * len(DIMENSIONS)


def _multiply(left: Sequence[Factor], right: Sequence[Factor]) -> list[Factor]:
    return [a if isinstance(b, float) else b if isinstance(a, float) else a * b for a, b in zip(left, right, strict=True)]


def operand_bytes(layer: Workload) -> tuple[list[jax.Array], list[jax.Array]]:
    """Bytes per element of each operand, twice: outputs as partial sums and as final values."""
    final = [layer.bits[operand] / 8 for operand in range(len(OPERANDS))]
    return [*final[:OUTPUT], layer.partial_bits / 8], final


@dataclasses.dataclass(frozen=True)
class Nest:
    """One layer cut and laid out on an architecture.

    Attributes:
      layer: a workload without its layer axis: bounds [8], scalars.
      architecture: V levels, F fan-outs.
      temporal: V x 8 factors.
      spatial: F x 8 factors.
    """

    layer: Workload
    architecture: Architecture
    temporal: Factors
    spatial: Factors

    @functools.cached_property
    def bounds(self) -> list[jax.Array]:
        """Extent of each loop dimension, 8 numbers."""
        return [self.layer.bounds[d] for d in range(len(DIMENSIONS))]

    @functools.cached_property
    def covered(self) -> list[Sequence[Factor]]:
        """Trips of the loops up to each level, V x 8."""
        return list(itertools.accumulate(self.temporal, _multiply))

    @functools.cached_property
    def _fanouts(self) -> list[Sequence[Factor]]:
        """Everything laid out right below each level, V x 8."""
        at = self.architecture.fanout_level
        return [
            functools.reduce(_multiply, [self.spatial[f] for f, above in enumerate(at) if above == level], _ONES)
            for level in range(len(self.temporal))
        ]

    @functools.cached_property
    def unrolled(self) -> list[Sequence[Factor]]:
        """Everything laid out below each level, V x 8."""
        return list(itertools.accumulate(self._fanouts, _multiply))

    @functools.cached_property
    def trips(self) -> list[jax.Array]:
        """Steps that each dimension takes in time, 8 numbers; with a fraction where the last step uses part of the units."""
        return [bound / side for bound, side in zip(self.bounds, self.unrolled[-1], strict=True)]

    def done(self, trips: Sequence[jax.Array]) -> list[Sequence[Factor]]:
        """Steps done by one tile of each level, V x 8: `covered`, but never more than the `trips` there are."""
        capped = [
            [a if isinstance(a, float) else jnp.minimum(a, b) for a, b in zip(row, trips, strict=True)]
            for row in self.covered[:-1]
        ]
        return [*capped, trips]

    def loops(self, trips: Sequence[jax.Array]) -> list[list[Factor]]:
        """How many tiles of the level below each tile really runs through, V x 8; the last of them may be a part."""
        done = self.done(trips)
        return [
            [a if isinstance(b, float) else a / b for a, b in zip(outer, inner, strict=True)]
            for outer, inner in zip(done, [_ONES, *done[:-1]], strict=True)
        ]

    def busy_instances(self, level: int) -> Factor:
        """Instances of a level that work in parallel: everything laid out above it."""
        return math.prod(functools.reduce(_multiply, self._fanouts[level + 1 :], _ONES))

    def covers(self, level: int) -> list[Factor]:
        """Extent of the tile of one instance of a level, by dimension; it may reach past the layer's bounds."""
        return _multiply(self.covered[level], self.unrolled[level])

    @functools.cached_property
    def _elements(self) -> dict[tuple[int, int], tuple[jax.Array, ...]]:
        return {}

    def elements(self, level: int, served: int) -> tuple[jax.Array, ...]:
        """Elements of each operand in the tiles at `level` (-1: of one multiply-accumulate) of all children of one `served`.

        With `served` equal to `level` it is the tile of one instance.
        """
        if (level, served) not in self._elements:
            inner = self.covered[level] if level >= 0 else _ONES
            extents = _multiply(inner, self.unrolled[served])
            clipped = [jnp.minimum(extent, bound) for extent, bound in zip(extents, self.bounds, strict=True)]
            self._elements[level, served] = footprint(clipped, self.layer, self.architecture.whole_rows)
        return self._elements[level, served]

    @functools.cached_property
    def resident_share(self) -> jax.Array | float:
        """1 where the layer's inputs and outputs stay within the resident level, 0 where they cross to the level above.

        Outputs count at their final width: partial sums that a mapping sends past the resident level are not held there.
        """
        level = self.architecture.resident_level
        if level is None:
            return 0.0
        _, inputs, outputs = footprint(self.bounds, self.layer, self.architecture.whole_rows)
        _, final = operand_bytes(self.layer)
        held = self.architecture.capacity_bytes[level] * self.architecture.instances[level]
        return surrogate.at_least(held, inputs * final[1] + outputs * final[OUTPUT])


def crossing(nest: Nest, name: str, parent: int) -> Factor:
    """Share of an operand that really moves to or from a level: activations that stay in the resident level do not."""
    resident = nest.architecture.resident_level
    stays = resident is not None and parent > resident and name != "W"
    return 1 - nest.resident_share if stays else 1.0
