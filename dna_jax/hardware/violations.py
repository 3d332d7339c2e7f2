"""What does not fit, in words."""

from collections.abc import Sequence

import numpy as np

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.loopnest import LayerCost
from dna_jax.workload import OPERANDS


def capacity_violations(architecture: Architecture, names: Sequence[str], layers: LayerCost) -> list[str]:
    """A sentence for each layer and memory level whose tiles exceed it: the amount, and what each operand takes.

    Args:
      architecture: names of levels and what they hold.
      names: of the layers, L.
      layers: their cost, [L].
    """
    found = []
    for level, overflow in enumerate(layers.overflow_bytes):
        excess = np.broadcast_to(overflow, len(names))
        for index in np.flatnonzero(excess > 0):
            tiles = [np.broadcast_to(tile, len(names))[index] for tile in layers.tile_bytes[level]]
            taken = ", ".join(f"{o} {tile:.6g}" for o, tile in zip(OPERANDS, tiles, strict=True) if tile)
            memory = architecture.level_names[level]
            found.append(
                f"{names[int(index)]}: the smallest tiles ({taken} bytes) exceed what {memory} can hold by "
                f"{excess[index]:.6g} bytes"
            )
    return found
