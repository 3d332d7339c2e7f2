"""Mapping: how the loops of a layer are cut over memory levels and laid out over fan-outs."""

import jax
import numpy as np
from flax import struct


@struct.dataclass
class Mapping:
    """Loop factors of one layer (or, with leading axes, of many).

    Attributes:
      temporal: factor of each loop dimension at each level, [V, 8]: how many tiles of the level below one tile holds.
      spatial: factor of each loop dimension over each fan-out, [F, 8].
      order: dimensions at each level from the innermost loop to the outermost, as indices into DIMENSIONS, int[V, 8].
    """

    temporal: jax.Array | np.ndarray
    spatial: jax.Array | np.ndarray
    order: jax.Array | np.ndarray
