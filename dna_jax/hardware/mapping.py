"""Mapping: how the loops of a layer are cut over memory levels and laid out over fan-outs."""

from collections.abc import Sequence

import jax
import numpy as np
from flax import struct

from dna_jax.workload import DIMENSIONS


@struct.dataclass
class Mapping:
    """Loop factors of one layer (or, with leading axes, of many).

    Attributes:
      temporal: factor of each loop dimension at each level, [V, 8]: how many tiles of the level below one tile holds.
      spatial: factor of each loop dimension over each fan-out, [F, 8].
      order: dimensions at each level from the innermost loop to the outermost, as indices into DIMENSIONS, int[V, 8].
    """

    temporal: jax.Array
    spatial: jax.Array
    order: jax.Array


def describe(mapping: Mapping, level_names: Sequence[str], fanout_names: Sequence[str]) -> str:
    """A loop nest in words, outermost level first; factors of one are left out.

    Args:
      mapping: of one layer.
      level_names, fanout_names: as in the architecture.

    Returns:
      For instance "dram[K4] local_memory[Q7 P14] pes_x{K8} lanes{Q4}".
    """

    def factors(row: np.ndarray, order: Sequence[int]) -> str:
        return " ".join(f"{DIMENSIONS[d]}{row[d]:.4g}" for d in order if row[d] > 1)

    temporal, spatial, order = (np.asarray(x) for x in (mapping.temporal, mapping.spatial, mapping.order))
    parts = []
    for level in reversed(range(len(level_names))):
        loops = factors(temporal[level], order[level][::-1])
        if loops:
            parts.append(f"{level_names[level]}[{loops}]")
    for fanout, name in enumerate(fanout_names):
        loops = factors(spatial[fanout], range(len(DIMENSIONS)))
        if loops:
            parts.append(f"{name}{{{loops}}}")
    return " ".join(parts)
